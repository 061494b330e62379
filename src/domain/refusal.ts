import type { Session } from './session/session.ts';

/**
 * The rules by which a request can fail: a closed list. Each code travels in `X-Mpsd-Refusal`, so
 * that a caller can tell which single rule said no.
 */
export const refusalCodes = [
  // every request
  'hostForbidden',
  'originForbidden',
  'pathUnknown',
  'verbNotAllowed',
  'notAuthenticated',
  'contractVersionMissing',
  'requestMalformed',
  'upgradeRequired',
  'requestTooSlow',
  'headersTooLarge',
  'contentEncodingUnknown',
  'bodyTooLarge',
  'bodyNotJson',
  'requestInvalid',
  'nameInvalid',
  'serviceConfigUnknown',
  'serviceConfigForbidden',
  'templateUnknown',
  // sessions
  'sessionExists',
  'sessionMissing',
  'sessionGone',
  'etagDiffers',
  'privilegeMissing',
  'userRequired',
  'serviceRequired',
  'notAnInitiator',
  'constantsConflict',
  'sessionPrivate',
  'reservationNeeded',
  'sessionFull',
  'blockedByOwner',
  'sessionClosed',
  'joinRestricted',
  'readRestricted',
  'notAMember',
  'reservedOnly',
  'memberNotYours',
  'notInLargeSession',
  'tooManySessions',
  'ownerRequired',
  'connectionRequired',
  'initializationMembersNeeded',
  'initializationNotEvaluating',
  'roleFull',
  'roleSettingsFixed',
  'documentTooLarge',
  'memberTooLarge',
  'tooManyItems',
  'tooManyMembers',
  'tooManyRoles',
  // handles
  'handleUnknown',
  'handleNotYours',
  'handleIdTaken',
  'notActive',
  'inviteBlocked',
  'tooManyInvites',
  'transferTargetMissing',
  'tooManyHandles',
  // queries for sessions
  'queryNotYours',
  // people
  'listNotYours',
  'listFull',
  'personUnknown',
  'notSearchable',
  'searchAttributesTooLarge',
  'filterInvalid',
  // the rest
  'connectionUnknown',
  'tooManyConnections',
  'connectionsFull',
  'tooBusy',
] as const;

export type RefusalCode = (typeof refusalCodes)[number];

/**
 * "No", as a value: which rule said it, and one sentence that a title developer can act on.
 *
 * Never thrown. `detail` names the place: a JSON path, a member, a conflicting constant. `session`
 * is the session as it stands, where the protocol answers a refusal with the document (a failed
 * precondition, a write to a session that the caller may read but not change).
 */
export class Refusal {
  readonly code: RefusalCode;
  readonly text: string;
  readonly detail: string | undefined;
  readonly session: Session | undefined;

  constructor(
    code: RefusalCode,
    text: string,
    more: { readonly detail?: string; readonly session?: Session } = {},
  ) {
    this.code = code;
    this.text = text;
    this.detail = more.detail;
    this.session = more.session;
  }

  /** The same refusal, answered with the session as it stands. */
  withSession(session: Session): Refusal {
    return new Refusal(this.code, this.text, {
      ...(this.detail !== undefined && { detail: this.detail }),
      session,
    });
  }
}
