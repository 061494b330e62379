import { StoreUnavailable } from '../store.ts';

/** Where a Redis is, and the user that connects to it. */
export type RedisAddress = {
  readonly nodes: readonly RedisNode[];
  readonly isTls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
};

export type RedisNode = { readonly host: string; readonly port: number };

/** The form of an address, to complete "Expected …". */
const redisAddressExpectation =
  'redis://[[user]:password@]host[:port][,host[:port]…], with rediss:// for TLS';

const pattern = /^(rediss?):\/\/(?:([^@/]*)@)?([^@/?#]+)\/?$/i;

/** The address that a text names; undefined when it is none. */
export function parseRedisAddress(text: string): RedisAddress | undefined {
  const [, scheme, login, hosts] = pattern.exec(text) ?? [];
  if (scheme === undefined || hosts === undefined) return undefined;
  const nodes = hosts.split(',').map(parseNode);
  if (nodes.some((node) => node === undefined)) return undefined;
  // A user alone cannot log in: it is a password in the wrong place, which messages would show.
  if (login?.includes(':') === false) return undefined;
  try {
    const [username = '', ...password] = (login ?? '').split(':').map(decodeURIComponent);
    return {
      nodes: nodes as readonly RedisNode[],
      isTls: scheme.toLowerCase() === 'rediss',
      username: username === '' ? undefined : username,
      password: password.length === 0 ? undefined : password.join(':'),
    };
  } catch {
    return undefined;
  }
}

function parseNode(text: string): RedisNode | undefined {
  const [, bracketed, plain, digits = '6379'] =
    /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s]+))(?::([0-9]{1,5}))?$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** `host:port`. */
export function formatNode({ host, port }: RedisNode): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The address without its password, for messages. */
export function formatRedisAddress({ nodes, isTls, username }: RedisAddress): string {
  const login = username === undefined ? '' : `${encodeURIComponent(username)}@`;
  return `${isTls ? 'rediss' : 'redis'}://${login}${nodes.map(formatNode).join(',')}`;
}

/** The address that a text names. Throws StoreUnavailable, with what would be right, for others. */
export function requireRedisAddress(text: string): RedisAddress {
  const address = parseRedisAddress(text);
  if (address === undefined) {
    throw new StoreUnavailable(
      `The address of the Redis store is not one; expected ${redisAddressExpectation}.`,
    );
  }
  return address;
}
