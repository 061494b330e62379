/** Invites that arrive. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { isAimed, type KitAnswer, type KitUser, startKit } from '../../src/testing/kit.ts';
import { guidPattern, needsClock } from './answers.ts';

const options = { timeout: 300_000 };

function notifyUri({ xuid }: KitUser): string {
  return `https://notify.xboxlive.com/users/xuid(${xuid})/deviceId/current/titleId/1234567890`;
}

function invite(
  from: KitUser,
  to: KitUser,
  reference: SessionReference,
  more = {},
): Promise<KitAnswer> {
  return from.postHandle({
    version: 1,
    type: 'invite',
    sessionRef: { ...reference },
    invitedXuid: to.xuid,
    inviteAttributes: { titleId: '1234567890', context: 'x' },
    ...more,
  });
}

/** @source docs/wire/rta.md "Invites" */
test('an invite is sent at once, with all that clients need', options, async () => {
  await using kit = await startKit();
  const [ada, ben] = kit.users('ada', 'ben');
  const reference = kit.reference();
  await ada.join(reference);
  await using line = await ben.connect();
  await using other = await ben.connect();
  assert.deepEqual(await line.subscribe(notifyUri(ben), 3), [1, 3, 0, 0, null]);
  await other.subscribe();
  const { json } = await invite(ada, ben, reference);
  assert.deepEqual(await line.nextFrame(), [
    3,
    0,
    {
      inviteHandle: {
        id: json['id'],
        type: 'invite',
        version: 1,
        invitedXuid: ben.xuid,
        senderXuid: ada.xuid,
        inviteProtocol: 'game',
        expiration: json['expiration'],
        sessionRef: { ...reference },
        inviteAttributes: { titleId: '1234567890', context: 'x' },
        inviteInfo: {
          sender: 'ada',
          senderModernGamertag: 'ada',
          senderModernGamertagSuffix: '',
          senderUniqueModernGamertag: 'ada',
          senderImageUrl: '',
        },
      },
    },
  ]);
  assert.deepEqual(await other.framesSoFar(), [], 'who did not ask receives nothing');
});

/** @source docs/wire/rta.md "Invites", docs/wire/unknowns.md "invites of other titles" */
test(
  'what came while nobody listened is sent on subscribing, once a connection',
  options,
  async () => {
    await using kit = await startKit();
    const [ada, ben] = kit.users('ada', 'ben');
    const reference = kit.reference();
    await ada.join(reference);
    const sent = [await invite(ada, ben, reference), await invite(ada, ben, reference)];
    for (let life = 0; life < 2; life += 1) {
      await using line = await ben.connect();
      await line.subscribe(notifyUri(ben));
      const events = [await line.nextFrame(), await line.nextFrame()];
      assert.deepEqual(
        events.map(([, id, data]) => [
          id,
          (data as { inviteHandle: { id: string } }).inviteHandle.id,
        ]),
        sent.map(({ json }) => [0, json['id']]),
      );
      await line.subscribe(notifyUri(ben));
      assert.deepEqual(await line.framesSoFar(), []);
    }
  },
);

/** @source docs/wire/handles.md "POST /handles", docs/wire/rta.md "Invites" */
test(
  'a POST repeated with its id invites once; an invite that was taken back is not sent',
  options,
  async () => {
    await using kit = await startKit();
    const [ada, ben] = kit.users('ada', 'ben');
    const reference = kit.reference();
    await ada.join(reference);
    await using line = await ben.connect();
    await line.subscribe(notifyUri(ben));
    const id = '47ca0049-a5ba-4bc1-aa22-fcf834ce4c13'.replace('47ca0049', ben.xuid.slice(-8));
    await invite(ada, ben, reference, { id });
    await invite(ada, ben, reference, { id });
    assert.equal((await line.framesSoFar()).length, 1);
    await ada.request('DELETE', `/handles/${id}`);
    await using later = await ben.connect();
    await later.subscribe(notifyUri(ben));
    assert.deepEqual(await later.framesSoFar(), []);
  },
);

/** @source docs/wire/handles.md "POST /handles", docs/wire/rta.md "Invites" */
test('an invite that has expired is not sent', {
  ...options,
  skip: isAimed && needsClock,
}, async () => {
  await using kit = await startKit();
  const [ada, ben] = kit.users('ada', 'ben');
  const reference = kit.reference();
  await ada.join(reference);
  await invite(ada, ben, reference);
  kit.advanceWithoutSweep(86_400_000);
  await using line = await ben.connect();
  await line.subscribe(notifyUri(ben));
  assert.deepEqual(await line.framesSoFar(), []);
});

/** @source docs/wire/unknowns.md "invites of services and of templates without a protocol" */
test(
  'an invite of a service, without an invite protocol, has every field all the same',
  options,
  async () => {
    await using kit = await startKit();
    const ben = kit.user('ben');
    await using line = await ben.connect();
    await line.subscribe(notifyUri(ben));
    await invite(kit.service('lobby-service'), ben, kit.reference('blank'));
    const [, , data] = await line.nextFrame();
    const { inviteHandle } = data as {
      inviteHandle: { senderXuid: string; inviteProtocol: string; inviteInfo: { sender: string } };
    };
    assert.equal(inviteHandle.senderXuid, '0');
    assert.equal(inviteHandle.inviteProtocol, '');
    assert.equal(inviteHandle.inviteInfo.sender, 'lobby-service');
  },
);

/** @source docs/wire/rta.md "Invites" */
test('notification endpoints are taken and given up', options, async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const body = {
    systemId: '0a0b0c0d-0000-4000-8000-00000000000f',
    endpointUri: notifyUri(ada),
    platform: 'Win32',
    transport: 'RTA',
    locale: 'en-US',
    titleId: '1234567890',
    filters: [{ action: 'Include', source: 1, type: 8 }],
  };
  const headers = { 'x-xbl-contract-version': '1' };
  const path = '/system/notifications/endpoints';
  const { status, json } = await ada.request('POST', path, { headers, body });
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(json), ['endpointId']);
  assert.match(String(json['endpointId']), guidPattern);
  const removed = await ada.request('DELETE', `${path}/${json['endpointId']}`, { headers });
  assert.equal(removed.status, 204);
  assert.equal((await kit.request('POST', path, { body })).status, 401);
});
