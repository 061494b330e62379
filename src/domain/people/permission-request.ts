/**
 * What the permission URIs ask for.
 *
 * @source docs/wire/neighbours.md "Permissions"
 */

import * as v from 'valibot';
import { isXuid, type Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { exactObject, list, parseShape, text, word } from '../shape.ts';
import { dropUnknown, type KnownPart } from '../unknown-members.ts';
import { type Permission, permissions } from './permission.ts';

/** Users of other networks, whom a title knows or not. */
const anonymousUsers = ['allUsers', 'crossNetworkUser', 'crossNetworkFriend'] as const;

export type PermissionTarget =
  | { readonly xuid: Xuid }
  | { readonly anonymousUser: (typeof anonymousUsers)[number] };

/** Each of these permissions for each of these users, in their order. */
export type PermissionQuery = {
  readonly targets: readonly PermissionTarget[];
  readonly permissions: readonly Permission[];
};

const xuid = text(isXuid, 'a xuid (a string of decimal digits)');
const permission = word(permissions);
const anonymousUser = word(anonymousUsers);

/** The body of a question for several permissions. */
export const permissionBatch = exactObject({
  users: list(
    exactObject({ xuid: v.optional(xuid), anonymousUser: v.optional(anonymousUser) }),
    { lengthMin: 1, lengthMax: limits.permissionUsersMax },
    `an array of 1 to ${limits.permissionUsersMax} users`,
  ),
  permissions: list(
    permission,
    { lengthMin: 1, lengthMax: permissions.length },
    `an array of 1 to ${permissions.length} permissions`,
  ),
});

/** The body of a batch without members that nobody knows. */
export function dropUnknownOfPermissions(body: JsonObject): KnownPart {
  return dropUnknown(permissionBatch, body);
}

/** The permissions that a body asks for. Refuses: requestInvalid. */
export function parsePermissionBatch(body: JsonObject): PermissionQuery | Refusal {
  const parsed = parseShape(permissionBatch, body);
  if (parsed instanceof Refusal) return parsed;
  const targets: PermissionTarget[] = [];
  for (const [i, { xuid: one, anonymousUser: anonymous }] of parsed.users.entries()) {
    if ((one === undefined) === (anonymous === undefined)) {
      const place = `$.users[${i}]`;
      return new Refusal('requestInvalid', `${place}: Expected either xuid or anonymousUser.`, {
        detail: place,
      });
    }
    targets.push(one === undefined ? { anonymousUser: anonymous ?? 'allUsers' } : { xuid: one });
  }
  return { targets, permissions: parsed.permissions };
}

const target = v.pipe(
  text(
    (given) => parseTarget(given) !== undefined,
    `xuid(1234) or one of ${anonymousUsers.join(', ')}`,
  ),
  v.transform((given) => parseTarget(given) as PermissionTarget),
);
const single = v.object({ setting: permission, target });

function parseTarget(given: string): PermissionTarget | undefined {
  const one = /^xuid\((\d{1,20})\)$/i.exec(given)?.[1];
  if (one !== undefined) return { xuid: one };
  const anonymous = anonymousUsers.find((name) => name.toLowerCase() === given.toLowerCase());
  return anonymous && { anonymousUser: anonymous };
}

/** The permission that a query string asks for. Refuses: requestInvalid. */
export function parsePermission(query: URLSearchParams): PermissionQuery | Refusal {
  const given = { setting: query.get('setting') ?? '', target: query.get('target') ?? '' };
  const parsed = parseShape(single, given, 'query');
  if (parsed instanceof Refusal) return parsed;
  return { targets: [parsed.target], permissions: [parsed.setting] };
}
