import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClaimName, callerOf, claimNames, type TokenClaims } from '../auth/claims.ts';
import { formatDevelopmentToken, parameterOf } from '../auth/development-token.ts';
import { signJwt } from '../auth/jwt.ts';
import { algorithmOf, type SignatureAlgorithm, signatureAlgorithms } from '../auth/key-set.ts';
import { signToken, tokenKeyOf } from '../auth/token.ts';
import { type Flags, joinProblems, parseFlags } from '../config/flags.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import { type FileUse, fileProblemOf } from '../platform/file-problem.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { type OutputIo, writeHelp } from './command-io.ts';

/** What the command asks of the machine. */
export type TokenIo = OutputIo & {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly nowMs: Milliseconds;
  /** The secret of the store in a data folder. Throws an Error that says why there is none. */
  readonly readSecret: (dataFolder: string) => Promise<Uint8Array>;
};

/** Every option, as it is parsed, as it is explained, in the order of the help. */
const options = {
  xuid: { value: 'digits', text: 'The user (claim xid)' },
  gtg: { value: 'gamertag', text: 'Gamertag of the user' },
  tid: { value: 'number', text: 'Title id; without it the token is bound to no title' },
  did: { value: 'id', text: 'Device id' },
  sbx: { value: 'sandbox', text: 'Sandbox; without it RETAIL' },
  svc: { value: 'name', text: 'A game service of this name, instead of a user' },
  prv: { value: 'numbers', text: 'Privileges with spaces between; without it the user has all' },
  agg: { value: 'group', text: 'Age group: Adult, Teen, Child' },
  lifetime: { value: 'time', text: 'How long the token is good: 90s, 15m, 24h (default), 30d' },
  data: {
    value: 'folder',
    text: 'Data folder of the server whose key signs; or MPSD_DATA; default ./data',
  },
  unsigned: { text: 'Print a development token, which needs no key and never expires' },
  key: {
    value: 'file',
    text: 'Sign with this private key (JWK or PEM), for a server with a key set',
  },
  kid: { value: 'id', text: 'With --key: key id; default: that of the JWK' },
  issuer: { value: 'text', text: 'With --key: claim iss' },
  audience: { value: 'text', text: 'With --key: claim aud' },
  alg: {
    value: 'name',
    text: `With --key or --new-key: ${signatureAlgorithms.join(', ')}; default: what the key is for, ES256 for a new one`,
  },
  'new-key': {
    value: 'folder',
    text: `Make a key pair there instead: private-key.jwk to sign with, jwks.json for the server`,
  },
  help: { text: 'Print this' },
} as const satisfies Record<string, { readonly value?: string; readonly text: string }>;

const flags: Flags = Object.fromEntries(
  Object.entries(options).map(([name, option]) => [
    name,
    {
      ...('value' in option && { argument: `<${option.value}>` }),
      ...(name === 'help' && { short: 'h' }),
    },
  ]),
);

type Option = keyof typeof options;
type TokenOptions = { readonly [name in Option]?: string };

/** What to tell instead of a token: one line, for stderr. */
class UsageError extends Error {}

/**
 * The exit code of `openmpsd token`: 0 with a value for the header `Authorization` on stdout, or 2
 * with one line on stderr that says what is wrong.
 *
 * @source docs/wire/callers.md "Callers"
 */
export async function runToken(args: readonly string[], io: TokenIo): Promise<number> {
  try {
    const given = parseOptions(args);
    if (given.help === undefined) io.stdout.write(await output(given, io));
    else writeHelp(io, helpText());
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.stderr.write(`openmpsd token: ${error.message}\n`);
    return 2;
  }
}

async function output(given: TokenOptions, io: TokenIo): Promise<string> {
  if (given['new-key'] !== undefined) return makeKeyPair(given['new-key'], given);

  const claims = claimsGiven(given);
  if (given.unsigned !== undefined) {
    allowOnly(given, '--unsigned', ['unsigned', ...claimOptions]);
    return headerValue(formatDevelopmentToken(claims));
  }
  const times = { nowMs: io.nowMs, lifetimeMs: parseLifetime(given.lifetime ?? '24h') };
  if (given.key === undefined) {
    allowOnly(given, 'the key of the server', ['data', 'lifetime', ...claimOptions]);
    const folder = given.data ?? io.env.MPSD_DATA ?? './data';
    const secret = await orUsage(`cannot read the key of the server from ${folder}`, () =>
      io.readSecret(folder),
    );
    return headerValue(await signToken(claims, tokenKeyOf(secret), times));
  }
  allowOnly(given, '--key', [
    ...(['key', 'kid', 'issuer', 'audience', 'alg', 'lifetime'] as const),
    ...claimOptions,
  ]);
  const { key, algorithm, keyId } = await readPrivateKey(given.key, given.alg);
  const { issuer, audience, kid = keyId } = given;
  return headerValue(
    await signJwt(claims, { key, algorithm, keyId: kid, issuer, audience }, times),
  );
}

function headerValue(token: string): string {
  return `XBL3.0 x=-;${token}\n`;
}

function parseOptions(args: readonly string[]): TokenOptions {
  const { values, problems } = parseFlags(args, flags);
  if (problems.length > 0) {
    throw new UsageError(`${joinProblems(problems)} See openmpsd token --help.`);
  }
  return Object.fromEntries(
    [...values].map(([name, [value = '']]) => {
      if (value === '' && name !== 'prv') throw new UsageError(`--${name} is empty.`);
      return [name, value];
    }),
  );
}

const claimOptions: readonly Option[] = claimNames.map((claim) => optionOf(claim));

function optionOf(claim: ClaimName): Option {
  return parameterOf(claim) as Option;
}

function claimsGiven(given: TokenOptions): TokenClaims {
  const claims: TokenClaims = Object.fromEntries(
    claimNames.flatMap((claim) => {
      const value = given[optionOf(claim)];
      return value === undefined ? [] : [[claim, value]];
    }),
  );
  const caller = callerOf(claims, (claim) => `--${optionOf(claim)}`);
  if (caller instanceof Refusal) throw new UsageError(caller.text);
  if (caller.kind === 'service') {
    const stray = (['gtg', 'did', 'prv', 'agg'] as const).find((name) => given[name] !== undefined);
    if (stray !== undefined) throw new UsageError(`--${stray} is for users, not for --svc.`);
  }
  return claims;
}

/** Throws when an option is given that means nothing here, since it would be ignored silently. */
function allowOnly(given: TokenOptions, mode: string, allowed: readonly Option[]): void {
  const stray = Object.keys(given).find((name) => !allowed.includes(name as Option));
  if (stray !== undefined) throw new UsageError(`--${stray} does not go with ${mode}.`);
}

const unitMs: ReadonlyMap<string, Milliseconds> = new Map([
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

function parseLifetime(text: string): Milliseconds {
  const [, count = '', unit = ''] = /^([0-9]{1,6})([smhd])$/.exec(text) ?? [];
  const lifetimeMs = Number(count) * (unitMs.get(unit) ?? 0);
  if (lifetimeMs === 0) {
    throw new UsageError(
      `--lifetime is "${text}"; expected a number from 1 to 999999 and a unit, such as 90s, 15m, 24h or 30d.`,
    );
  }
  return lifetimeMs;
}

type PrivateKey = {
  readonly key: KeyObject;
  readonly algorithm: SignatureAlgorithm;
  readonly keyId: string | undefined;
};

async function readPrivateKey(
  file: string,
  algorithmAsked: string | undefined,
): Promise<PrivateKey> {
  const text = await orUsage(`cannot read --key ${file}`, () => readFile(file, 'utf8'));
  const { key, keyId } = parsePrivateKey(text, file);
  const algorithm = await orUsage(`--key ${file}`, async () => algorithmOf(key));
  if (algorithm === undefined) {
    throw new UsageError(`--key ${file} is for none of ${signatureAlgorithms.join(', ')}.`);
  }
  if (algorithmAsked !== undefined && algorithmAsked !== algorithm) {
    throw new UsageError(`--key ${file} is for ${algorithm}, not for --alg ${algorithmAsked}.`);
  }
  return { key, algorithm, keyId };
}

function parsePrivateKey(text: string, file: string): Pick<PrivateKey, 'key' | 'keyId'> {
  try {
    if (!text.trimStart().startsWith('{')) return { key: createPrivateKey(text), keyId: undefined };
    const jwk = JSON.parse(text);
    const keyId = typeof jwk.kid === 'string' ? jwk.kid : undefined;
    return { key: createPrivateKey({ key: jwk, format: 'jwk' }), keyId };
  } catch {
    // The reason stays untold: a parser quotes what it read, which is a secret here.
    throw new UsageError(`--key ${file} is not a private key in JWK or PEM form.`);
  }
}

/** Makes a key pair and says what to do with it. A file that is there already is never replaced. */
async function makeKeyPair(folder: string, given: TokenOptions): Promise<string> {
  allowOnly(given, '--new-key', ['new-key', 'alg']);
  const algorithm = signatureAlgorithms.find((one) => one === (given.alg ?? 'ES256'));
  if (algorithm === undefined) {
    throw new UsageError(`--alg must be one of ${signatureAlgorithms.join(', ')}.`);
  }
  const privateFile = join(folder, 'private-key.jwk');
  const keySetFile = join(folder, 'jwks.json');
  for (const file of [privateFile, keySetFile]) {
    if (existsSync(file)) throw new UsageError(`${file} is there already and is not replaced.`);
  }
  const { publicKey, privateKey } = newKeyPair(algorithm);
  const { calculateJwkThumbprint } = await import('jose/jwk/thumbprint');
  const publicJwk = publicKey.export({ format: 'jwk' });
  const marks = { kid: await calculateJwkThumbprint(publicJwk), alg: algorithm, use: 'sig' };
  const privateJwk = { ...privateKey.export({ format: 'jwk' }), ...marks };
  const keySet = { keys: [{ ...publicJwk, ...marks }] };
  const problem = makeFolder(folder);
  if (problem !== undefined) throw new UsageError(`cannot make a key pair: ${problem}.`);
  const write = async (): Promise<void> => {
    await writeFile(privateFile, lines(privateJwk), { mode: 0o600, flag: 'wx' });
    await writeFile(keySetFile, lines(keySet), { flag: 'wx' });
  };
  await orUsage(`cannot make a key pair in ${folder}`, write, 'write');
  return [
    `${privateFile}: the private key. Keep it secret; sign with: openmpsd token --key ${privateFile} --xuid <digits>`,
    `${keySetFile}: the key set. Give it to the server, which then believes tokens of this key.`,
    '',
  ].join('\n');
}

function newKeyPair(algorithm: SignatureAlgorithm): {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
} {
  switch (algorithm) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: 3072 });
    case 'EdDSA':
      return generateKeyPairSync('ed25519');
  }
}

function lines(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

async function orUsage<T>(
  what: string,
  attempt: () => Promise<T>,
  use: FileUse = 'read',
): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    throw new UsageError(`${what}: ${firstSentence(error, use)}`);
  }
}

/** What is wrong with a file, or the first sentence of an error's message. */
function firstSentence(error: unknown, use: FileUse): string {
  return `${fileProblemOf(error, use)
    .split(/\n|\. /, 1)[0]
    ?.replace(/\.$/, '')}.`;
}

function helpText(): string {
  const rows = Object.entries(options).map(([name, option]) => {
    const value = 'value' in option ? ` <${option.value}>` : '';
    return `  ${`--${name}${value}`.padEnd(22)}  ${option.text}`;
  });
  return [
    'openmpsd token: prints a value for the header Authorization, "XBL3.0 x=-;<token>".',
    '',
    'Signed with the key of a server with the dev authenticator, unless --unsigned or --key is given.',
    'Needs --xuid (a user) or --svc (a game service).',
    '',
    ...rows,
    '',
    'Example: curl -H "Authorization: $(openmpsd token --xuid 2814639011617876 --gtg Ada)" ...',
    '',
  ].join('\n');
}
