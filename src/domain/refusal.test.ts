import type { Session } from './session/session.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  asRefusal,
  bert,
  decide,
  dora,
  handleFacts,
  me,
  referee,
  reserve,
  sampleConfig,
  sampleReference,
  sampleTemplate,
  sessionOf,
  system,
  write,
} from '../testing/samples.ts';
import { mayDeleteHandle } from './handle/access.ts';
import { createActivity, createInvite, createSearch, createTransfer } from './handle/create.ts';
import { Refusal, refusalCodes, type RefusalCode } from './refusal.ts';
import { parseFilter } from './search/parser.ts';
import { mayRead } from './session/access.ts';
import { parseSessionReference } from './session/reference.ts';
import { findTemplate, mayUseServiceConfig } from './session/template.ts';
import { RefusalWithSession } from './session/refusal-with-session.ts';

const session = sessionOf([ada]);
const large: Session = {
  ...session,
  constants: {
    ...session.constants,
    system: { ...session.constants.system, capabilities: { large: true } as never },
  },
};
const reserved = write(session, reserve(bert));
const hidden = sessionOf([ada], { template: sampleTemplate({ visibility: 'private' }) });
const connected = sampleTemplate({ capabilities: { connectionRequiredForActiveMembers: true } });
const owned = sessionOf([ada, bert], {
  template: sampleTemplate(
    { capabilities: { hasOwners: true } },
    { roleTypes: { squad: { roles: { medic: { max: 1 } } } } },
  ),
});
const withMedic = write(owned, { members: { me: { roles: { squad: 'medic' } } } });
const invite = {
  type: 'invite',
  reference: sampleReference,
  invitedXuid: dora.xuid,
  inviteAttributes: { titleId: '1' },
} as const;
const transfer = { type: 'transfer', reference: sampleReference, origin: sampleReference } as const;
const facts = handleFacts();

/** One way to each refusal of the domain core. */
const given: Partial<Record<RefusalCode, () => unknown>> = {
  requestInvalid: () => decide(session, { unknown: 1 }),
  nameInvalid: () => parseSessionReference({ ...sampleReference, name: 'a/b' }),
  serviceConfigUnknown: () => mayUseServiceConfig(new Map(), sampleReference.scid, ada),
  serviceConfigForbidden: () =>
    mayUseServiceConfig(
      new Map([[sampleReference.scid.toLowerCase(), sampleConfig]]),
      sampleReference.scid,
      {
        ...ada,
        titleId: '1',
      },
    ),
  templateUnknown: () => findTemplate(sampleConfig, 'other'),
  sessionExists: () => decide(session, {}, { ifNoneMatch: '*' }),
  sessionMissing: () => decide(undefined, {}, { ifMatch: '*' }),
  sessionGone: () => decide(undefined, {}, { onlyExisting: true }),
  etagDiffers: () => decide(session, {}, { ifMatch: '"stale"' }),
  etagWeak: () => decide(session, {}, { ifMatch: 'W/"stale"' }),
  privilegeMissing: () => decide(session, me(), { by: { ...dora, privileges: [] } }),
  userRequired: () => decide(session, me(), { by: referee }),
  serviceRequired: () => decide(session, { servers: { s: {} } }),
  notAnInitiator: () =>
    decide(undefined, me(), { template: sampleTemplate({ initiators: ['1'] }) }),
  constantsConflict: () => decide(session, { constants: { system: { maxMembersCount: 1 } } }),
  sessionPrivate: () => decide(hidden, me(), { by: dora }),
  reservationNeeded: () =>
    decide(sessionOf([ada], { template: sampleTemplate({ visibility: 'visible' }) }), me(), {
      by: dora,
    }),
  sessionFull: () =>
    decide(sessionOf([ada], { template: sampleTemplate({ maxMembersCount: 1 }) }), me(), {
      by: dora,
    }),
  sessionClosed: () => decide(write(session, system({ closed: true })), me(), { by: dora }),
  joinRestricted: () =>
    decide(write(session, system({ joinRestriction: 'local' })), me(), { by: dora }),
  readRestricted: () =>
    mayRead(write(session, system({ joinRestriction: 'local', readRestriction: 'local' })), dora, {
      granted: false,
      followed: false,
      blockedByOwner: false,
    }),
  blockedByOwner: () => decide(owned, me(), { by: dora, blockedByOwner: true }),
  ownerRequired: () => decide(owned, { members: { 0: null } }, { by: bert }),
  roleFull: () =>
    decide(withMedic, { members: { me: { roles: { squad: 'medic' } } } }, { by: bert }),
  roleSettingsFixed: () =>
    decide(owned, { roleTypes: { squad: { roles: { medic: { max: 2 } } } } }),
  notAMember: () => decide(session, {}, { by: dora }),
  reservedOnly: () => decide(reserved, {}, { by: bert }),
  memberNotYours: () => decide(session, { members: { 7: null } }),
  notInLargeSession: () => decide(large, reserve(bert)),
  connectionRequired: () => decide(undefined, me(), { template: connected }),
  initializationMembersNeeded: () =>
    decide(undefined, me(), { template: sampleTemplate({ memberInitialization: {} }) }),
  initializationNotEvaluating: () => decide(session, system({ initializationSucceeded: true })),
  handleNotYours: () => {
    const made = createInvite(invite, sampleReference, session, ada, false, facts);
    return made instanceof Refusal ? made : mayDeleteHandle(made.handle, dora);
  },
  tooManyInvites: () =>
    createInvite(invite, sampleReference, session, ada, false, { ...facts, invitesLeft: 0 }),
  tooManyHandles: () =>
    createTransfer(transfer, { ...session, transfersCount: 1_000 }, session, ada, facts),
  tooManySessions: () => decide(session, me(), { by: dora, sessionsLeft: 0 }),
  inviteBlocked: () => createInvite(invite, sampleReference, session, ada, true, facts),
  transferTargetMissing: () => createTransfer(transfer, undefined, session, ada, facts),
  notSearchable: () =>
    createSearch(
      { type: 'search', reference: sampleReference, searchAttributes: {} },
      session,
      ada,
      facts,
    ),
  notActive: () =>
    createActivity(
      { type: 'activity', reference: sampleReference },
      sampleReference,
      session,
      ada,
      true,
      facts,
    ),
  searchAttributesTooLarge: () =>
    createSearch(
      { type: 'search', reference: sampleReference, searchAttributes: { tags: ['a'] } },
      sessionOf([ada], { template: sampleTemplate({ capabilities: { searchable: true } }) }),
      ada,
      { ...facts, searchAttributesBytesMax: 10 },
    ),
  filterInvalid: () => parseFilter('numbers/x'),
};

/** Refusals of others. */
const givenElsewhere: readonly RefusalCode[] = [
  'hopperUnknown',
  'ticketUnknown',
  'ticketTooLarge',
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
  'handleUnknown',
  'handleIdTaken',
  'queryNotYours',
  'listNotYours',
  'listFull',
  'personUnknown',
  'userNotYours',
  'gamertagUnknown',
  'titleRequired',
  'activityNotYours',
  'serviceAbsent',
  'connectionUnknown',
  'documentTooLarge',
  'memberTooLarge',
  'tooManyItems',
  'tooManyMembers',
  'tooManyRoles',
  'tooManyConnections',
  'connectionsFull',
  'tooBusy',
];

for (const [code, provoke] of Object.entries(given)) {
  test(`${code} is given, with a sentence to act on`, () => {
    const refusal = asRefusal(provoke());
    assert.equal(refusal.code, code);
    assert.match(refusal.text, /^.{20,}\.$/s);
    assert.doesNotMatch(refusal.text, /undefined|\[object|NaN/);
  });
}

test('every code is given here or elsewhere, and none of them twice', () => {
  assert.deepEqual([...Object.keys(given), ...givenElsewhere].sort(), [...refusalCodes].sort());
});

test('a refusal shown with a session says the same as without', () => {
  const refusal = new Refusal('notAMember', 'No.', { detail: 'x' });
  const shown = new RefusalWithSession(refusal, session);
  assert.deepEqual(
    [shown.code, shown.text, shown.detail, shown.session],
    ['notAMember', 'No.', 'x', session],
  );
  const plain = new RefusalWithSession(new Refusal('notAMember', 'No.'), session);
  assert.equal(plain.detail, undefined);
});
