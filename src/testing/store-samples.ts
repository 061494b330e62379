/** What store tests keep: one session and a handle of each type, small and complete. */

import type { ActivityHandle, InviteHandle, TransferHandle } from '../domain/handle/handle.ts';
import { formatJson, type JsonObject } from '../domain/json.ts';
import { keyOf, type SessionKey, type SessionReference } from '../domain/session/reference.ts';
import type { Xuid } from '../domain/ids.ts';
import type { Member, Session } from '../domain/session/session.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { HistoryPut, SessionDelete, SessionPut } from '../store/store.ts';

export const storedScid = 'BD6C41C3-01C3-468A-A3B5-3E0FE8133862';

export function storedReference(name: string): SessionReference {
  return { scid: storedScid, templateName: 'DeathMatch', name };
}

export function storedKey(name: string): SessionKey {
  return keyOf(storedReference(name));
}

/** A session with one member; `custom` are its own properties. */
export function storedSession(name: string, custom: JsonObject = {}): Session {
  return {
    reference: storedReference(name),
    branch: '17a13f76-0000-4000-8000-000000000001',
    changeNumber: 1,
    correlationId: 'c0441a7e-0000-4000-8000-000000000001',
    startTimeMs: 1_474_404_600_518,
    constants: {
      system: { version: 1, maxMembersCount: 16, visibility: 'open', capabilities: {} },
      custom: {},
    },
    properties: { system: {}, custom },
    members: [storedMember('2814000000000001', 0)],
    nextMemberIndex: 1,
    servers: {},
    formerXuids: [],
  };
}

export function storedMember(xuid: Xuid, index: number): Member {
  return {
    index,
    xuid,
    gamertag: 'Ada',
    status: 'active',
    statusSinceMs: 1_474_404_600_518,
    joinTimeMs: 1_474_404_600_518,
    constants: { custom: {} },
    properties: { system: {}, custom: { deck: ['moon', 'tide'] } },
  };
}

export function putOf(
  name: string,
  expectRevision: number,
  more: { readonly custom?: JsonObject; readonly dueMs?: Milliseconds } = {},
): SessionPut {
  const session = storedSession(name, more.custom);
  return { kind: 'put', key: storedKey(name), expectRevision, session, dueMs: more.dueMs };
}

export function deleteOf(name: string, expectRevision: number): SessionDelete {
  return { kind: 'delete', key: storedKey(name), expectRevision };
}

/** A change of this branch, as the history keeps it: the last three, for 1,000 s. */
export function storedHistory(branch: string, more: HistorySample = {}): HistoryPut {
  const { change = {}, ...rest } = more;
  return {
    branch,
    atMs: 1_474_404_600_518,
    text: formatJson(change),
    addNames: [],
    changesMax: 3,
    keptMs: 1_000_000,
    ...rest,
  };
}

export type HistorySample = Partial<HistoryPut> & { readonly change?: JsonObject };

/** A GUID that ends in `n`, in upper case, so that stores are seen to compare without case. */
export function storedGuid(n: number): string {
  return `BE2E3C97-9AD5-4C7E-9B5E-${n.toString(16).toUpperCase().padStart(12, '0')}`;
}

export function storedActivity(
  id: string,
  sessionName: string,
  more: Partial<ActivityHandle> = {},
): ActivityHandle {
  return {
    type: 'activity',
    id,
    version: 1,
    reference: storedReference(sessionName),
    createTimeMs: 1_474_404_600_518,
    ownerXuid: '2814000000000001',
    ...more,
  };
}

export function storedTransfer(
  id: string,
  { origin, target }: { readonly origin: string; readonly target: string },
): TransferHandle {
  return {
    type: 'transfer',
    id,
    version: 1,
    reference: storedReference(target),
    createTimeMs: 1_474_404_600_518,
    origin: storedReference(origin),
    branch: '17a13f76-0000-4000-8000-000000000001',
  };
}

export function storedInvite(
  id: string,
  sessionName: string,
  more: Partial<InviteHandle> = {},
): InviteHandle {
  return {
    type: 'invite',
    id,
    version: 1,
    reference: storedReference(sessionName),
    createTimeMs: 1_474_404_600_518,
    sender: { kind: 'user', xuid: '2814000000000001' },
    invitedXuid: '2814000000000002',
    inviteAttributes: { titleId: '174925616', context: 'a=1&b=%E2%82%AC' },
    expirationMs: 1_474_491_000_518,
    ...more,
  };
}
