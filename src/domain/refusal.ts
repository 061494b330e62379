/**
 * The rules by which a request can fail: a closed list. `X-Mpsd-Refusal` carries the code, so that
 * a caller sees which rule refused.
 */
export const refusalCodes = [
  // every request
  'hostForbidden',
  'originForbidden',
  'pathUnknown',
  'verbNotAllowed',
  'notAuthenticated',
  'adminRequired',
  'banned',
  'contractVersionMissing',
  'rateLimited',
  'requestMalformed',
  'upgradeRequired',
  'hostUnreachable',
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
  'etagWeak',
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
  // matchmaking
  'hopperUnknown',
  'ticketUnknown',
  'ticketTooLarge',
  // people
  'listNotYours',
  'listFull',
  'personUnknown',
  'notSearchable',
  'searchAttributesTooLarge',
  'filterInvalid',
  // services beside the directory
  'userNotYours',
  'gamertagUnknown',
  'titleRequired',
  'activityNotYours',
  'serviceAbsent',
  // the rest
  'connectionUnknown',
  'tooManyConnections',
  'connectionsFull',
  'tooBusy',
] as const;

export type RefusalCode = (typeof refusalCodes)[number];

/**
 * "No", as a value: the rule that said it, and one sentence that a title developer can act on.
 * Never thrown. `detail` names the place: a JSON path, a member, a conflicting constant.
 */
export class Refusal {
  readonly code: RefusalCode;
  readonly text: string;
  readonly detail: string | undefined;
  /** What the rule accepts in place of what it refused, where it has a list of that. */
  readonly accepted: readonly string[] | undefined;

  constructor(
    code: RefusalCode,
    text: string,
    more: { readonly detail?: string; readonly accepted?: readonly string[] | undefined } = {},
  ) {
    this.code = code;
    this.text = text;
    this.detail = more.detail;
    this.accepted = more.accepted;
  }
}
