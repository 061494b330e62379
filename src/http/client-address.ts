/**
 * The address that a request comes from, for counting.
 */

import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv4, type Socket } from 'node:net';
import { LRUCache } from 'lru-cache';
import { createMemo } from '../domain/memo.ts';

/** Networks that no stranger on the internet calls from. */
const privateNetworks: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
];

/** Finds the public address of a client. */
export type ClientAddresses = {
  /**
   * The address of the client: that of the connection, or where that is one of a balancer, the last
   * one in `X-Forwarded-For` that is not. Of an IPv6 address the network of 64 bits, which a client has
   * for itself. Undefined where no public address is known.
   *
   * @source docs/wire/rate-limits.md "Addresses"
   */
  of(incoming: Pick<IncomingMessage, 'socket' | 'headers'>): string | undefined;
};

/** Addresses of private networks and of `trustedProxies` are taken for balancers. */
export function openClientAddresses(trustedProxies: readonly string[] = []): ClientAddresses {
  const balancers = new BlockList();
  for (const [network, prefix] of privateNetworks) {
    balancers.addSubnet(network, prefix, isIPv4(network) ? 'ipv4' : 'ipv6');
  }
  for (const one of trustedProxies) {
    const [address = '', prefix] = one.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    balancers.addSubnet(address, Number(prefix ?? (family === 'ipv4' ? 32 : 128)), family);
  }
  /** By connection; undefined: it is a balancer's. */
  const peers = createMemo<Socket, { readonly network: string | undefined }>();
  /** By what a balancer states, which is the same in each request of a client. */
  const stated = new LRUCache<string, { readonly network: string | undefined }>({ max: statedMax });

  function publicNetworkOf(text: string): string | undefined {
    const address = withoutMapping(text);
    const family = isIP(address);
    if (family === 0) return undefined;
    if (balancers.check(address, family === 4 ? 'ipv4' : 'ipv6')) return undefined;
    return family === 4 ? address : networkOf(address);
  }

  /** The last of these addresses that is public. */
  function networkOfHops(text: string): string | undefined {
    const hops = text.split(',', hopsMax + 1);
    if (hops.length > hopsMax) return undefined;
    for (const hop of hops.reverse()) {
      const network = publicNetworkOf(hop.trim());
      if (network !== undefined) return network;
    }
    return undefined;
  }

  return {
    of({ socket, headers }) {
      let peer = peers.get(socket);
      if (peer === undefined) {
        peer = { network: publicNetworkOf(socket.remoteAddress ?? '') };
        peers.set(socket, peer);
      }
      if (peer.network !== undefined) return peer.network;
      // Each balancer adds, at the end, whom it has the request from. Before that anybody may write.
      const forwarded = headers['x-forwarded-for'];
      if (forwarded === undefined) return undefined;
      const hops = String(forwarded);
      if (hops.length > statedCharactersMax) return networkOfHops(hops);
      let found = stated.get(hops);
      if (found === undefined) {
        found = { network: networkOfHops(hops) };
        stated.set(hops, found);
      }
      return found.network;
    },
  };
}

/** How many statements of balancers are remembered, and the length of the longest. */
const statedMax = 10_000;
const statedCharactersMax = 200;

/** More than that come from no balancer. */
const hopsMax = 50;

/** An IPv4 address that is written as one of IPv6, as IPv4. */
function withoutMapping(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  return mapped ?? address;
}

/** The first 64 bits of an IPv6 address. */
function networkOf(address: string): string {
  const [before = '', after] = (address.split('%', 1)[0] ?? '').split('::');
  const groups = before === '' ? [] : before.split(':');
  const following = after === undefined || after === '' ? 0 : after.split(':').length;
  const zeros = after === undefined ? 0 : 8 - groups.length - following;
  const all = [
    ...groups,
    ...Array<string>(Math.max(0, zeros)).fill('0'),
    ...(after ?? '').split(':'),
  ];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group || '0', 16).toString(16))
    .join(':')}::/64`;
}
