import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
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
  sessionOf,
  startMs,
  write,
} from '../../testing/samples.ts';
import type { Caller } from '../caller.ts';
import { applyTimeouts } from '../session/timeouts.ts';
import type { Session } from '../session/session.ts';
import { grants, mayDeleteHandle, mayReadHandle } from './access.ts';
import { confirmsActivity, confirmsTransfer, isPending } from './confirm.ts';
import { createActivity, createInvite, createTransfer } from './create.ts';
import type {
  ActivityHandle,
  Handle,
  InviteHandle,
  SearchHandle,
  TransferHandle,
} from './handle.ts';

const reference = sampleReference;
const lobby = { ...reference, name: 'lobby' };
const facts = handleFacts();
const template = sampleTemplate({
  inactiveRemovalTimeout: 60_000,
  readyRemovalTimeout: 1_000,
  sessionEmptyTimeout: 60_000,
});
const begun = sessionOf([ada, bert], { template });
const origin = sessionOf([ada, bert], { reference: lobby });

const { handle: made, session: set } = notRefused(
  createActivity({ type: 'activity', reference }, reference, begun, ada, false, facts),
);
assert.ok(set);
const acting: Session = set;
const activity = made as ActivityHandle;
const inviteBy = (by: Caller): InviteHandle => {
  const request = {
    type: 'invite',
    reference,
    invitedXuid: dora.xuid,
    inviteAttributes: { titleId: '1' },
  } as const;
  return notRefused(createInvite(request, reference, begun, by, false, facts))
    .handle as InviteHandle;
};
const invite = inviteBy(ada);
const serviceInvite = inviteBy(referee);
const transfer = notRefused(
  createTransfer({ type: 'transfer', reference, origin: lobby }, begun, origin, ada, facts),
).handle as TransferHandle;

const everybody = { ada, bert, dora, referee } as const;
type Name = keyof typeof everybody;

const rights: readonly (readonly [
  what: string,
  handle: ActivityHandle | InviteHandle | TransferHandle,
  readers: readonly Name[],
  deleters: readonly Name[],
])[] = [
  ["Ada's activity", activity, ['ada', 'bert', 'dora', 'referee'], ['ada']],
  ["Ada's invite of Dora", invite, ['ada', 'dora', 'referee'], ['ada']],
  ["the referee's invite of Dora", serviceInvite, ['dora', 'referee'], ['referee']],
  ["Ada's transfer", transfer, ['ada', 'bert', 'dora', 'referee'], ['ada']],
];

for (const [what, handle, readers, deleters] of rights) {
  for (const name of Object.keys(everybody) as Name[]) {
    const [reads, deletes] = [readers.includes(name), deleters.includes(name)];
    test(`${name} ${reads ? 'reads' : 'does not read'} and ${deletes ? 'deletes' : 'does not delete'} ${what}`, () => {
      assert.equal(
        mayReadHandle(handle, everybody[name])?.code,
        reads ? undefined : 'handleNotYours',
      );
      assert.equal(
        mayDeleteHandle(handle, everybody[name])?.code,
        deletes ? undefined : 'handleNotYours',
      );
    });
  }
}

test('a service of another name does not delete the invite of the first', () => {
  assert.equal(
    mayDeleteHandle(serviceInvite, { ...referee, name: 'other' })?.code,
    'handleNotYours',
  );
});

const secondLife = '17a13f76-0000-4000-8000-00000000000c';
const begunAgain: Session = { ...begun, branch: secondLife };
const originAgain = { ...origin, branch: secondLife };
const kickMs = startMs + 1;
const kickedOf = (xuid: string): Session => ({
  ...begun,
  kicks: [{ xuid, by: ada.xuid, atMs: kickMs }],
});
const early = notRefused(
  createInvite(
    { type: 'invite', reference, invitedXuid: dora.xuid, inviteAttributes: { titleId: '1' } },
    reference,
    undefined,
    referee,
    false,
    facts,
  ),
).handle as InviteHandle;
const search: SearchHandle = {
  type: 'search',
  id: 'a1b2c3d4-0000-4000-8000-000000000001',
  version: 1,
  reference,
  createTimeMs: startMs,
  creatorXuid: ada.xuid,
  searchAttributes: {},
};
const searchable = { ...begun, searchHandle: search };

const cleoReserved = write(origin, reserve(cleo));

/** Whether a handle opens its session to a user, with the current origin session. */
const openings: readonly (readonly [
  what: string,
  handle: Handle,
  by: Caller,
  origin: Session | undefined,
  opens: boolean,
  session?: Session | undefined,
])[] = [
  ['an activity to its owner', activity, ada, undefined, false],
  ['an activity to a stranger', activity, dora, undefined, false],
  ['an invite to the invited user', invite, dora, undefined, true],
  ['an invite to somebody else', invite, bert, undefined, false],
  ['an invite to its sender', invite, ada, undefined, false],
  ['an invite to a service', invite, referee, undefined, false],
  ['a transfer to a member of its origin', transfer, bert, origin, true],
  [
    'a transfer to an idle member of its origin',
    transfer,
    bert,
    write(origin, me({ active: false }), { by: bert }),
    true,
  ],
  [
    'a transfer to who has left its origin',
    transfer,
    bert,
    write(origin, leave, { by: bert }),
    false,
  ],
  ['a transfer to who has a mere reservation there', transfer, cleo, cleoReserved, false],
  ['a transfer to a stranger', transfer, dora, origin, false],
  ['a transfer whose origin has ended', transfer, bert, undefined, false],
  ['a transfer to a service', transfer, referee, origin, false],
  ['an invite in a later life of the session', invite, dora, undefined, false, begunAgain],
  ['an invite that a service sent before there was one', early, dora, undefined, true, begunAgain],
  ["a service's invite to a session that was there", serviceInvite, dora, undefined, true],
  ['the same in a later life', serviceInvite, dora, undefined, false, begunAgain],
  ['a transfer from a later life of its origin', transfer, bert, originAgain, false],
  ['a transfer into a later life of its target', transfer, bert, origin, false, begunAgain],
  ['a search handle to everybody', search, dora, undefined, true, searchable],
  ['a search handle that was replaced', search, dora, undefined, false, begun],
  ['an invite to whom an owner has kicked', invite, dora, undefined, false, kickedOf(dora.xuid)],
  ['an invite when somebody else was kicked', invite, dora, undefined, true, kickedOf(cleo.xuid)],
  [
    'an invite that was sent after the kick',
    { ...invite, createTimeMs: kickMs + 1 },
    dora,
    undefined,
    true,
    kickedOf(dora.xuid),
  ],
  ['a transfer to whom an owner has kicked', transfer, bert, origin, false, kickedOf(bert.xuid)],
  [
    'a search handle to whom an owner has kicked',
    search,
    dora,
    undefined,
    false,
    { ...kickedOf(dora.xuid), searchHandle: search },
  ],
];

for (const [what, handle, by, from, opens, session = begun] of openings) {
  test(`${what}: ${opens ? 'opens' : 'does not open'} the session`, () => {
    assert.equal(grants(handle, by, session, from), opens);
  });
}

const reborn = { ...acting, branch: '17a13f76-0000-4000-8000-00000000000b' };
const ready = write(acting, me({ ready: true }));
const promised: ActivityHandle = (({ branch, ...rest }) => rest)(activity);
const laterId = '47ca0049-a5ba-4bc1-aa22-fcf834ce4c13';
const replaced = notRefused(
  createActivity(
    { type: 'activity', reference, id: laterId },
    reference,
    acting,
    ada,
    false,
    facts,
  ),
).session;

/** Whether the changed session still confirms the activity. */
const confirmations: readonly (readonly [
  what: string,
  session: Session | undefined,
  handle: ActivityHandle,
  isPointedAt: boolean,
  confirmed: boolean,
])[] = [
  ['as it was set', acting, activity, true, true],
  ['when it is not the current one of its owner', acting, activity, false, false],
  ['when others changed the session', write(acting, leave, { by: bert }), activity, true, true],
  ['when its owner is ready', ready, activity, true, true],
  [
    'when its owner has become inactive',
    write(acting, me({ active: false })),
    activity,
    true,
    false,
  ],
  [
    'when its owner is active again',
    write(write(acting, me({ active: false })), me()),
    activity,
    true,
    false,
  ],
  [
    'when time has made its owner inactive',
    applyTimeouts(ready, startMs + 1_000),
    activity,
    true,
    false,
  ],
  ['when its owner has left', write(acting, leave), activity, true, false],
  [
    'when its owner has left and come back',
    write(write(acting, leave), me()),
    activity,
    true,
    false,
  ],
  ['when another one was set', replaced, activity, true, false],
  ['when the session has ended', undefined, activity, true, false],
  ['in a later life of the session', reborn, activity, true, false],
  ['set before there was a session, and there is none', undefined, promised, true, false],
  ['set before there was a session, its owner active in it', begun, promised, true, true],
  ['set before there was a session, its owner not in it', sessionOf([bert]), promised, true, false],
  [
    'set before there was a session, its owner idle in it',
    write(begun, me({ active: false })),
    promised,
    true,
    false,
  ],
  ['set before there was a session, not the current one', begun, promised, false, false],
];

for (const [what, session, handle, isPointedAt, confirmed] of confirmations) {
  test(`an activity ${what} is ${confirmed ? '' : 'not '}confirmed`, () => {
    assert.equal(confirmsActivity(session, handle, isPointedAt), confirmed);
  });
}

test('a transfer is confirmed while the life of its target goes on', () => {
  assert.equal(confirmsTransfer(begun, transfer), true);
  assert.equal(confirmsTransfer(write(begun, leave), transfer), true);
  assert.equal(confirmsTransfer(reborn, transfer), false);
  assert.equal(confirmsTransfer(undefined, transfer), false);
});

test('an invite is pending until the moment it expires', () => {
  assert.equal(isPending(invite, startMs), true);
  assert.equal(isPending(invite, startMs + 86_399_999), true);
  assert.equal(isPending(invite, startMs + 86_400_000), false);
});
