import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  asRefusal,
  bert,
  cleo,
  dora,
  handleFacts,
  leave,
  me,
  notRefused,
  referee,
  reserve,
  sampleReference,
  sampleTemplate,
  sampleTitleId,
  sessionOf,
  startMs,
  system,
  write,
} from '../../testing/samples.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import type { Caller } from '../caller.ts';
import type { RefusalCode } from '../refusal.ts';
import { etagOf } from '../session/etag.ts';
import { memberOf, type Session } from '../session/session.ts';
import { viewSession } from '../session/view.ts';
import {
  createActivity,
  createInvite,
  createTransfer,
  isSameHandle,
  isSender,
  type HandleDecision,
} from './create.ts';
import { activityIdOf } from './activity-id.ts';
import type { Handle } from './handle.ts';
import type { HandleRequest } from './request.ts';

const reference = sampleReference;
const facts = handleFacts();
const id = facts.freshGuid;
const gameTypes = { 'uwp-desktop': { titleId: sampleTitleId, pfn: 'game_8wekyb3d8bbwe' } };
const template = sampleTemplate({ inviteProtocol: 'game', inactiveRemovalTimeout: 60_000 });

/** Ada is active in it, Bert inactive, a seat is reserved for Cleo. */
const session = write(write(sessionOf([ada], { template }), me({}), { by: bert }), reserve(cleo));

const activity = { type: 'activity', reference } as const;
const invite = {
  type: 'invite',
  reference,
  invitedXuid: dora.xuid,
  inviteAttributes: { titleId: sampleTitleId, contextString: '///id' },
} as const;
const lobby = { ...reference, name: 'lobby' };
const transfer = { type: 'transfer', reference, origin: lobby } as const;

test('an activity names its owner, title and session, and counts as a change of it', () => {
  const decision = notRefused(createActivity(activity, reference, session, ada, false, facts));
  assert.deepEqual(decision.handle, {
    type: 'activity',
    id: activityIdOf(ada.xuid, id),
    version: 1,
    reference,
    createTimeMs: startMs,
    ownerXuid: ada.xuid,
    titleId: sampleTitleId,
    inviteProtocol: 'game',
    gameTypes,
    branch: session.branch,
  });
  assert.ok(decision.session);
  assert.equal(decision.session.changeNumber, session.changeNumber + 1);
  assert.notEqual(etagOf(decision.session), etagOf(session));
  assert.equal(memberOf(decision.session, ada.xuid)?.activityHandleId, decision.handle.id);
  // Clients see the same document with another number.
  assert.deepEqual(
    { ...viewSession(decision.session, 107), changeNumber: session.changeNumber },
    viewSession(session, 107),
  );
});

test('a later activity takes the place of the one before, also under a given id', () => {
  const first = notRefused(createActivity(activity, reference, session, ada, false, facts)).session;
  const given = '47ca0049-a5ba-4bc1-aa22-fcf834ce4c13';
  const second = notRefused(
    createActivity({ ...activity, id: given }, reference, first, ada, false, facts),
  );
  assert.equal(second.handle.id, given);
  assert.equal(second.session && memberOf(second.session, ada.xuid)?.activityHandleId, given);
  assert.equal(second.session?.changeNumber, session.changeNumber + 2);
});

test('an activity without a name stands for itself until there is a session', () => {
  const { name, ...open } = reference;
  const request = { type: 'activity', reference: open } as const;
  const decision = notRefused(createActivity(request, reference, undefined, ada, false, facts));
  assert.equal(decision.session, undefined);
  assert.deepEqual(decision.handle.reference, reference);
  assert.ok(decision.handle.type === 'activity' && !Object.hasOwn(decision.handle, 'branch'));
  assert.equal(decision.handle.inviteProtocol, undefined);
  const protocol = handleFacts({ template });
  const configured = notRefused(
    createActivity(request, reference, undefined, ada, false, protocol),
  ).handle;
  assert.equal(configured.type === 'activity' && configured.inviteProtocol, 'game');
});

test('what token and configuration do not say is not in a handle', () => {
  const { titleId, ...untitled } = ada;
  const plain = sessionOf([untitled]);
  const { handle } = notRefused(createActivity(activity, reference, plain, untitled, false, facts));
  for (const key of ['titleId', 'inviteProtocol', 'gameTypes'])
    assert.ok(!Object.hasOwn(handle, key), key);
  const other = notRefused(
    createActivity(activity, reference, session, { ...ada, titleId: '99' }, false, facts),
  );
  assert.ok(!Object.hasOwn(other.handle, 'gameTypes'));
});

test('an invite names sender and invited user, expires, and leaves the session alone', () => {
  const decision = notRefused(createInvite(invite, reference, session, ada, false, facts));
  assert.deepEqual(decision, {
    handle: {
      type: 'invite',
      id,
      version: 1,
      reference,
      createTimeMs: startMs,
      sender: { kind: 'user', xuid: ada.xuid },
      senderGamertag: 'Ada',
      invitedXuid: dora.xuid,
      inviteAttributes: { titleId: sampleTitleId, contextString: '///id' },
      expirationMs: startMs + 86_400_000,
      branch: session.branch,
      inviteProtocol: 'game',
      gameTypes,
    },
  });
});

test('the game types of an invite are those of the title that is invited to', () => {
  const request = { ...invite, inviteAttributes: { titleId: '99' } };
  const { handle } = notRefused(createInvite(request, reference, session, ada, false, facts));
  assert.ok(!Object.hasOwn(handle, 'gameTypes'));
});

test('full, closed and private sessions may be invited to', () => {
  const constants = { maxMembersCount: 1, visibility: 'private' };
  const shut = write(
    sessionOf([ada], { template: sampleTemplate(constants) }),
    system({ closed: true }),
  );
  notRefused(createInvite(invite, reference, shut, ada, false, facts));
});

test('a service invites without being in a session, even to one that is not there', () => {
  for (const target of [session, undefined]) {
    const { handle } = notRefused(createInvite(invite, reference, target, referee, false, facts));
    assert.deepEqual(handle.type === 'invite' && handle.sender, {
      kind: 'service',
      name: 'referee',
    });
  }
});

// Kills: a limit for services; one that is applied one too late.
test('a user sends as many invites as are left, a service any number', () => {
  for (const [by, invitesLeft, code] of [
    [ada, 1, undefined],
    [ada, 0, 'tooManyInvites'],
    [referee, 0, undefined],
  ] as const) {
    const made = createInvite(invite, reference, session, by, false, { ...facts, invitesLeft });
    assert.equal(made instanceof Refusal ? made.code : undefined, code);
  }
});

const origin = sessionOf([ada, bert], { reference: lobby });

// Kills: transfers that are not counted, or counted from 1.
test('to one life of a session so many transfers are made and no more', () => {
  const nearly = { ...session, transfersCount: limits.transfersPerSessionMax - 1 };
  const last = notRefused(createTransfer(transfer, nearly, origin, ada, facts)).session;
  assert.equal(last?.transfersCount, limits.transfersPerSessionMax);
  const one = createTransfer(transfer, last, origin, ada, facts);
  assert.equal(asRefusal(one).code, 'tooManyHandles');
});

test('a transfer names both sessions and counts as a change of its target', () => {
  const decision = notRefused(createTransfer(transfer, session, origin, ada, facts));
  assert.deepEqual(decision.handle, {
    type: 'transfer',
    id,
    version: 1,
    reference,
    origin: lobby,
    createTimeMs: startMs,
    branch: session.branch,
    originBranch: origin.branch,
    creatorXuid: ada.xuid,
  });
  const changeNumber = session.changeNumber + 1;
  assert.deepEqual(decision.session, { ...session, changeNumber, transfersCount: 1 });
});

test('an activity is of a member who is active, and whose connection has not ended', () => {
  const ready = write(session, me({ ready: true }), { by: bert });
  for (const [on, by, isDisconnected] of [
    [session, bert, false],
    [ready, bert, false],
    [session, ada, true],
  ] as const) {
    const made = createActivity(activity, reference, on, by, isDisconnected, facts);
    asRefusal(made, 'notActive');
  }
});

test('nobody invites oneself, a service whom it likes', () => {
  const toAda = { ...invite, invitedXuid: ada.xuid };
  const refusal = asRefusal(
    createInvite(toAda, reference, session, ada, false, facts),
    'requestInvalid',
  );
  assert.equal(refusal.detail, '$.invitedXuid');
  notRefused(createInvite(toAda, reference, session, referee, false, facts));
});

test('an invite without attributes names the title of its sender, where the token has one', () => {
  const { inviteAttributes: _none, ...plain } = invite;
  const made = notRefused(createInvite(plain, reference, session, ada, false, facts)).handle;
  assert.deepEqual(made.type === 'invite' && made.inviteAttributes, { titleId: sampleTitleId });
  assert.ok(isSameHandle(made, plain, ada), 'a repeated one is the same');
  const byService = notRefused(createInvite(plain, reference, session, referee, false, facts));
  assert.deepEqual('inviteAttributes' in byService.handle && byService.handle.inviteAttributes, {});
});

test('an inactive member may make an invite and a transfer', () => {
  notRefused(createInvite(invite, reference, session, bert, false, facts));
  notRefused(createTransfer(transfer, session, origin, bert, facts));
});

const byActivity = (by: Caller, on: Session | undefined = session): unknown =>
  createActivity(activity, reference, on, by, false, facts);
const byInvite = (by: Caller, on: Session | undefined = session, isBlocked = false): unknown =>
  createInvite(invite, reference, on, by, isBlocked, facts);
const gone = undefined;

const refused: readonly (readonly [
  what: string,
  made: () => unknown,
  code: RefusalCode,
  detail?: string,
])[] = [
  ['an activity of a stranger', () => byActivity(dora), 'notAMember', 'Session-49'],
  ['an activity of a reserved user', () => byActivity(cleo), 'notAMember', 'Session-49'],
  [
    'an activity on no session',
    () => createActivity(activity, reference, gone, ada, false, facts),
    'notAMember',
    'Session-49',
  ],
  ['an activity of a service', () => byActivity(referee), 'userRequired'],
  ['an invite by a stranger', () => byInvite(dora), 'notAMember', 'Session-49'],
  ['an invite by a reserved user', () => byInvite(cleo), 'notAMember', 'Session-49'],
  [
    'an invite to no session',
    () => createInvite(invite, reference, gone, ada, false, facts),
    'notAMember',
    'Session-49',
  ],
  [
    'an invite of somebody who blocked the sender',
    () => byInvite(ada, session, true),
    'inviteBlocked',
    `xuid ${dora.xuid}`,
  ],
  [
    'a blocked invite by a stranger',
    () => byInvite(dora, session, true),
    'notAMember',
    'Session-49',
  ],
  [
    'a transfer to no session',
    () => createTransfer(transfer, gone, origin, ada, facts),
    'transferTargetMissing',
    '$.sessionRef',
  ],
  [
    'a transfer from no session',
    () => createTransfer(transfer, session, gone, ada, facts),
    'notAMember',
    'lobby',
  ],
  [
    'a transfer by a stranger to the target',
    () => createTransfer(transfer, sessionOf([bert]), origin, ada, facts),
    'notAMember',
    'Session-49',
  ],
  [
    'a transfer by a stranger to the origin',
    () => createTransfer(transfer, session, sessionOf([bert]), ada, facts),
    'notAMember',
    'lobby',
  ],
  [
    'a transfer by a reserved user',
    () => createTransfer(transfer, session, sessionOf([cleo]), cleo, facts),
    'notAMember',
    'Session-49',
  ],
  [
    'a transfer by a service',
    () => createTransfer(transfer, session, origin, referee, facts),
    'userRequired',
  ],
];

for (const [what, made, code, detail] of refused) {
  test(`${what} is refused as ${code}`, () => {
    assert.equal(asRefusal(made(), code).detail, detail);
  });
}

const made = (decision: unknown): Handle => (notRefused(decision) as HandleDecision).handle;
const activityHandle = made(byActivity(ada));
const inviteHandle = made(byInvite(ada));
const serviceInvite = made(byInvite(referee));
const transferHandle = made(createTransfer(transfer, session, origin, ada, facts));
const { name, ...nameless } = reference;

/** Whether a repeated request with the same id asks for the existing handle. */
const repeated: readonly (readonly [
  what: string,
  existing: Handle,
  request: HandleRequest,
  by: Caller,
  same: boolean,
])[] = [
  ['an activity again', activityHandle, activity, ada, true],
  ['an activity by another user', activityHandle, activity, bert, false],
  ['an activity by a service', activityHandle, activity, referee, false],
  [
    'an activity in another case',
    activityHandle,
    { ...activity, reference: { ...reference, name: 'SESSION-49' } },
    ada,
    true,
  ],
  [
    'an activity without the name that was filled in',
    activityHandle,
    { ...activity, reference: nameless },
    ada,
    true,
  ],
  ['an activity on another session', activityHandle, { ...activity, reference: lobby }, ada, false],
  ['an invite in place of an activity', activityHandle, invite, ada, false],
  ['an invite again', inviteHandle, invite, ada, true],
  [
    'an invite again, its attributes in another order',
    inviteHandle,
    { ...invite, inviteAttributes: { contextString: '///id', titleId: sampleTitleId } },
    ada,
    true,
  ],
  ['an invite of somebody else', inviteHandle, { ...invite, invitedXuid: cleo.xuid }, ada, false],
  [
    'an invite with other attributes',
    inviteHandle,
    { ...invite, inviteAttributes: { titleId: sampleTitleId } },
    ada,
    false,
  ],
  ['an invite by another user', inviteHandle, invite, bert, false],
  ['an invite by a service', inviteHandle, invite, referee, false],
  ["a service's invite again", serviceInvite, invite, referee, true],
  [
    "a service's invite by another service",
    serviceInvite,
    invite,
    { ...referee, name: 'other' },
    false,
  ],
  ["a service's invite by a user", serviceInvite, invite, ada, false],
  ['a transfer again', transferHandle, transfer, ada, true],
  [
    'a transfer from another session',
    transferHandle,
    { ...transfer, origin: reference },
    ada,
    false,
  ],
  ['a transfer by another user', transferHandle, transfer, bert, false],
];

for (const [what, existing, request, by, same] of repeated) {
  test(`${what} is ${same ? 'the same handle' : 'another handle'}`, () => {
    assert.equal(isSameHandle(existing, request, by), same);
  });
}

test('a sender is known by xuid or by the name of the service', () => {
  assert.ok(inviteHandle.type === 'invite' && serviceInvite.type === 'invite');
  assert.deepEqual(
    [ada, bert, referee].map((by) => isSender(inviteHandle, by)),
    [true, false, false],
  );
  assert.deepEqual(
    [ada, bert, referee].map((by) => isSender(serviceInvite, by)),
    [false, false, true],
  );
});

test('an activity set by somebody who leaves is gone with the member', () => {
  const acting = notRefused(
    createActivity(activity, reference, session, ada, false, facts),
  ).session;
  const back = write(write(acting, leave), me());
  assert.equal(memberOf(back, ada.xuid)?.activityHandleId, undefined);
});
