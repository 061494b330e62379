/**
 * The settings of the server: one table, from which flags, environment, help and checks are made.
 */

import { isIP } from 'node:net';
import {
  type ClaimMapping,
  claimMappingExpected,
  parseClaimMapping,
} from '../auth/claim-mapping.ts';
import { isTitleId, type TitleId } from '../domain/ids.ts';
import type { SessionBounds } from '../domain/session/bounds.ts';
import type { UnknownMembers } from '../domain/unknown-members.ts';
import { isNetwork } from '../platform/network.ts';
import { withoutUrlSecrets } from '../platform/url-secrets.ts';
import { type Flags, parseFlags } from './flags.ts';

/** `redis://user:password@host:port,host:port`, or `rediss://` for TLS. */
export type RedisUrl = `redis${'s' | ''}://${string}`;

export type Settings = SessionBounds & {
  readonly unknownMembers: UnknownMembers;
  readonly host: string;
  readonly port: number;
  readonly store: 'sqlite' | 'memory' | RedisUrl;
  readonly data: string;
  readonly durability: 'strict' | 'relaxed';
  /** Of Redis; undefined: one of a shard that has any. */
  readonly replicasMin: number | undefined;
  readonly cacheBytesMax: number;
  /** A file or a folder; undefined: the demo config. */
  readonly config: string | undefined;
  readonly auth: 'dev' | 'signed' | 'oidc';
  /** Path or URL of a JWK set; needed when auth is signed. */
  readonly authKeys: string | undefined;
  /** How long keys stay good while they cannot be read again. */
  readonly authKeysStaleMs: number;
  readonly authIssuer: string | undefined;
  readonly authAudience: string | undefined;
  /** Which claims of outside tokens are which of ours. */
  readonly authClaims: ClaimMapping | undefined;
  /** Both needed when auth is oidc. */
  readonly oidcIssuer: string | undefined;
  readonly oidcAudience: readonly string[] | undefined;
  readonly oidcClientId: string | undefined;
  /** Undefined: a public client. */
  readonly oidcClientSecret: string | undefined;
  readonly oidcRequestAudience: string | undefined;
  /** Title of callers with encrypted tokens of Xbox Live, `any` for none; undefined: they are refused. */
  readonly encryptedTokens: TitleId | 'any' | undefined;
  readonly allowDevAuth: boolean;
  /** Origins whose pages may call; undefined: with auth dev those of this machine, else none. */
  readonly corsOrigins: readonly string[] | undefined;
  /** Names by which the server is called, beside those that are known to be its own. */
  readonly hostNames: readonly string[] | undefined;
  /** Undefined: there is none. */
  readonly adminToken: string | undefined;
  /** Names of game services that may administer. */
  readonly adminServices: readonly string[] | undefined;
  /** `off`, `general`, `xbox` or a file; undefined: with auth dev `off`, else `general`. */
  readonly rateLimits: string | undefined;
  /** Addresses and networks of balancers, beside those of private networks. */
  readonly trustedProxies: readonly string[] | undefined;
  /** Off: there is no inspector, also not for administrators. */
  readonly inspector: 'on' | 'off';
  /** The log of requests on standard output; undefined: as the one that starts the server decides. */
  readonly requestLog: 'text' | 'json' | 'off' | undefined;
  /** Whether metrics are counted; `open`: everybody may read them. */
  readonly metrics: 'off' | 'on' | 'open';
  /** An OpenTelemetry collector; undefined: there are no traces. */
  readonly tracesUrl: string | undefined;
  /** Whether the control API is served. */
  readonly control: boolean;
  /** A HAR file that is not there yet; undefined: nothing is recorded. */
  readonly record: string | undefined;
  /** Port of the proxy of the gateway; undefined: there is none. So with that for TLS. */
  readonly proxyPort: number | undefined;
  readonly tlsPort: number | undefined;
  /** What the proxy does with hosts that are not of Xbox Live. */
  readonly proxyOthers: 'refuse' | 'tunnel';
  readonly allowControl: boolean;
  readonly inviteLifetimeMs: number;
  readonly disconnectGraceMs: number;
  /** 0: for good. */
  readonly presenceTimeoutMs: number;
  /** 0: for good. */
  readonly unconnectedTimeoutMs: number;
  readonly tapWindowMs: number;
  readonly subscriptionsMax: number;
  readonly outboxBytesMax: number;
  readonly connectionsMax: number;
  readonly connectionsPerUserMax: number;
  readonly sendTimeoutMs: number;
  readonly unsentBytesMax: number;
  readonly sweepIntervalMs: number;
  /** Of each session; 0: no history is kept. */
  readonly historyChangesMax: number;
  readonly historyDays: number;
  readonly nodeLeaseMs: number;
  readonly bodyBytesMax: number;
  /** Of all requests that are on their way. */
  readonly uploadsBytesMax: number;
  readonly queryAnswerBytesMax: number;
  /** Of one user in one service config; so for invites that wait. */
  readonly sessionsPerUserMax: number;
  readonly invitesPerUserMax: number;
  readonly searchAttributesBytesMax: number;
  readonly drainMs: number;
};

type ParseResult<T> = { readonly value: T } | { readonly expected: string };

/** The least and the greatest value of a number. */
type Bounds = { readonly min: number; readonly max: number };

/** The value of a text. Numbers have bounds, since programs give them as they are. */
type Parse<T> = ((text: string) => ParseResult<T>) & { readonly bounds?: Bounds };

type Setting<T> = {
  readonly flag: string;
  readonly env: string;
  /** As the help shows it; a setting without one is a switch. */
  readonly argument?: string;
  readonly default: string | undefined;
  /** The value is, or may have in it, what only some may know: it is not shown where it is wrong. */
  readonly isSecret?: true;
  readonly help: string;
  readonly parse: Parse<T>;
};

const words =
  <const W extends readonly string[]>(list: W) =>
  (text: string): ParseResult<W[number]> =>
    list.includes(text) ? { value: text } : { expected: list.join(' or ') };

const storeExpectation = 'sqlite, memory, or redis://[[user]:password@]host[:port][,host[:port]…]';

const storeKind = (text: string): ParseResult<Settings['store']> =>
  text === 'sqlite' || text === 'memory' || /^rediss?:\/\/[^/?#]+\/?$/.test(text)
    ? { value: text as Settings['store'] }
    : { expected: storeExpectation };

const anyText = (text: string): ParseResult<string> =>
  text === '' ? { expected: 'a value' } : { value: text };

/** What the system's resolver would take for a broken address, or a port, is neither. */
const listenAddress = (text: string): ParseResult<string> =>
  isIP(text) > 0 || (/^(?!-)[\w.-]{1,253}$/.test(text) && /[a-z][^.]*\.?$/i.test(text))
    ? { value: text }
    : { expected: 'an address such as 127.0.0.1 or ::1, or a host name; without a port' };

const integer = (min: number, max: number): Parse<number> => {
  const parse = (text: string): ParseResult<number> =>
    /^[0-9]{1,10}$/.test(text) && Number(text) >= min && Number(text) <= max
      ? { value: Number(text) }
      : { expected: `a whole number from ${min} to ${max}` };
  return Object.assign(parse, { bounds: { min, max } });
};

const durationUnitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** NaN of what is no duration. */
const durationMs = (text: string): number => {
  const [, count, unit] = /^([0-9]{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  return Number(count) * durationUnitsMs[unit as keyof typeof durationUnitsMs];
};

/** Of a timer: Node would take one of 25 days for one of no time. */
const timerMax = '1d';
/** Of what is remembered for a time. */
const lifetimeMax = '365d';
/** Of a time that is only stored: a hundred years. */
const storedMax = '36500d';

/** A number with a unit, as `measure` reads it, from 1 to what it reads of `greatest`. */
const amount = (
  measure: (text: string) => number,
  greatest: string,
  expected: string,
): Parse<number> => {
  const max = measure(greatest);
  const parse = (text: string): ParseResult<number> => {
    const value = measure(text);
    return value >= 1 && value <= max ? { value } : { expected };
  };
  return Object.assign(parse, { bounds: { min: 1, max } });
};

const duration = (greatest: string): Parse<number> =>
  amount(
    durationMs,
    greatest,
    `a duration from 1ms to ${greatest}, such as 500ms, 30s, 15m or 24h`,
  );

const durationOrNone = (greatest: string): Parse<number> => {
  const parseSome = duration(greatest);
  const parse = (text: string): ParseResult<number> => {
    if (text === '0') return { value: 0 };
    const parsed = parseSome(text);
    return 'value' in parsed ? parsed : { expected: `${parsed.expected}, or 0` };
  };
  return Object.assign(parse, { bounds: { min: 0, max: durationMs(greatest) } });
};

const sizeUnitsBytes = { KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 };

/** NaN of what is no size. */
const sizeBytes = (text: string): number => {
  const [, count, unit] = /^([0-9]{1,6})(KiB|MiB|GiB)$/.exec(text) ?? [];
  return Number(count) * sizeUnitsBytes[unit as keyof typeof sizeUnitsBytes];
};

/** Of one text: Node has none of more than 512 MiB. */
const textMax = '256MiB';
/** Of all clients together, or of a cache. */
const memoryMax = '1024GiB';

const size = (greatest: string): Parse<number> =>
  amount(sizeBytes, greatest, `a size from 1KiB to ${greatest}, such as 64KiB or 2MiB`);

/** `https://play.example:8443`, as browsers send it. */
const isOrigin = (text: string): boolean =>
  /^https?:\/\//i.test(text) && URL.canParse(text) && new URL(text).origin === text.toLowerCase();

const origins = (text: string): ParseResult<readonly string[]> => {
  if (text === 'none') return { value: [] };
  const list = text.split(',').map((one) => one.trim());
  return list.every((one) => one === 'loopback' || isOrigin(one))
    ? { value: list }
    : {
        expected:
          'none, or origins such as https://play.example,http://localhost:5173, or loopback for all of this machine',
      };
};

const hostNames = (text: string): ParseResult<readonly string[]> => {
  const list = text.split(',').map((one) => one.trim());
  return list.every((one) => /^[\w.-]{1,253}$/.test(one))
    ? { value: list }
    : { expected: 'names of hosts without ports, such as mpsd.example,games.example' };
};

const claimMapping = (text: string): ParseResult<ClaimMapping> => {
  const mapping = parseClaimMapping(text);
  return mapping === undefined ? { expected: claimMappingExpected } : { value: mapping };
};

const textList = (text: string): ParseResult<readonly string[]> => {
  const list = text.split(',').map((one) => one.trim());
  return list.every((one) => one !== '')
    ? { value: list }
    : { expected: 'texts with commas between' };
};

const titleIdOrAny = (text: string): ParseResult<TitleId | 'any'> =>
  text === 'any' || isTitleId(text)
    ? { value: text }
    : { expected: 'a title id (a decimal number up to 4294967295), or any' };

const networks = (text: string): ParseResult<readonly string[]> => {
  const list = text.split(',').map((one) => one.trim());
  return list.every(isNetwork)
    ? { value: list }
    : { expected: 'addresses or networks such as 203.0.113.7,198.51.100.0/24' };
};

const adminToken = (text: string): ParseResult<string> =>
  /^[\x21-\x7e]{16,1000}$/.test(text)
    ? { value: text }
    : { expected: '16 to 1,000 printable ASCII characters without spaces' };

const httpUrl = (text: string): ParseResult<string> =>
  /^https?:\/\//i.test(text) && URL.canParse(text)
    ? { value: text }
    : { expected: 'an address such as http://localhost:4318' };

const onOff = (text: string): ParseResult<boolean> =>
  ['1', 'true', 'yes'].includes(text)
    ? { value: true }
    : ['0', 'false', 'no', ''].includes(text)
      ? { value: false }
      : { expected: 'true or false' };

type Table = { readonly [K in keyof Settings]: Setting<Settings[K]> };

/** Every setting. Total: a new member of `Settings` does not compile without its line here. */
const table: Table = {
  host: {
    flag: 'host',
    env: 'MPSD_HOST',
    argument: '<address>',
    default: '127.0.0.1',
    help: 'Address to listen on.',
    parse: listenAddress,
  },
  port: {
    flag: 'port',
    env: 'MPSD_PORT',
    argument: '<number>',
    default: '8350',
    help: 'Port to listen on; 0 takes a free one.',
    parse: integer(0, 65_535),
  },
  store: {
    flag: 'store',
    env: 'MPSD_STORE',
    isSecret: true,
    argument: '<kind or URL>',
    default: 'sqlite',
    help: 'Where sessions are kept: sqlite (in the data folder), memory (gone when the server ends), or redis://[[user]:password@]host[:port][,…] (Redis 7 or Valkey, one server or any nodes of a cluster, shared by all servers that name it; rediss:// for TLS).',
    parse: storeKind,
  },
  data: {
    flag: 'data',
    env: 'MPSD_DATA',
    argument: '<folder>',
    default: './data',
    help: 'Folder of the SQLite file; made when it is not there.',
    parse: anyText,
  },
  durability: {
    flag: 'durability',
    env: 'MPSD_DURABILITY',
    argument: '<kind>',
    default: 'strict',
    help: 'What an acknowledged write survives: strict (power loss; of Redis: the loss of a primary) or relaxed (the death of this process).',
    parse: words(['strict', 'relaxed']),
  },
  replicasMin: {
    flag: 'replicas',
    env: 'MPSD_REPLICAS',
    argument: '<number>',
    default: undefined,
    help: 'Redis replicas that must have a strict write before it is acknowledged. Without it: one, where there is any.',
    parse: integer(0, 9),
  },
  cacheBytesMax: {
    flag: 'cache',
    env: 'MPSD_CACHE',
    argument: '<size>',
    default: '64MiB',
    help: 'Memory for hot sessions, which are kept parsed, and a quarter of it more for texts of search results (memory and SQLite; with --store memory only these). The whole server takes about 150 MiB and twice this.',
    parse: size(memoryMax),
  },
  config: {
    flag: 'config',
    env: 'MPSD_CONFIG',
    argument: '<path>',
    default: undefined,
    help: 'Service configs: a JSON file, or a folder of them. Without it: the built-in demo config. Re-read on SIGHUP.',
    parse: anyText,
  },
  auth: {
    flag: 'auth',
    env: 'MPSD_AUTH',
    argument: '<kind>',
    default: 'dev',
    help: 'Whose tokens are accepted: dev (anybody is who they say; the login chain is served), signed (JWTs of a key set) or oidc (users of an OIDC issuer; the login chain takes their tokens).',
    parse: words(['dev', 'signed', 'oidc']),
  },
  authKeys: {
    flag: 'auth-keys',
    env: 'MPSD_AUTH_KEYS',
    argument: '<path or URL>',
    default: undefined,
    help: 'JWK set with the public keys of --auth signed; with --auth oidc in place of the one that the issuer names.',
    parse: anyText,
  },
  authKeysStaleMs: {
    flag: 'auth-keys-stale',
    env: 'MPSD_AUTH_KEYS_STALE',
    argument: '<duration>',
    default: '24h',
    help: 'How long the keys of --auth signed and oidc stay good while they cannot be read again, since who has them is away; 0: not at all.',
    parse: durationOrNone(lifetimeMax),
  },
  authIssuer: {
    flag: 'auth-issuer',
    env: 'MPSD_AUTH_ISSUER',
    argument: '<text>',
    default: undefined,
    help: 'Issuer (iss) that signed tokens must name.',
    parse: anyText,
  },
  authAudience: {
    flag: 'auth-audience',
    env: 'MPSD_AUTH_AUDIENCE',
    argument: '<text>',
    default: undefined,
    help: 'Audience (aud) that signed tokens must name.',
    parse: anyText,
  },
  authClaims: {
    flag: 'auth-claims',
    env: 'MPSD_AUTH_CLAIMS',
    argument: '<pairs>',
    default: undefined,
    help: 'Which claims of the tokens of --auth signed and oidc say what, such as xid=sub,gtg=user_metadata.name; with xid, ids that are no xuids are given one. Without it: our own names; with --auth oidc xid=sub,gtg=preferred_username. Map no claim that users can write themselves to xid, svc, sbx or prv.',
    parse: claimMapping,
  },
  oidcIssuer: {
    flag: 'oidc-issuer',
    env: 'MPSD_OIDC_ISSUER',
    argument: '<URL>',
    default: undefined,
    help: 'Issuer of --auth oidc, just as its tokens name it (iss).',
    parse: anyText,
  },
  oidcAudience: {
    flag: 'oidc-audience',
    env: 'MPSD_OIDC_AUDIENCE',
    argument: '<text,…>',
    default: undefined,
    help: 'Audience (aud) that tokens of --auth oidc must name, one of these: mostly your client id.',
    parse: textList,
  },
  oidcClientId: {
    flag: 'oidc-client-id',
    env: 'MPSD_OIDC_CLIENT_ID',
    argument: '<text>',
    default: undefined,
    help: 'Client id at the issuer of --auth oidc: Xbox clients, which log in by themselves, sign in there. Without it they must bring a token of the issuer.',
    parse: anyText,
  },
  oidcClientSecret: {
    flag: 'oidc-client-secret',
    env: 'MPSD_OIDC_CLIENT_SECRET',
    isSecret: true,
    argument: '<text>',
    default: undefined,
    help: 'Secret of that client, where the issuer gave it one. Better by the environment: other users of the machine see flags.',
    parse: anyText,
  },
  oidcRequestAudience: {
    flag: 'oidc-request-audience',
    env: 'MPSD_OIDC_REQUEST_AUDIENCE',
    argument: '<text>',
    default: undefined,
    help: 'Sent as audience with each sign-in, for issuers that otherwise give no JWT as access token, such as Auth0.',
    parse: anyText,
  },
  encryptedTokens: {
    flag: 'encrypted-tokens',
    env: 'MPSD_ENCRYPTED_TOKENS',
    argument: '<title id or any>',
    default: undefined,
    help: 'With --auth dev: accept the encrypted tokens that a console or PC gives to a title, unread. Users are known by their user hash, and their xuid is what the title first states; they are users of this title, or with any of none.',
    parse: titleIdOrAny,
  },
  allowDevAuth: {
    flag: 'allow-dev-auth',
    env: 'MPSD_ALLOW_DEV_AUTH',
    default: 'false',
    help: 'Serve --auth dev on an address that other machines reach: anybody can be anybody.',
    parse: onOff,
  },
  corsOrigins: {
    flag: 'cors',
    env: 'MPSD_CORS',
    argument: '<origin,…>',
    default: undefined,
    help: 'Origins whose pages may call the server, but for /control, which no page may; none: no page. Without it: with --auth dev the pages of this machine (loopback), else none.',
    parse: origins,
  },
  hostNames: {
    flag: 'hosts',
    env: 'MPSD_HOSTS',
    argument: '<name,…>',
    default: undefined,
    help: 'Names by which clients may call a server with --auth dev or --control, beside addresses, names without a dot, and those that end in localhost, local, internal, test, home.arpa and xboxlive.com.',
    parse: hostNames,
  },
  proxyPort: {
    flag: 'proxy-port',
    env: 'MPSD_PROXY_PORT',
    argument: '<number>',
    default: undefined,
    help: 'Be an HTTP proxy on this port that leads the hosts of Xbox Live here, with certificates of a root that is kept in the data folder (openmpsd trust); 0 takes a free one.',
    parse: integer(0, 65_535),
  },
  proxyOthers: {
    flag: 'proxy-others',
    env: 'MPSD_PROXY_OTHERS',
    argument: '<policy>',
    default: 'refuse',
    help: 'What --proxy-port does with hosts that are not of Xbox Live: refuse, or tunnel (to the ports 443 and 80, never to this machine).',
    parse: words(['refuse', 'tunnel']),
  },
  tlsPort: {
    flag: 'tls-port',
    env: 'MPSD_TLS_PORT',
    argument: '<number>',
    default: undefined,
    help: 'Speak TLS as the hosts of Xbox Live on this port, for names that a hosts file or DNS leads here (443); 0 takes a free one.',
    parse: integer(0, 65_535),
  },
  adminToken: {
    flag: 'admin-token',
    env: 'MPSD_ADMIN_TOKEN',
    isSecret: true,
    argument: '<text>',
    default: undefined,
    help: 'Token of administrators, at least 16 characters: Authorization: Bearer <token>. Better by the environment: other users of the machine see flags.',
    parse: adminToken,
  },
  adminServices: {
    flag: 'admin-services',
    env: 'MPSD_ADMIN_SERVICES',
    argument: '<name,…>',
    default: undefined,
    help: 'Game services (svc of their tokens) that may administer. With --auth dev, on an address of this machine only, every game service may.',
    parse: textList,
  },
  rateLimits: {
    flag: 'rate-limits',
    env: 'MPSD_RATE_LIMITS',
    argument: '<kind or file>',
    default: undefined,
    help: 'How many requests are too many: off, general (bounds that no working game meets), xbox (those of Xbox Live, and the general ones), or a JSON file of limits, re-read on SIGHUP. Without it: with --auth dev off, else general.',
    parse: anyText,
  },
  trustedProxies: {
    flag: 'trusted-proxies',
    env: 'MPSD_TRUSTED_PROXIES',
    argument: '<network,…>',
    default: undefined,
    help: 'Addresses or networks (203.0.113.0/24) of balancers whose X-Forwarded-For is believed, beside those of private networks, which always are.',
    parse: networks,
  },
  inspector: {
    flag: 'inspector',
    env: 'MPSD_INSPECTOR',
    argument: '<on|off>',
    default: 'on',
    help: 'The page at / that shows what goes on. It is there with --auth dev on an address of this machine only, or behind --admin-token. With --control it acts too.',
    parse: words(['on', 'off']),
  },
  requestLog: {
    flag: 'log',
    env: 'MPSD_LOG',
    argument: '<format>',
    default: undefined,
    help: 'Log requests, connections and what time does, on standard output: text (a line each, for people), json (a line each, for machines; warnings too) or off. Without it: text with --auth dev, else off.',
    parse: words(['text', 'json', 'off']),
  },
  metrics: {
    flag: 'metrics',
    env: 'MPSD_METRICS',
    argument: '<off|on|open>',
    default: 'off',
    help: 'Count, and serve /metrics for Prometheus: on (with --auth dev on an address of this machine only for everybody, else for administrators) or open (for everybody who reaches the server).',
    parse: words(['off', 'on', 'open']),
  },
  tracesUrl: {
    flag: 'traces',
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    argument: '<URL>',
    default: undefined,
    help: 'Send traces to this OpenTelemetry collector, by OTLP over HTTP (http://localhost:4318). It needs packages that are not installed by default: docs/metrics.md names them.',
    parse: httpUrl,
  },
  control: {
    flag: 'control',
    env: 'MPSD_CONTROL',
    default: 'false',
    help: 'Serve /control, by which tests move the clock, drop connections and hold back taps.',
    parse: onOff,
  },
  allowControl: {
    flag: 'allow-control',
    env: 'MPSD_ALLOW_CONTROL',
    default: 'false',
    help: 'Serve --control on an address that other machines reach: any game service can move the clock.',
    parse: onOff,
  },
  record: {
    flag: 'record',
    env: 'MPSD_RECORD',
    argument: '<file.har>',
    default: undefined,
    help: 'Record requests, answers and frames in this file, without tokens. It must not be there yet.',
    parse: anyText,
  },
  inviteLifetimeMs: {
    flag: 'invite-lifetime',
    env: 'MPSD_INVITE_LIFETIME',
    argument: '<duration>',
    default: '24h',
    help: 'How long an invite can be accepted.',
    parse: duration(lifetimeMax),
  },
  disconnectGraceMs: {
    flag: 'disconnect-grace',
    env: 'MPSD_DISCONNECT_GRACE',
    argument: '<duration>',
    default: '30s',
    help: 'How long a member whose RTA connection ended stays active, for a new one to be written.',
    parse: duration(lifetimeMax),
  },
  presenceTimeoutMs: {
    flag: 'presence-timeout',
    env: 'MPSD_PRESENCE_TIMEOUT',
    argument: '<duration>',
    default: '5m',
    help: 'Where no connection is needed to be active: how long a member stays active whose RTA connection ended and of whom nothing has been seen since; 0: for good.',
    parse: durationOrNone(lifetimeMax),
  },
  unconnectedTimeoutMs: {
    flag: 'unconnected-timeout',
    env: 'MPSD_UNCONNECTED_TIMEOUT',
    argument: '<duration>',
    default: '15m',
    help: 'The same for a member who never wrote a connection; 0: for good.',
    parse: durationOrNone(lifetimeMax),
  },
  tapWindowMs: {
    flag: 'tap-window',
    env: 'MPSD_TAP_WINDOW',
    argument: '<duration>',
    default: '2500ms',
    help: 'An RTA connection gets at most one event with taps in this time; 0: each tap at once.',
    parse: durationOrNone(timerMax),
  },
  subscriptionsMax: {
    flag: 'max-subscriptions',
    env: 'MPSD_MAX_SUBSCRIPTIONS',
    argument: '<number>',
    default: '1100',
    help: 'Subscriptions of one RTA connection.',
    parse: integer(1, 100_000),
  },
  outboxBytesMax: {
    flag: 'max-outbox',
    env: 'MPSD_MAX_OUTBOX',
    argument: '<size>',
    default: '256KiB',
    help: 'How far an RTA client may be behind with reading: past it taps become one resync, past four times as much the connection is dropped.',
    parse: size(textMax),
  },
  connectionsMax: {
    flag: 'max-connections',
    env: 'MPSD_MAX_CONNECTIONS',
    argument: '<number>',
    default: '100000',
    help: 'RTA connections of this server.',
    parse: integer(1, 10_000_000),
  },
  connectionsPerUserMax: {
    flag: 'max-connections-per-user',
    env: 'MPSD_MAX_CONNECTIONS_PER_USER',
    argument: '<number>',
    default: '100',
    help: 'RTA connections of one user to this server.',
    parse: integer(1, 10_000_000),
  },
  sendTimeoutMs: {
    flag: 'send-timeout',
    env: 'MPSD_SEND_TIMEOUT',
    argument: '<duration>',
    default: '30s',
    help: 'How long something that was sent may wait for a client that does not read, before its connection is cut.',
    parse: duration(timerMax),
  },
  unsentBytesMax: {
    flag: 'max-unsent',
    env: 'MPSD_MAX_UNSENT',
    argument: '<size>',
    default: '256MiB',
    help: 'How much may wait for all clients that do not read together; past it the connections that are furthest behind are cut.',
    parse: size(memoryMax),
  },
  sweepIntervalMs: {
    flag: 'sweep',
    env: 'MPSD_SWEEP',
    argument: '<duration>',
    default: '1s',
    help: 'How often due timeouts are applied where no request does.',
    parse: duration(timerMax),
  },
  historyChangesMax: {
    flag: 'history',
    env: 'MPSD_HISTORY',
    argument: '<changes>',
    default: '200',
    help: 'How many of its last changes are kept of each session, also after its end; 0: none.',
    parse: integer(0, 10_000),
  },
  historyDays: {
    flag: 'history-days',
    env: 'MPSD_HISTORY_DAYS',
    argument: '<days>',
    default: '7',
    help: 'For how many days a change is kept.',
    parse: integer(1, 365),
  },
  nodeLeaseMs: {
    flag: 'node-lease',
    env: 'MPSD_NODE_LEASE',
    argument: '<duration>',
    default: '15s',
    help: 'How long the other nodes on the same store wait for one that is silent, before they end its connections.',
    parse: duration(timerMax),
  },
  bodyBytesMax: {
    flag: 'max-body',
    env: 'MPSD_MAX_BODY',
    argument: '<size>',
    default: '1MiB',
    help: 'Largest request body.',
    parse: size(textMax),
  },
  uploadsBytesMax: {
    flag: 'max-uploads',
    env: 'MPSD_MAX_UPLOADS',
    argument: '<size>',
    default: '64MiB',
    help: 'How much of requests that are on their way is held, of all together; past it the ones that have taken the longest are refused.',
    parse: size(memoryMax),
  },
  queryAnswerBytesMax: {
    flag: 'max-query-answer',
    env: 'MPSD_MAX_QUERY_ANSWER',
    argument: '<size>',
    default: '4MiB',
    help: 'Largest answer to a query for handles: results that would take it further are left out.',
    parse: size(textMax),
  },
  sessionsPerUserMax: {
    flag: 'max-sessions-per-user',
    env: 'MPSD_MAX_SESSIONS_PER_USER',
    argument: '<number>',
    default: '250',
    help: 'Sessions of one service config that a user may be in, seats held for others and sessions left empty included.',
    parse: integer(1, 100_000),
  },
  invitesPerUserMax: {
    flag: 'max-invites-per-user',
    env: 'MPSD_MAX_INVITES_PER_USER',
    argument: '<number>',
    default: '500',
    help: 'Invites of one user in one service config, and into one title, that have not expired yet; each server counts those that were sent by it.',
    parse: integer(1, 100_000),
  },
  searchAttributesBytesMax: {
    flag: 'max-search-attributes',
    env: 'MPSD_MAX_SEARCH_ATTRIBUTES',
    argument: '<size>',
    default: '16KiB',
    help: 'Largest search attributes of one search handle, as JSON.',
    parse: size(textMax),
  },
  unknownMembers: {
    flag: 'unknown-members',
    env: 'MPSD_UNKNOWN_MEMBERS',
    argument: '<policy>',
    default: 'refuse',
    help: 'What becomes of a member of a session write that this server does not know: refuse (400, naming it) or keep (kept and answered, each name logged once).',
    parse: words(['refuse', 'keep']),
  },
  documentBytesMax: {
    flag: 'max-document',
    env: 'MPSD_MAX_DOCUMENT',
    argument: '<size>',
    default: '1MiB',
    help: 'Largest session document; not more than --max-body, so that what was read of it always fits into a write. Without it: 1MiB, or --max-body where that is less.',
    parse: size(textMax),
  },
  memberBytesMax: {
    flag: 'max-member',
    env: 'MPSD_MAX_MEMBER',
    argument: '<size>',
    default: '64KiB',
    help: 'Largest member of a session document.',
    parse: size(textMax),
  },
  roleTypesMax: {
    flag: 'max-role-types',
    env: 'MPSD_MAX_ROLE_TYPES',
    argument: '<number>',
    default: '100',
    help: 'Role types that one write may name.',
    parse: integer(1, 1_000),
  },
  rolesMax: {
    flag: 'max-roles',
    env: 'MPSD_MAX_ROLES',
    argument: '<number>',
    default: '100',
    help: 'Roles of one type that one write may name.',
    parse: integer(1, 1_000),
  },
  itemsMax: {
    flag: 'max-items',
    env: 'MPSD_MAX_ITEMS',
    argument: '<number>',
    default: '1000',
    help: 'Items of an array that the server looks into (turn, initiators, groups, encounters and others), measurements, servers of one write.',
    parse: integer(1, 10_000),
  },
  writeMembersMax: {
    flag: 'max-write-members',
    env: 'MPSD_MAX_WRITE_MEMBERS',
    argument: '<number>',
    default: '200',
    help: 'Reservations and other members that one write may name.',
    parse: integer(1, 10_000),
  },
  emptyMsMax: {
    flag: 'max-empty',
    env: 'MPSD_MAX_EMPTY',
    argument: '<duration>',
    default: '24h',
    help: 'How long a session stays with nobody in it, and a member in a status while nobody is active, where the template does not set the timeout and the write that created the session allows longer.',
    parse: duration(storedMax),
  },
  drainMs: {
    flag: 'drain',
    env: 'MPSD_DRAIN',
    argument: '<duration>',
    default: '3s',
    help: 'How long requests under way may take to end after SIGTERM; then their connections are cut. 0: at once.',
    parse: durationOrNone(timerMax),
  },
};

const settings = Object.entries(table) as readonly (readonly [
  keyof Settings,
  Setting<Settings[keyof Settings]>,
])[];

/** The flags of the settings. */
export const settingFlags: Flags = Object.fromEntries(
  settings.map(([, { flag, argument, isSecret }]) => [
    flag,
    {
      argument,
      ...(isSecret && { isSecret }),
      ...(argument === undefined && { isTruth: true as const }),
    },
  ]),
);

/** npm takes flags for its own and passes on what is left of them: their values. */
const npmAdvice = 'With npm, flags go after --: npm start -- --port 9123.';

/** One setting that is not as it must be: which, and what would be right. */
export type SettingProblem = string;

/**
 * The settings that flags and environment make, flags first; or every problem of them at once.
 */
export function parseSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): { readonly settings: Settings } | { readonly problems: readonly SettingProblem[] } {
  const given = parseFlags(args, settingFlags, npmAdvice);
  const problems: SettingProblem[] = [...given.problems];
  const values: Partial<Record<keyof Settings, unknown>> = {};
  for (const [name, setting] of settings) {
    const flag = given.values.get(setting.flag)?.at(-1);
    const text = flag ?? env[setting.env] ?? setting.default;
    if (text === undefined) continue;
    const parsed = setting.parse(text);
    if ('value' in parsed) values[name] = parsed.value;
    else {
      const source = flag === undefined ? setting.env : `--${setting.flag}`;
      // Of a store the kind is shown: redis://… may have a password anywhere.
      const isShown = setting.isSecret !== true || (name === 'store' && /^[a-z]*$/i.test(text));
      const shown = isShown ? `"${withoutUrlSecrets(text)}"` : 'not as it must be';
      problems.push(`${source} is ${shown}; expected ${parsed.expected}.`);
    }
  }
  const isGiven = ({ flag, env: variable }: Setting<unknown>): boolean =>
    given.values.has(flag) || env[variable] !== undefined;
  const read = values as Settings;
  const complete = isGiven(table.documentBytesMax) ? read : withDocumentsThatFit(read);
  problems.push(
    ...callersProblems(complete),
    ...adminProblems(complete),
    ...metricsProblems(complete),
    ...controlProblems(complete),
    ...sizesProblems(complete),
    ...uselessFlags(complete, new Set(given.values.keys())),
  );
  if (complete.proxyOthers === 'tunnel' && !isGiven(table.proxyPort)) {
    problems.push(
      '--proxy-others tunnel (MPSD_PROXY_OTHERS) is of no use without a proxy; add --proxy-port (MPSD_PROXY_PORT).',
    );
  }
  return problems.length > 0 ? { problems } : { settings: complete };
}

/** Flags that do nothing with the store; a variable of the environment may be meant for another start. */
function uselessFlags(
  { store, proxyPort, tlsPort }: Partial<Pick<Settings, 'store' | 'proxyPort' | 'tlsPort'>>,
  given: ReadonlySet<string>,
): readonly SettingProblem[] {
  if (store === undefined) return [];
  const useless = (names: readonly string[], why: string): readonly SettingProblem[] =>
    names
      .filter((name) => given.has(name))
      .map((name) => `--${name} is of no use with --store ${store.split(':')[0]}, ${why}.`);
  if (store !== 'memory') {
    return store === 'sqlite' ? useless(['replicas'], 'which has none; it is for Redis') : [];
  }
  const hasGateway = (proxyPort ?? tlsPort) !== undefined;
  return useless(
    ['durability', 'replicas', ...(hasGateway ? [] : ['data'])],
    'which keeps nothing; leave out one of them',
  );
}

/** The environment variables of all settings. */
export const settingVariables: readonly string[] = settings.map(([, { env }]) => env);

/** The settings when nothing is set. */
export function defaultSettings(): Settings {
  const parsed = parseSettings([], {});
  if ('problems' in parsed) throw new Error(parsed.problems.join('\n'));
  return parsed.settings;
}

/** True of the name of a setting, as programs write it: `proxyPort`. */
export function isSettingName(name: string): boolean {
  return Object.hasOwn(table, name);
}

/**
 * The text with the names that programs give to settings, in place of flags and variables:
 * `--proxy-port (MPSD_PROXY_PORT)` becomes `proxyPort`.
 */
export function nameOptions(text: string): string {
  return text.replaceAll(
    /(?<![\w-])--([a-z-]+)(?: \(MPSD_[A-Z_]+\))?/g,
    (written, flag: string) => namesByFlag.get(flag) ?? written,
  );
}

const namesByFlag: ReadonlyMap<string, string> = new Map(
  settings.map(([name, { flag }]) => [flag, name]),
);

/** The numbers of a program that are not as they must be: milliseconds, bytes, counts. */
export function numbersProblems(given: Partial<Settings>): readonly SettingProblem[] {
  return settings.flatMap(([name, { parse }]) => {
    const value: unknown = given[name];
    if (parse.bounds === undefined || value === undefined) return [];
    const { min, max } = parse.bounds;
    return Number.isInteger(value) && Number(value) >= min && Number(value) <= max
      ? []
      : [`${name} is ${String(value)}; expected a whole number from ${min} to ${max}.`];
  });
}

/** What does not go together among the settings by which callers are authenticated. */
export function callersProblems(
  given: Partial<
    Pick<
      Settings,
      | 'auth'
      | 'authKeys'
      | 'authClaims'
      | 'oidcIssuer'
      | 'oidcAudience'
      | 'oidcClientId'
      | 'oidcClientSecret'
      | 'oidcRequestAudience'
      | 'encryptedTokens'
      | 'host'
      | 'allowDevAuth'
    >
  >,
): readonly SettingProblem[] {
  const problems: SettingProblem[] = [...oidcProblems(given)];
  if (given.auth === 'signed' && given.authKeys === undefined) {
    problems.push(
      '--auth signed needs --auth-keys (MPSD_AUTH_KEYS), the path or URL of a JWK set.',
    );
  }
  if (given.auth === 'dev' && given.authKeys !== undefined) {
    problems.push('--auth-keys is of no use with --auth dev; add --auth signed.');
  }
  if (
    given.auth === 'dev' &&
    given.host !== undefined &&
    !isLoopback(given.host) &&
    given.allowDevAuth !== true
  ) {
    problems.push(
      `--host ${given.host} can be reached from other machines, and with --auth dev anybody can be anybody: use --auth signed, or add --allow-dev-auth if that is what you want.`,
    );
  }
  return problems;
}

/** What does not go together among the settings of outside issuers and of encrypted tokens. */
function oidcProblems({
  auth,
  authKeys,
  authClaims,
  oidcIssuer,
  oidcAudience,
  oidcClientId,
  oidcClientSecret,
  oidcRequestAudience,
  encryptedTokens,
}: Parameters<typeof callersProblems>[0]): readonly SettingProblem[] {
  if (auth === undefined) return [];
  const problems: SettingProblem[] = [];
  const isOidc = auth === 'oidc';
  if (isOidc && oidcIssuer === undefined) {
    problems.push('--auth oidc needs --oidc-issuer (MPSD_OIDC_ISSUER), the address of the issuer.');
  } else if (isOidc && authKeys === undefined && !/^https?:\/\//i.test(String(oidcIssuer))) {
    problems.push(
      `--oidc-issuer is "${oidcIssuer}", which is no address where its keys could be found; add --auth-keys, or give the address.`,
    );
  }
  if (isOidc && oidcAudience === undefined) {
    problems.push(
      '--auth oidc needs --oidc-audience (MPSD_OIDC_AUDIENCE): without it the tokens of every other service of the issuer would be accepted.',
    );
  }
  const ofClient = oidcClientSecret ?? oidcRequestAudience;
  if (!isOidc && (oidcIssuer ?? oidcAudience ?? oidcClientId ?? ofClient) !== undefined) {
    problems.push(
      `--oidc-issuer, --oidc-audience, --oidc-client-id, --oidc-client-secret and --oidc-request-audience are of no use with --auth ${auth}; add --auth oidc.`,
    );
  }
  if (isOidc && oidcClientId === undefined && ofClient !== undefined) {
    problems.push(
      '--oidc-client-secret and --oidc-request-audience belong to a client; add --oidc-client-id.',
    );
  }
  if (isOidc && oidcClientId !== undefined && !/^https?:\/\//i.test(String(oidcIssuer))) {
    problems.push(
      '--oidc-client-id needs an --oidc-issuer that is an address: clients are led to its sign-in.',
    );
  }
  if (auth === 'dev' && authClaims !== undefined) {
    problems.push('--auth-claims is of no use with --auth dev; add --auth oidc or signed.');
  }
  if (auth !== 'dev' && encryptedTokens !== undefined) {
    problems.push(
      `--encrypted-tokens lets in tokens that nobody has checked, and does not go with --auth ${auth}; leave it out, or use --auth dev.`,
    );
  }
  return problems;
}

/** What is wrong with a store that a program names. An address of Redis is checked where it is opened. */
export function storeProblems(store: unknown): readonly SettingProblem[] {
  if (typeof store === 'object' || 'value' in storeKind(String(store))) return [];
  return /^rediss?:\/\//i.test(String(store))
    ? []
    : [`store is "${withoutUrlSecrets(String(store))}"; expected ${storeExpectation}.`];
}

/** What does not go together among the settings of administrators. */
export function adminProblems({
  auth,
  adminServices,
}: Partial<Pick<Settings, 'auth' | 'adminServices'>>): readonly SettingProblem[] {
  if (auth !== 'dev' || adminServices === undefined) return [];
  return [
    '--admin-services is of no use with --auth dev, where anybody can be any game service; use --admin-token (MPSD_ADMIN_TOKEN).',
  ];
}

/** What keeps metrics from being read. */
export function metricsProblems({
  metrics,
  auth,
  host,
  adminToken,
  adminServices,
}: Partial<
  Pick<Settings, 'metrics' | 'auth' | 'host' | 'adminToken' | 'adminServices'>
>): readonly SettingProblem[] {
  const isOpen = auth === 'dev' && host !== undefined && isLoopback(host);
  if (metrics !== 'on' || isOpen || (adminToken ?? adminServices) !== undefined) return [];
  return [
    '--metrics on serves administrators, and there are none: add --admin-token (MPSD_ADMIN_TOKEN), or use --metrics open where only your own network reaches the server.',
  ];
}

/** What keeps the control API from being served. */
export function controlProblems({
  control,
  allowControl,
  host,
}: Partial<Pick<Settings, 'control' | 'allowControl' | 'host'>>): readonly SettingProblem[] {
  if (control !== true || allowControl === true || host === undefined || isLoopback(host)) {
    return [];
  }
  return [
    `--host ${host} can be reached from other machines, and --control is for tests: leave out one of them, or add --allow-control if that is what you want.`,
  ];
}

/** The settings with documents that are no larger than a body, where neither size is wrong. */
export function withDocumentsThatFit<T extends Pick<Settings, 'bodyBytesMax' | 'documentBytesMax'>>(
  settings: T,
): T {
  const { bodyBytesMax, documentBytesMax } = settings;
  return bodyBytesMax < documentBytesMax
    ? { ...settings, documentBytesMax: bodyBytesMax }
    : settings;
}

/** What does not go together among the sizes. */
export function sizesProblems({
  bodyBytesMax,
  documentBytesMax,
}: Partial<Pick<Settings, 'bodyBytesMax' | 'documentBytesMax'>>): readonly SettingProblem[] {
  if (documentBytesMax === undefined || bodyBytesMax === undefined) return [];
  if (documentBytesMax <= bodyBytesMax) return [];
  return [
    `--max-document (MPSD_MAX_DOCUMENT) is ${formatSize(documentBytesMax)} and --max-body (MPSD_MAX_BODY) is ${formatSize(bodyBytesMax)}: a session could be read that is too large to be written; lower the one, or raise the other.`,
  ];
}

/** A size in the form of a setting, or in bytes where it is none. */
function formatSize(bytes: number): string {
  const [unit, unitBytes] = Object.entries(sizeUnitsBytes).findLast(
    ([, each]) => bytes % each === 0,
  ) ?? [' bytes', 1];
  return `${bytes / unitBytes}${unit}`;
}

/** True of an address that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** What is said of a setting; one without an argument is a switch. */
export type SettingDescription = Omit<Setting<unknown>, 'parse'>;

/** Every setting, in the order of the help. */
export function describeSettings(): readonly SettingDescription[] {
  return settings.map(([, setting]) => setting);
}

/** The help of all settings, one paragraph each, made from the table. */
export function formatSettingsHelp(): string {
  return describeSettings()
    .map(({ flag, env, argument, default: fallback, help }) => {
      const head = `  --${flag}${argument === undefined ? '' : ` ${argument}`}`;
      const tail = fallback === undefined || argument === undefined ? '' : ` (default ${fallback})`;
      return `${head}   ${env}${tail}\n      ${help}`;
    })
    .join('\n');
}
