import type { Context } from '../directory/context.ts';
import type { Caller } from '../domain/caller.ts';
import type { Xuid } from '../domain/ids.ts';
import { denyReasons, type DenyReason, type PermissionFacts } from '../domain/people/permission.ts';
import type { PermissionQuery, PermissionTarget } from '../domain/people/permission-request.ts';

/** The reasons against each permission, for one of the users who were asked about. */
export type CheckedTarget = {
  readonly target: PermissionTarget;
  readonly reasons: readonly (readonly DenyReason[])[];
};

/** What the requestor may do with each of the targets, in their order. */
export async function checkPermissions(
  context: Context,
  requestor: Xuid,
  { targets, permissions }: PermissionQuery,
  caller: Caller,
): Promise<readonly CheckedTarget[]> {
  const privileges = caller.kind === 'user' ? caller.privileges : undefined;
  const xuids = targets.flatMap((target) => ('xuid' in target ? [target.xuid] : []));
  const [blocked, muted] = await Promise.all([
    context.people.listed(requestor, 'avoids', xuids),
    context.people.listed(requestor, 'mutes', xuids),
  ]);
  return Promise.all(
    targets.map(async (target) => {
      const xuid = 'xuid' in target ? target.xuid : undefined;
      const isListed = (list: typeof blocked): boolean => list.some((one) => one.xuid === xuid);
      const facts: PermissionFacts = {
        privileges,
        isBlocked: isListed(blocked),
        isMuted: isListed(muted),
        isBlockedBy: xuid !== undefined && (await context.people.avoids(xuid, requestor)),
      };
      return { target, reasons: permissions.map((permission) => denyReasons(permission, facts)) };
    }),
  );
}
