import { BlockList, isIP } from 'node:net';

/** What a proxy is asked for: `host:port`. */
export type Authority = {
  /** In lower case, without brackets and last dot. */
  readonly host: string;
  readonly port: number;
};

/** The authority of a CONNECT request, or of a URL with its port; undefined when it is none. */
export function parseAuthority(text: string): Authority | undefined {
  const [, bracketed, plain, port] =
    /^(?:\[([0-9a-f:.]{2,45})\]|([\w.-]{1,253})):(\d{1,5})$/i.exec(text) ?? [];
  const host = (bracketed ?? plain)?.toLowerCase().replace(/\.$/, '');
  if (host === undefined || host === '') return undefined;
  if (bracketed !== undefined && isIP(bracketed) !== 6) return undefined;
  const number = Number(port);
  return number >= 1 && number <= 65_535 ? { host, port: number } : undefined;
}

/** Addresses to which no proxy should lead: this machine, the network card's own, everybody. */
const closedAddresses = new BlockList();
closedAddresses.addSubnet('0.0.0.0', 8);
closedAddresses.addSubnet('127.0.0.0', 8);
closedAddresses.addSubnet('169.254.0.0', 16);
closedAddresses.addSubnet('224.0.0.0', 3);
closedAddresses.addAddress('::', 'ipv6');
closedAddresses.addAddress('::1', 'ipv6');
closedAddresses.addSubnet('fe80::', 10, 'ipv6');
closedAddresses.addSubnet('ff00::', 8, 'ipv6');

/**
 * True of an address of this machine (`own` are those of its network cards), of a link-local one, and of
 * one that stands for many.
 */
export function isClosedAddress(address: string, own: ReadonlySet<string>): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const plain = mapped ?? address.replace(/%.*$/, '').toLowerCase();
  const family = isIP(plain);
  if (family === 0) return true;
  return own.has(plain) || closedAddresses.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}
