import type { Xuid } from '../domain/ids.ts';

/** What a connection can subscribe to. */
export type Resource =
  /** The session directory: taps, and the id that makes members of this connection. */
  | { readonly kind: 'connections' }
  /** One user's notifications: invites. */
  | { readonly kind: 'notify'; readonly xuid: Xuid }
  /** Changes of one user's list of friends. */
  | { readonly kind: 'friends'; readonly xuid: Xuid }
  /** Changes of the users that one user mutes or avoids; no event is ever sent. */
  | { readonly kind: 'privacy'; readonly xuid: Xuid };

const connections: Resource = { kind: 'connections' };

const patterns = {
  notify:
    /^https?:\/\/notify\.xboxlive\.com\/users\/xuid\(([0-9]{1,20})\)\/deviceid\/[^/]+\/titleid\/[^/]+\/?$/i,
  friends: /^https?:\/\/social\.xboxlive\.com\/users\/xuid\(([0-9]{1,20})\)\/friends\/?$/i,
  privacy:
    /^https?:\/\/privacy\.xboxlive\.com\/users\/xuid\(([0-9]{1,20})\)\/(?:mutelist|neverlist)\/?$/i,
} as const;

/**
 * The resource of a URI; undefined when there is no such. The scheme may be http or https, and a
 * slash at the end may be there or not: clients differ.
 *
 * @source docs/wire/rta.md "Frames"
 */
export function parseResource(uri: string): Resource | undefined {
  if (/^https?:\/\/sessiondirectory\.xboxlive\.com\/connections\/?$/i.test(uri)) return connections;
  for (const kind of ['notify', 'friends', 'privacy'] as const) {
    const xuid = patterns[kind].exec(uri)?.[1];
    if (xuid !== undefined) return { kind, xuid };
  }
  return undefined;
}
