import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  bert,
  cleo,
  dora,
  handleFacts,
  notRefused,
  referee,
  reserve,
  sampleReference,
  sampleTemplate,
  sampleTitleId,
  sessionOf,
  system,
  write,
} from '../../testing/samples.ts';
import type { Caller } from '../caller.ts';
import type { JsonObject } from '../json.ts';
import type { Session } from '../session/session.ts';
import { activityIdOf } from './activity-id.ts';
import { createActivity, createInvite, createTransfer } from './create.ts';
import type { ActivityHandle, Handle } from './handle.ts';
import { viewActivityResult, viewHandle } from './view.ts';

const reference = sampleReference;
const sessionRef = { ...reference };
const facts = handleFacts();
const id = facts.freshGuid;
const createTime = '2016-09-20T20:50:00.5180000Z';
const gameTypes = { 'uwp-desktop': { titleId: sampleTitleId, pfn: 'game_8wekyb3d8bbwe' } };
const template = sampleTemplate({ inviteProtocol: 'game', maxMembersCount: 8 });
const session = sessionOf([ada, bert], { template });

function activityOn(on: Session, by: Caller = ada): ActivityHandle {
  const made = createActivity({ type: 'activity', reference }, reference, on, by, false, facts);
  return notRefused(made).handle as ActivityHandle;
}

function inviteBy(by: Caller): Handle {
  const inviteAttributes = { titleId: sampleTitleId, context: 'c' };
  const request = { type: 'invite', reference, invitedXuid: dora.xuid, inviteAttributes } as const;
  return notRefused(createInvite(request, reference, session, by, false, facts)).handle;
}

const common = { id, version: 1, sessionRef };

const documents: readonly (readonly [what: string, handle: Handle, document: JsonObject])[] = [
  [
    'an activity, as recorded',
    activityOn(session),
    {
      ...common,
      id: activityIdOf(ada.xuid, id),
      type: 'activity',
      titleId: sampleTitleId,
      ownerXuid: ada.xuid,
      inviteProtocol: 'game',
      gameTypes,
      createTime,
    },
  ],
  [
    'an activity of a title that is not configured, in a session that says little',
    activityOn(sessionOf([{ ...ada, titleId: '7' }]), { ...ada, titleId: '7' }),
    {
      ...common,
      id: activityIdOf(ada.xuid, id),
      type: 'activity',
      titleId: '7',
      ownerXuid: ada.xuid,
      createTime,
    },
  ],
  [
    'an invite by a user',
    inviteBy(ada),
    {
      ...common,
      type: 'invite',
      senderXuid: ada.xuid,
      invitedXuid: dora.xuid,
      inviteAttributes: { titleId: sampleTitleId, context: 'c' },
      expiration: '2016-09-21T20:50:00.5180000Z',
      inviteProtocol: 'game',
      gameTypes,
      createTime,
    },
  ],
  [
    'an invite by a service',
    inviteBy(referee),
    {
      ...common,
      type: 'invite',
      invitedXuid: dora.xuid,
      inviteAttributes: { titleId: sampleTitleId, context: 'c' },
      expiration: '2016-09-21T20:50:00.5180000Z',
      inviteProtocol: 'game',
      gameTypes,
      createTime,
    },
  ],
  [
    'a transfer, as recorded: without title, owner and time',
    notRefused(
      createTransfer(
        { type: 'transfer', reference, origin: { ...reference, name: 'lobby' } },
        session,
        session,
        ada,
        facts,
      ),
    ).handle,
    { ...common, type: 'transfer', originSessionRef: { ...sessionRef, name: 'lobby' } },
  ],
];

for (const [what, handle, document] of documents) {
  test(`${what}`, () => assert.deepEqual(viewHandle(handle), document));
}

test('what only the directory needs to know of a handle is not shown', () => {
  const request = { type: 'activity', reference, id: activityIdOf(ada.xuid, id) } as const;
  const made = createActivity(
    request,
    reference,
    session,
    ada,
    false,
    handleFacts({ freshGuid: 'r' }),
  );
  const { handle } = notRefused(made);
  assert.equal(handle.requestId, 'r');
  assert.deepEqual(viewHandle(handle), viewHandle(activityOn(session)));
});

const include = { relatedInfo: true, roleInfo: false, customProperties: true };

test('a result of a query is the handle with what was asked for', () => {
  const handle = activityOn(session);
  const plain = { relatedInfo: false, roleInfo: false, customProperties: false };
  assert.deepEqual(viewActivityResult(handle, session, plain, true), viewHandle(handle));
  assert.deepEqual(viewActivityResult(handle, session, include, true), {
    ...viewHandle(handle),
    relatedInfo: {
      visibility: 'open',
      joinRestriction: 'none',
      closed: false,
      maxMembersCount: 8,
      membersCount: 2,
      inviteProtocol: 'game',
      postedTime: createTime,
    },
    customProperties: {},
  });
});

// @source docs/wire/unknowns.md "membersCount counts reservations"
test('related info follows the session: restrictions in force, closed, seats that are taken', () => {
  const styled = sampleTemplate({ capabilities: { userAuthorizationStyle: true } });
  const begun = sessionOf([ada], { template: styled });
  const now = write(begun, {
    ...system({ closed: true }),
    ...reserve(cleo),
    properties: { system: { closed: true }, custom: { map: 'atoll' } },
  });
  const result = viewActivityResult(activityOn(now), now, include, true);
  assert.deepEqual(result['relatedInfo'], {
    visibility: 'open',
    joinRestriction: 'local',
    closed: true,
    maxMembersCount: 100,
    membersCount: 2,
    postedTime: createTime,
  });
  assert.deepEqual(result['customProperties'], { map: 'atoll' });
});
