/**
 * The arrows of the house: which room may import which. Data first; a missing line fails.
 *
 * @see docs/architecture.md
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const src = resolve(import.meta.dirname, '../src');

/** Room → rooms and packages it may import. `node:` stands for every built-in module. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  domain: ['domain', 'valibot', '@noble/hashes'],
  platform: ['platform', 'domain', 'node:'],
  store: ['store', 'domain', 'platform', 'node:', 'lru-cache', '@redis/client'],
  auth: ['auth', 'domain', 'platform', 'node:', 'jose', 'lru-cache', 'valibot'],
  people: ['people', 'domain', 'platform', 'store/store.ts', 'node:', 'lru-cache'],
  search: ['search', 'domain', 'platform', 'store/store.ts'],
  config: ['config', 'domain', 'platform', 'node:', 'valibot'],
  directory: [
    'directory',
    'domain',
    'platform',
    'store/store.ts',
    'store/bus.ts',
    'people/people.ts',
    'search',
  ],
  http: ['http', 'domain', 'directory', 'auth', 'platform', 'node:'],
  admin: ['admin', 'domain', 'directory', 'platform', 'http/route.ts', 'valibot'],
  rta: ['rta', 'domain', 'directory', 'platform', 'node:'],
  client: ['client', 'domain'],
  cli: [
    'cli',
    'client',
    'config',
    'auth',
    'domain',
    'store',
    'platform',
    'server.ts',
    'node:',
    'jose',
    'ws',
  ],
  'server.ts': ['server', 'platform/conditions.ts', 'platform/node-version.js', 'store/store.ts'],
  server: [
    'server',
    'domain',
    'platform',
    'store',
    'auth',
    'people',
    'search',
    'config',
    'directory',
    'http',
    'admin',
    'rta',
    'node:',
  ],
  'main.js': ['cli', 'platform/node-version.js', 'node:'],
  'index.ts': ['server.ts', 'config', 'domain', 'store', 'people', 'auth', 'platform'],
  // The kit is for tests, its own and those of games; it may use everything.
  testing: ['*'],
};

/** Packages that one file alone may know. */
const owners: Readonly<Record<string, string>> = { ws: 'rta/socket-server.ts' };

/** Names of the machine that the law must not use: time and chance come in as values. */
const bannedInDomain =
  /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|async |await )/;

type Import = { readonly from: string; readonly to: string; readonly isType: boolean };

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.[jt]s$/.test(file))
  .map((file) => file.replaceAll('\\', '/'));

const imports: readonly Import[] = files.flatMap((from) => {
  const text = readFileSync(join(src, from), 'utf8');
  const found = text.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\(\s*'([^']+)'/gm,
  );
  return [...found].map(([, type, plain, dynamic]) => {
    const to = plain ?? dynamic ?? '';
    const isRelative = to.startsWith('.');
    return {
      from,
      to: isRelative ? relative(src, resolve(src, dirname(from), to)).replaceAll('\\', '/') : to,
      isType: type !== undefined,
    };
  });
});

const isTest = (file: string): boolean => /\.test\.ts$/.test(file);
const roomOf = (file: string): string => file.split('/')[0] ?? file;

function isAllowed({ from, to }: Import): boolean {
  const allowed = arrows[roomOf(from)] ?? [];
  return allowed.some(
    (one) => one === '*' || to === one || to.startsWith(one.endsWith(':') ? one : `${one}/`),
  );
}

test('every import follows an arrow', () => {
  const wrong = imports
    .filter(({ from }) => !isTest(from))
    .filter((one) => owners[one.to] !== one.from)
    .filter((one) => !isAllowed(one))
    .map(({ from, to }) => `${from} → ${to}`);
  assert.deepEqual(wrong, []);
});

test('every room and root file has its line', () => {
  const missing = [...new Set(files.filter((file) => !isTest(file)).map(roomOf))].filter(
    (room) => arrows[room] === undefined,
  );
  assert.deepEqual(missing, []);
});

test('no file imports itself through others', () => {
  // Types may know each other; code may not.
  const next = new Map<string, string[]>();
  for (const { from, to, isType } of imports) {
    if (!isType && !isTest(from)) next.set(from, [...(next.get(from) ?? []), to]);
  }
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), `cycle: ${[...path, file].join(' → ')}`);
    if (done.has(file)) return;
    for (const to of next.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of next.keys()) visit(file, []);
});

test('the law asks the machine for nothing', () => {
  const asking = files
    .filter((file) => file.startsWith('domain/') && !isTest(file))
    .filter((file) => {
      const code = readFileSync(join(src, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      return bannedInDomain.test(code);
    });
  assert.deepEqual(asking, []);
});

test('adapters ask the directory, and never the store', () => {
  const reaching = files
    .filter((file) => /^(http|rta|admin)\//.test(file) && !isTest(file))
    .filter((file) => {
      const code = readFileSync(join(src, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      return /\bstore\b(?=[.,\s}:[])/.test(code.replaceAll(/'[^'\n]*'|"[^"\n]*"|`[^`]*`/g, ''));
    });
  assert.deepEqual(reaching, []);
});

test('only index.ts gathers exports of others', () => {
  const barrels = files
    .filter((file) => file !== 'index.ts' && !isTest(file))
    .filter((file) => /^export \* from/m.test(readFileSync(join(src, file), 'utf8')));
  assert.deepEqual(barrels, []);
});
