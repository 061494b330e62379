/**
 * Which folder may import which. Data first; a missing line fails.
 *
 * @see docs/architecture.md
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const src = resolve(import.meta.dirname, '../src');

/** Folder → folders and packages it may import. `node:` stands for every built-in module. */
const allowedImports: Readonly<Record<string, readonly string[]>> = {
  domain: ['domain', 'valibot', '@noble/hashes'],
  platform: ['platform', 'domain', 'node:'],
  observe: [
    'observe',
    'domain',
    'platform/log-level.ts',
    'node:',
    'pino',
    'prom-client',
    '@opentelemetry',
  ],
  store: ['store', 'domain', 'observe', 'platform', 'node:', 'lru-cache', '@redis/client'],
  auth: ['auth', 'domain', 'platform', 'store/store.ts', 'node:', 'jose', 'lru-cache', 'valibot'],
  people: ['people', 'domain', 'platform', 'store/store.ts', 'node:', 'lru-cache'],
  search: ['search', 'domain', 'platform', 'store/store.ts', 'node:crypto', 'lru-cache'],
  matchmaking: [
    'matchmaking',
    'domain',
    'observe',
    'platform',
    'directory',
    'store/store.ts',
    'valibot',
  ],
  config: ['config', 'auth/claim-mapping.ts', 'domain', 'platform', 'node:', 'valibot'],
  directory: [
    'directory',
    'domain',
    'observe',
    'platform',
    'store/store.ts',
    'store/bus.ts',
    'people/people.ts',
    'search',
  ],
  neighbours: ['neighbours', 'domain', 'directory', 'platform', 'store/store.ts'],
  activity: ['activity', 'domain', 'directory', 'neighbours', 'store/store.ts'],
  // Shapes of answers, and JSON schemas of all: loaded when the description is asked for.
  'http/openapi': [
    'http',
    'domain',
    'admin/admin-request.ts',
    'admin/request.ts',
    'auth/token-chain.ts',
    'valibot',
    '@valibot/to-json-schema',
  ],
  http: [
    'lru-cache',
    'http',
    'domain',
    'observe',
    'directory',
    'activity',
    'matchmaking',
    'neighbours',
    'auth',
    'platform',
    'node:',
  ],
  history: ['history', 'domain', 'directory', 'neighbours', 'http/route.ts', 'store/store.ts'],
  gateway: ['gateway', 'domain', 'http', 'platform', 'node:'],
  admin: ['admin', 'domain', 'directory', 'platform', 'http/route.ts', 'valibot'],
  inspector: [
    'inspector',
    'domain',
    'directory',
    'activity',
    'matchmaking',
    'history',
    'observe',
    'platform',
    'admin',
    'http/route.ts',
    'store/store.ts',
    'auth/development-token.ts',
    'client',
    'node:',
    'valibot',
  ],
  // The page runs in a browser. It shares the types of the API, exact JSON and the rules of
  // certification with the server.
  'inspector/web': [
    'inspector/web',
    'inspector/api-types.ts',
    'domain/json.ts',
    'domain/calls',
    'capture/capture.ts',
    'capture/captured-calls.ts',
    'capture/har.ts',
    'capture/saz.ts',
    'observe/secret-replacement.ts',
    '@preact',
    'preact',
    'vite',
    'node:',
  ],
  rta: ['rta', 'domain', 'directory', 'activity', 'neighbours', 'observe', 'platform', 'node:'],
  capture: ['capture', 'auth', 'domain', 'observe', 'platform', 'node:', '@zip.js', 'ws'],
  client: ['client', 'domain'],
  cli: [
    'cli',
    'capture',
    'client',
    'config',
    'auth',
    'domain',
    'inspector/api-types.ts',
    'matchmaking',
    'store',
    'platform',
    'server.ts',
    'gateway',
    'node:',
    'jose',
    'ws',
    'cross-spawn',
  ],
  'server.ts': [
    'server',
    'config/settings.ts',
    'observe/observers.ts',
    'platform/conditions.ts',
    'platform/node-version.js',
    'store/store.ts',
  ],
  server: [
    'server',
    'domain',
    'observe',
    'platform',
    'store',
    'auth',
    'people',
    'search',
    'config',
    'directory',
    'activity',
    'neighbours',
    'matchmaking',
    'history',
    'http',
    'admin',
    'inspector',
    'rta',
    'gateway',
    'capture',
    'node:',
  ],
  'main.js': ['cli', 'platform/cache-folder.js', 'platform/node-version.js', 'node:'],
  'index.ts': ['server.ts', 'config', 'domain', 'store', 'people', 'auth', 'platform'],
  // The kit is for tests, its own and those of games; it may use everything.
  testing: ['*'],
};

/** Packages that one file alone may know. */
const owners: Readonly<Record<string, string>> = {
  ws: 'rta/socket-server.ts',
  asn1js: 'gateway/certificates.ts',
};

/** Names of the machine that the domain must not use: time and chance come in as values. */
const bannedInDomain =
  /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|async |await )/;

type Import = { readonly from: string; readonly to: string };

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(js|tsx?)$/.test(file))
  .map((file) => file.replaceAll('\\', '/'));

const imports: readonly Import[] = files.flatMap((from) => {
  const text = readFileSync(join(src, from), 'utf8');
  const found = text.matchAll(
    /^\s*(?:import|export)\s+(?:type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\(\s*'([^']+)'/gm,
  );
  return [...found].map(([, plain, dynamic]) => {
    const to = plain ?? dynamic ?? '';
    const isRelative = to.startsWith('.');
    return {
      from,
      to: isRelative ? relative(src, resolve(src, dirname(from), to)).replaceAll('\\', '/') : to,
    };
  });
});

const isTest = (file: string): boolean => /\.test\.ts$/.test(file);
/** Folders in folders that may import other packages than what is around them. */
const ownLines = ['http/openapi', 'inspector/web'];
const folderOf = (file: string): string =>
  ownLines.find((folder) => file.startsWith(`${folder}/`)) ?? file.split('/')[0] ?? file;

function isAllowed({ from, to }: Import): boolean {
  const allowed = allowedImports[folderOf(from)] ?? [];
  return allowed.some(
    (one) => one === '*' || to === one || to.startsWith(one.endsWith(':') ? one : `${one}/`),
  );
}

test('every import is an allowed one', () => {
  const wrong = imports
    .filter(({ from }) => !isTest(from))
    .filter((one) => owners[one.to] !== one.from)
    .filter((one) => !isAllowed(one))
    .map(({ from, to }) => `${from} → ${to}`);
  assert.deepEqual(wrong, []);
});

test('every folder and root file has its line', () => {
  const missing = [...new Set(files.filter((file) => !isTest(file)).map(folderOf))].filter(
    (folder) => allowedImports[folder] === undefined,
  );
  assert.deepEqual(missing, []);
});

/** Files that import each other, types included, each group in the order of their names. */
function importCycles(): readonly (readonly string[])[] {
  const next = new Map<string, string[]>();
  for (const one of imports) {
    if (!isTest(one.from)) {
      next.set(one.from, [...(next.get(one.from) ?? []), one.to]);
    }
  }
  const reach = (from: string): ReadonlySet<string> => {
    const found = new Set<string>();
    const open = [...(next.get(from) ?? [])];
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      if (found.has(file)) continue;
      found.add(file);
      open.push(...(next.get(file) ?? []));
    }
    return found;
  };
  const reached = new Map([...next.keys()].map((file) => [file, reach(file)]));
  const groups = new Set<string>();
  for (const [file, found] of reached) {
    if (!found.has(file)) continue;
    groups.add(
      [...found]
        .filter((one) => reached.get(one)?.has(file))
        .sort()
        .join(' '),
    );
  }
  return [...groups].map((group) => group.split(' '));
}

test('no file imports itself through others, types included', () => {
  assert.deepEqual(importCycles(), []);
});

test('the domain asks the machine for nothing', () => {
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

/** Files outside of the stores, the kit and tests whose code has this. */
function filesWith(pattern: RegExp): readonly string[] {
  return files
    .filter((file) => !isTest(file) && !/^(store|testing)\//.test(file))
    .filter((file) =>
      pattern.test(
        readFileSync(join(src, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''),
      ),
    )
    .sort();
}

test('sessions are committed by the unit of work, and by a saved state that replaces them', () => {
  assert.deepEqual(filesWith(/\bcommitSession\(/), [
    'directory/commit-session.ts',
    'directory/commit-timeouts.ts',
    'directory/transact.ts',
    'inspector/saved-state.ts',
  ]);
  assert.deepEqual(filesWith(/\bcommitTimeouts\(/), [
    'directory/commit-timeouts.ts',
    'directory/transact.ts',
  ]);
  // The lease refuses what a node without one would commit.
  assert.deepEqual(filesWith(/\bstore\.commit\(/), [
    'directory/commit-session.ts',
    'server/lease.ts',
  ]);
});

test('only index.ts gathers exports of others', () => {
  const barrels = files
    .filter((file) => file !== 'index.ts' && !isTest(file))
    .filter((file) => /^export \* from/m.test(readFileSync(join(src, file), 'utf8')));
  assert.deepEqual(barrels, []);
});
