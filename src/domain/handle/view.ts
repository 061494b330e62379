/**
 * Handles as clients read them.
 *
 * @source docs/wire/handles.md "POST /handles"
 */

import type { JsonObject } from '../json.ts';
import { tallyOf } from '../session/large.ts';
import { ownersOf } from '../session/owners.ts';
import { restrictionsOf } from '../session/properties.ts';
import type { SessionReference } from '../session/reference.ts';
import { viewRoleTypes } from '../session/roles.ts';
import { viewSearchAttributes } from '../search/attributes.ts';
import type { Session } from '../session/session.ts';
import { formatTime } from '../time.ts';
import type { ActivityHandle, Handle, InviteHandle, SearchHandle } from './handle.ts';
import type { Include } from './request.ts';

/** The handle as POST and GET answer it. */
export function viewHandle(handle: Handle): JsonObject {
  const { id, version, type, reference } = handle;
  const common = { id, type, version, sessionRef: viewReference(reference) };
  switch (handle.type) {
    case 'activity':
      return {
        ...common,
        ...(handle.titleId !== undefined && { titleId: handle.titleId }),
        ownerXuid: handle.ownerXuid,
        ...viewTitleFacts(handle),
        createTime: formatTime(handle.createTimeMs),
      };
    case 'invite':
      return {
        ...common,
        ...(handle.sender.kind === 'user' && { senderXuid: handle.sender.xuid }),
        invitedXuid: handle.invitedXuid,
        inviteAttributes: { ...handle.inviteAttributes },
        expiration: formatTime(handle.expirationMs),
        ...viewTitleFacts(handle),
        createTime: formatTime(handle.createTimeMs),
      };
    case 'transfer':
      return { ...common, originSessionRef: viewReference(handle.origin) };
    case 'search':
      return {
        ...common,
        searchAttributes: viewSearchAttributes(handle.searchAttributes),
        createTime: formatTime(handle.createTimeMs),
      };
  }
}

/**
 * One activity in the results of a query, confirmed by its session. What the title and the members
 * wrote is shown only to callers who may read the session; clients need `customProperties` in any
 * case.
 */
export function viewActivityResult(
  handle: ActivityHandle,
  session: Session,
  include: Include,
  mayRead: boolean,
): JsonObject {
  const custom = mayRead ? session.properties.custom : {};
  return {
    ...viewHandle(handle),
    ...(include.relatedInfo && {
      relatedInfo: { ...viewRelatedInfo(handle, session), ...(mayRead && viewPost(session)) },
    }),
    ...(include.customProperties && { customProperties: custom }),
  };
}

/**
 * One search handle in the results of a query: that of the session that confirmed it. What the title
 * and the members wrote is shown only to callers who may read the session.
 */
export function viewSearchResult(
  handle: SearchHandle,
  session: Session,
  include: Include,
  mayRead: boolean,
): JsonObject {
  return {
    ...viewHandle(handle),
    ...(include.relatedInfo && {
      relatedInfo: {
        ...viewRelatedInfo(handle, session),
        ...(mayRead && viewPost(session)),
        sessionOwners: ownersOf(session).map(({ xuid }) => xuid),
      },
    }),
    ...(include.roleInfo && { roleInfo: { roleTypes: (mayRead && viewRoleTypes(session)) || {} } }),
    ...(include.customProperties && { customProperties: mayRead ? session.properties.custom : {} }),
  };
}

function viewRelatedInfo(handle: ActivityHandle | SearchHandle, session: Session): JsonObject {
  const { visibility, maxMembersCount, inviteProtocol } = session.constants.system;
  return {
    visibility,
    joinRestriction: restrictionsOf(session).join,
    closed: session.properties.system.closed === true,
    maxMembersCount,
    membersCount: tallyOf(session).count,
    ...(inviteProtocol !== undefined && { inviteProtocol }),
    postedTime: formatTime(handle.createTimeMs),
  };
}

/** The description of a post that looks for players. @source docs/wire/search.md "POST /handles/query" */
function viewPost({ properties }: Session): JsonObject {
  const { description, keywords = [], searchHandleVisibility } = properties.system;
  return {
    ...(description && { description: { ...description } }),
    ...(keywords.length > 0 && { keywords }),
    ...(searchHandleVisibility !== undefined && { searchHandleVisibility }),
  };
}

/** What the invited user's connections receive of an invite. @source docs/wire/rta.md "Invites" */
export function viewInviteNotification(invite: InviteHandle): JsonObject {
  const { id, invitedXuid, inviteProtocol, inviteAttributes, expirationMs, reference } = invite;
  const { sender } = invite;
  const name = sender.kind === 'user' ? (invite.senderGamertag ?? '') : sender.name;
  return {
    inviteHandle: {
      id,
      type: 'invite',
      version: invite.version,
      invitedXuid,
      // A service has no xuid, and clients skip an invite without this field.
      senderXuid: sender.kind === 'user' ? sender.xuid : '0',
      inviteProtocol: inviteProtocol ?? '',
      expiration: formatTime(expirationMs),
      sessionRef: viewReference(reference),
      inviteAttributes: { ...inviteAttributes },
      inviteInfo: {
        sender: name,
        senderModernGamertag: name,
        senderModernGamertagSuffix: '',
        senderUniqueModernGamertag: name,
        senderImageUrl: '',
      },
    },
  };
}

function viewTitleFacts({
  inviteProtocol,
  gameTypes,
}: Pick<ActivityHandle, 'inviteProtocol' | 'gameTypes'>): JsonObject {
  return {
    ...(inviteProtocol !== undefined && { inviteProtocol }),
    ...(gameTypes && { gameTypes }),
  };
}

function viewReference({ scid, templateName, name }: SessionReference): JsonObject {
  return { scid, templateName, name };
}
