import { isTitleId, type TitleId, type Xuid } from '../domain/ids.ts';

/** What a connection can subscribe to. */
export type Resource =
  /** The session directory: taps, and the id that makes members of this connection. */
  | { readonly kind: 'connections' }
  /** One user's notifications: invites; those into activities for this title alone. */
  | { readonly kind: 'notify'; readonly xuid: Xuid; readonly titleId: string }
  /** Changes of one user's list of friends. */
  | { readonly kind: 'friends'; readonly xuid: Xuid }
  /** Changes of the users that one user mutes or avoids; no event is ever sent. */
  | { readonly kind: 'privacy'; readonly xuid: Xuid }
  /** Any user's presence: on devices, or in one title. */
  | { readonly kind: 'presence'; readonly xuid: Xuid; readonly titleId?: TitleId };

export type PresenceResource = Extract<Resource, { readonly kind: 'presence' }>;

const connections: Resource = { kind: 'connections' };

const patterns = {
  notify:
    /^https?:\/\/notify\.xboxlive\.com\/users\/xuid\(([0-9]{1,20})\)\/deviceid\/[^/]+\/titleid\/([^/]+)\/?$/i,
  friends: /^https?:\/\/social\.xboxlive\.com\/users\/xuid\(([0-9]{1,20})\)\/friends\/?$/i,
  privacy:
    /^https?:\/\/privacy\.xboxlive\.com\/users\/xuid\(([0-9]{1,20})\)\/(?:mutelist|neverlist)\/?$/i,
  presence:
    /^https?:\/\/userpresence\.xboxlive\.com\/users\/xuid\(([0-9]{1,20})\)\/(?:devices|titles\/([0-9]{1,10}))\/?$/i,
} as const;

/**
 * The resource of a URI; undefined when there is no such. The scheme may be http or https, and a
 * slash at the end may be there or not: clients differ.
 *
 * @source docs/wire/rta.md "Frames"
 */
export function parseResource(uri: string): Resource | undefined {
  if (/^https?:\/\/sessiondirectory\.xboxlive\.com\/connections\/?$/i.test(uri)) return connections;
  for (const kind of ['friends', 'privacy'] as const) {
    const xuid = patterns[kind].exec(uri)?.[1];
    if (xuid !== undefined) return { kind, xuid };
  }
  const [, invited, titleId = ''] = patterns.notify.exec(uri) ?? [];
  if (invited !== undefined) return { kind: 'notify', xuid: invited, titleId };
  const [, watched, title] = patterns.presence.exec(uri) ?? [];
  if (watched === undefined || (title !== undefined && !isTitleId(title))) return undefined;
  return { kind: 'presence', xuid: watched, ...(title !== undefined && { titleId: title }) };
}

/** The URI of a resource, as clients write it; `*` where they may write anything. */
export function formatResource(resource: Resource): string {
  switch (resource.kind) {
    case 'connections':
      return 'https://sessiondirectory.xboxlive.com/connections/';
    case 'notify':
      return `https://notify.xboxlive.com/users/xuid(${resource.xuid})/deviceId/*/titleId/${resource.titleId}`;
    case 'friends':
      return `https://social.xboxlive.com/users/xuid(${resource.xuid})/friends`;
    case 'privacy':
      return `https://privacy.xboxlive.com/users/xuid(${resource.xuid})/mutelist`;
    case 'presence':
      return `https://userpresence.xboxlive.com/users/xuid(${resource.xuid})/${resource.titleId === undefined ? 'devices' : `titles/${resource.titleId}`}`;
  }
}
