import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { devAuthenticator } from '../auth/dev-authenticator.ts';
import { openAuthenticator } from '../auth/open-authenticator.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { tokenKeyOf } from '../auth/token.ts';
import type { Caller } from '../domain/caller.ts';
import { Refusal } from '../domain/refusal.ts';
import { runToken } from './token.ts';

const secret = new Uint8Array(32).fill(7);
const nowMs = Date.UTC(2026, 0, 1);
const ada: Caller = { kind: 'user', xuid: '1', gamertag: 'Ada L', sandbox: 'RETAIL' };

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openmpsd-'));
});
after(() => rm(folder, { recursive: true }));

async function run(args: readonly string[], env: Record<string, string> = {}) {
  let stdout = '';
  let stderr = '';
  const asked: string[] = [];
  const code = await runToken(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env,
    nowMs,
    readSecret: async (dataFolder) => {
      asked.push(dataFolder);
      if (dataFolder === 'empty') throw new Error('there is no database; start the server first');
      return secret;
    },
  });
  return { code, stdout, stderr, asked };
}

async function header(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(args);
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.match(stdout, /^XBL3\.0 x=-;\S+\n$/);
  return stdout.trim();
}

const keyFile = async (name: string, content: string | Buffer) => {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
};
const pem = (key: KeyObject) => key.export({ format: 'pem', type: 'pkcs8' });

test('the token is signed with the key of the server, and good for a day or as long as asked', async () => {
  const authenticator = devAuthenticator(tokenKeyOf(secret));
  const dayMs = 24 * 3_600_000;
  for (const [lifetime, lifetimeMs] of [
    [[], dayMs],
    [['--lifetime', '90s'], 90_000],
    [['--lifetime', '15m'], 900_000],
    [['--lifetime=2h'], 7_200_000],
    [['--lifetime', '30d'], 30 * dayMs],
  ] as const) {
    const value = await header('--xuid', '1', '--gtg', 'Ada L', ...lifetime);
    assert.deepEqual(await authenticator.authenticate(value, nowMs + lifetimeMs - 1), ada);
    assert.ok((await authenticator.authenticate(value, nowMs + lifetimeMs)) instanceof Refusal);
  }
});

test('every claim has its flag', async () => {
  const authenticator = devAuthenticator(tokenKeyOf(secret));
  const flags = [
    '--xuid=1',
    '--gtg=Zoë',
    '--tid=2',
    '--did=D',
    '--sbx=X.1',
    '--prv=',
    '--agg=Teen',
  ];
  const zoe = {
    kind: 'user',
    xuid: '1',
    gamertag: 'Zoë',
    titleId: '2',
    deviceId: 'D',
    sandbox: 'X.1',
    privileges: [],
    ageGroup: 'Teen',
  };
  assert.deepEqual(await authenticator.authenticate(await header(...flags), nowMs), zoe);
  const unsigned = await header(...flags, '--unsigned');
  assert.equal(unsigned, 'XBL3.0 x=-;xuid=1&gtg=Zo%C3%AB&tid=2&did=D&sbx=X.1&prv=&agg=Teen');
  assert.deepEqual(await authenticator.authenticate(unsigned, nowMs), zoe);
  assert.deepEqual(await authenticator.authenticate(await header('--svc', 'a', '--tid=2'), nowMs), {
    kind: 'service',
    name: 'a',
    titleId: '2',
    sandbox: 'RETAIL',
  });
});

test('the data folder: flag, environment, ./data; not asked for when it is not needed', async () => {
  const user = ['--xuid', '1'];
  assert.deepEqual((await run([...user, '--data', 'a'], { MPSD_DATA: 'b' })).asked, ['a']);
  assert.deepEqual((await run(user, { MPSD_DATA: 'b' })).asked, ['b']);
  assert.deepEqual((await run(user)).asked, ['./data']);
  assert.deepEqual((await run([...user, '--unsigned'])).asked, []);
});

test('a new key pair signs for a server that is given its key set', async () => {
  for (const algorithm of ['ES256', 'RS256', 'EdDSA']) {
    const made = join(folder, 'keys', algorithm);
    const { code, stdout } = await run(['--new-key', made, '--alg', algorithm]);
    assert.equal(code, 0);
    assert.match(stdout, /private-key\.jwk.*\n.*jwks\.json/);
    const privateFile = join(made, 'private-key.jwk');
    const keySet = join(made, 'jwks.json');
    assert.equal((await stat(privateFile)).mode & 0o777, 0o600);
    assert.doesNotMatch(await readFile(keySet, 'utf8'), /"(d|p|q|dp|dq|qi)"/);

    const settings = { kind: 'signed', keySet, issuer: 'i', audience: 'a' } as const;
    const { authenticator } = await openAuthenticator(settings, {
      secret,
      store: openMemoryStore(),
      nowMs,
    });
    const flags = ['--key', privateFile, '--issuer', 'i', '--audience', 'a'];
    const value = await header('--xuid', '1', '--gtg', 'Ada L', ...flags);
    assert.deepEqual(await authenticator.authenticate(value, nowMs), ada, algorithm);
    const { kid, alg } = JSON.parse(await readFile(privateFile, 'utf8'));
    const [encoded = ''] = value.split(';')[1]?.split('.') ?? [];
    const said = JSON.parse(Buffer.from(encoded, 'base64url').toString());
    assert.deepEqual(said, { alg, typ: 'JWT', kid });
  }
});

test('a PEM key signs too, with the key id that is given', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = await keyFile('ec.pem', pem(privateKey));
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1' };
  const keySet = await keyFile('ec.jwks.json', JSON.stringify({ keys: [jwk] }));
  const { authenticator } = await openAuthenticator(
    { kind: 'signed', keySet },
    { secret, store: openMemoryStore(), nowMs },
  );
  const flags = ['--xuid=1', '--gtg=Ada L', '--key', key, '--alg=ES256', '--lifetime=1m'];
  const value = await header(...flags, '--kid=k1');
  assert.deepEqual(await authenticator.authenticate(value, nowMs), ada);
  assert.ok((await authenticator.authenticate(value, nowMs + 60_000)) instanceof Refusal);
  const stray = await authenticator.authenticate(await header(...flags, '--kid=k2'), nowMs);
  assert.ok(stray instanceof Refusal);
});

test('a new key pair replaces nothing', async () => {
  for (const name of ['private-key.jwk', 'jwks.json']) {
    const made = join(folder, `kept-${name}`);
    await mkdir(made);
    await writeFile(join(made, name), 'mine');
    const { code, stdout, stderr } = await run(['--new-key', made]);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /is there already and is not replaced\.\n$/);
    assert.deepEqual(await readdir(made), [name]);
    assert.equal(await readFile(join(made, name), 'utf8'), 'mine');
  }
});

test('the help names every flag', async () => {
  const { code, stdout, stderr } = await run(['--help']);
  assert.deepEqual([code, stderr], [0, '']);
  const flags = ['xuid', 'gtg', 'tid', 'did', 'sbx', 'svc', 'prv', 'agg', 'lifetime', 'data'];
  for (const flag of [...flags, 'unsigned', 'key', 'kid', 'issuer', 'audience', 'alg', 'new-key']) {
    assert.match(stdout, new RegExp(`^  --${flag}\\b`, 'm'));
  }
});

test('what is wrong is one line on stderr, and nothing on stdout', async () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  const ed25519 = generateKeyPairSync('ed25519');
  const publicPem = ed25519.publicKey.export({ format: 'pem', type: 'spki' });
  const files = {
    ed25519: await keyFile('ed25519.pem', pem(ed25519.privateKey)),
    public: await keyFile('public.pem', publicPem),
    weak: await keyFile('weak.pem', pem(weak)),
    p384: await keyFile('p384.pem', pem(p384)),
    broken: await keyFile('broken.jwk', '{"d":"hunter2",,}'),
    other: await keyFile('other.jwk', '{"kty":"oct","k":"aHVudGVyMg"}'),
  };
  const user = ['--xuid', '1'];
  const lifetimes = ['1', 'h', '0h', '1.5h', '1w', '-1h', '1 h', '0s', '1000000d'];
  const cases: readonly [args: readonly string[], text: RegExp][] = [
    [[], /names nobody: it needs --xuid \(a user\) or --svc \(a game service\)/],
    [[...user, '--svc', 'a'], /names both --xuid and --svc/],
    [['--xuid', 'Ada'], /--xuid must be a decimal number below 2\^64/],
    [[...user, '--tid', '-1'], /--tid must be a decimal number/],
    [[...user, '--tid=x'], /--tid must be a decimal number/],
    [[...user, '--gtg='], /--gtg is empty/],
    [['--svc', 'a', '--gtg', 'b'], /--gtg is for users/],
    [['--xuid'], /--xuid/],
    [[...user, '--xuid', '2'], /given --xuid twice/],
    [
      [...user, '--gamertag', 'Ada'],
      /does not know the option --gamertag\. See openmpsd token --help\.$/,
    ],
    [[...user, 'Ada'], /does not expect "Ada"\. See openmpsd token --help\.$/],
    [[...user, '--unsigned=1'], /--unsigned/],
    [[...user, '--unsigned', '--lifetime', '1h'], /--lifetime does not go with --unsigned/],
    [[...user, '--unsigned', '--key', files.ed25519], /--key does not go with --unsigned/],
    [[...user, '--issuer', 'i'], /--issuer does not go with the key of the server/],
    [[...user, '--key', files.ed25519, '--data', 'd'], /--data does not go with --key/],
    [[...user, '--new-key', join(folder, 'new')], /--xuid does not go with --new-key/],
    [['--new-key', join(folder, 'new'), '--alg', 'HS256'], /--alg must be one of ES256, RS256/],
    [['--new-key', files.public], /cannot make a key pair: .* is not a folder/],
    ...lifetimes.map((lifetime): [string[], RegExp] => [
      [...user, `--lifetime=${lifetime}`],
      /--lifetime is "[^"]+"; expected a number from 1 to 999999 and a unit, such as 90s/,
    ]),
    [[...user, '--data', 'empty'], /from empty: there is no database; start the server first\.$/],
    [[...user, '--key', join(folder, 'none')], /cannot read --key .*none: it is not there\./],
    [[...user, '--key', files.public], /is not a private key in JWK or PEM form/],
    [[...user, '--key', files.broken], /is not a private key in JWK or PEM form/],
    [[...user, '--key', files.other], /is not a private key in JWK or PEM form/],
    [[...user, '--key', files.weak], /an RSA key needs at least 2048 bits/],
    [[...user, '--key', files.p384], /is for none of ES256, RS256, EdDSA/],
    [[...user, '--key', files.ed25519, '--alg', 'ES256'], /is for EdDSA, not for --alg ES256/],
  ];
  for (const [args, text] of cases) {
    const { code, stdout, stderr } = await run(args);
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /^openmpsd token: [^\n]+\.\n$/, args.join(' '));
    assert.match(stderr.trim(), text, args.join(' '));
    assert.doesNotMatch(stderr, /hunter2|aHVudGVyMg/);
  }
});
