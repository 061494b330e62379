/**
 * Whether one user may do something that concerns another, by their lists and the token.
 *
 * @source docs/wire/neighbours.md "Permissions"
 */

import type { JsonObject } from '../json.ts';

/** What a permission needs of the token, and which lists are in its way. */
type Rule = {
  /** Number of the privilege; none is needed when absent. */
  readonly privilege?: string;
  /** True where a user who is muted is out of it. */
  readonly isVoice?: true;
};

/** The permissions, and the privileges that they need. @source docs/wire/unknowns.md "what permissions need" */
const rules = {
  BroadcastWithTwitch: { privilege: '190' },
  CommunicateUsingText: { privilege: '252' },
  CommunicateUsingVideo: { privilege: '252' },
  CommunicateUsingVoice: { privilege: '252', isVoice: true },
  PlayMultiplayer: { privilege: '254' },
  ShareItem: { privilege: '211' },
  ShareTargetContentToExternalNetworks: { privilege: '220' },
  ViewTargetExerciseInfo: {},
  ViewTargetGameHistory: {},
  ViewTargetMusicHistory: {},
  ViewTargetMusicStatus: {},
  ViewTargetPresence: {},
  ViewTargetProfile: { privilege: '249' },
  ViewTargetUserCreatedContent: { privilege: '247' },
  ViewTargetVideoHistory: {},
  ViewTargetVideoStatus: {},
  WriteComment: { privilege: '247' },
} as const satisfies Record<string, Rule>;

export type Permission = keyof typeof rules;

export const permissions = Object.keys(rules) as [Permission, ...Permission[]];

/** Why not, as clients know it. */
export type DenyReason =
  | 'MissingPrivilege'
  | 'BlockListRestrictsTarget'
  | 'MuteListRestrictsTarget'
  | 'NotAllowed';

/** How two users stand to each other. All false of somebody who plays on another network. */
export type PermissionFacts = {
  /** The privileges of the requestor's token; undefined: all. */
  readonly privileges?: readonly string[] | undefined;
  readonly isBlocked: boolean;
  readonly isMuted: boolean;
  /** True when the target has blocked the requestor, who does not learn why. */
  readonly isBlockedBy: boolean;
};

/** Every reason against it; none: it is allowed. */
export function denyReasons(
  permission: Permission,
  { privileges, isBlocked, isMuted, isBlockedBy }: PermissionFacts,
): readonly DenyReason[] {
  const { privilege, isVoice }: Rule = rules[permission];
  const reasons: DenyReason[] = [];
  if (privilege !== undefined && privileges?.includes(privilege) === false) {
    reasons.push('MissingPrivilege');
  }
  if (isBlocked) reasons.push('BlockListRestrictsTarget');
  if (isMuted && isVoice) reasons.push('MuteListRestrictsTarget');
  if (isBlockedBy) reasons.push('NotAllowed');
  return reasons;
}

/** One answer, as clients read it. */
export function viewPermission(reasons: readonly DenyReason[]): JsonObject {
  return { isAllowed: reasons.length === 0, reasons: reasons.map((reason) => ({ reason })) };
}
