import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../domain/limits.ts';
import {
  formatEvent,
  formatNotSubscribed,
  formatSubscribed,
  formatTaps,
  parseFrame,
} from './protocol.ts';
import { parseResource } from './resource.ts';

test('frames are read, whatever follows what they need', () => {
  assert.deepEqual(parseFrame('[1,7,"a"]'), { kind: 'subscribe', sequence: 7, uri: 'a' });
  assert.deepEqual(parseFrame('[1, -1, "", null]\0'), { kind: 'subscribe', sequence: -1, uri: '' });
  assert.deepEqual(parseFrame('[2,7,0]'), { kind: 'unsubscribe', sequence: 7, subscriptionId: 0 });
});

test('what is wrong with a frame is said in what a close frame can hold', () => {
  for (const text of ['', '{}', '[0]', '[1]', '[1,1]', '[2,1]', '[1,1e300,"a"]']) {
    const why = parseFrame(text);
    assert.ok(typeof why === 'string' && /^Expected /.test(why), text);
    assert.ok(Buffer.byteLength(why) <= 123, why);
  }
});

test('frames are written as recorded', () => {
  assert.equal(formatSubscribed(1, 0, '{"ConnectionId":"x"}'), '[1,1,0,0,{"ConnectionId":"x"}]');
  assert.equal(formatNotSubscribed(1, 2, 'a "b"'), '[1,1,2,"a \\"b\\"",null]');
  assert.equal(
    formatEvent(3, formatTaps('n', ['{}', '{}'])),
    '[3,3,{"ncid":"n","shoulderTaps":[{},{}]}]',
  );
});

const resources: readonly (readonly [uri: string, kind: string | undefined])[] = [
  ['https://sessiondirectory.xboxlive.com/connections/', 'connections'],
  ['http://sessiondirectory.xboxlive.com/Connections', 'connections'],
  ['https://sessiondirectory.xboxlive.com/connections/x', undefined],
  ['https://sessiondirectory.xboxlive.com.example/connections/', undefined],
  ['http://social.xboxlive.com/users/xuid(1)/friends', 'friends'],
  ['https://social.xboxlive.com/users/xuid(1)/friends/', 'friends'],
  ['https://social.xboxlive.com/users/xuid(x)/friends', undefined],
  ['https://social.xboxlive.com/users/xuid(1)/friendsOf', undefined],
  ['https://notify.xboxlive.com/users/xuid(1)/deviceId/current/titleId/1', 'notify'],
  ['https://privacy.xboxlive.com/users/xuid(1)/mutelist', 'privacy'],
  ['https://privacy.xboxlive.com/users/xuid(1)/neverlist', 'privacy'],
  ['https://privacy.xboxlive.com/users/xuid(1)/whitelist', undefined],
  ['https://userpresence.xboxlive.com/users/xuid(1)/devices', 'presence'],
  ['https://userpresence.xboxlive.com/users/xuid(1)/titles/1234', 'presence'],
  ['https://userpresence.xboxlive.com/users/xuid(1)/titles/4294967296', undefined],
  ['https://userpresence.xboxlive.com/users/xuid(1)/richpresence', undefined],
  ['', undefined],
];

for (const [uri, kind] of resources) {
  test(`the resource "${uri}" is ${kind ?? 'none'}`, () => {
    assert.equal(parseResource(uri)?.kind, kind);
  });
}

/** CPU time of a hundred calls, in microseconds: the least of five. */
function cpuOf(work: () => void): number {
  const costs = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    for (let n = 0; n < 100; n += 1) work();
    const { user, system } = process.cpuUsage(before);
    return user + system;
  });
  return Math.min(...costs);
}

// Kills: a regular expression that starts again at each NUL, which took 10,000 times as long.
test('the worst frame costs no more than its size', () => {
  const uri = 'x'.repeat(limits.frameBytesMax - 10);
  const valid = cpuOf(() => parseFrame(`[1,0,"${uri}"]`));
  const worst = [
    `${'\0'.repeat(limits.frameBytesMax - 1)}x`,
    '\0'.repeat(limits.frameBytesMax),
    '['.repeat(limits.frameBytesMax),
    `[1,0,"https://notify.xboxlive.com/users/xuid(1)/deviceid/${'/titleid/'.repeat(1_700)}"]`,
  ];
  for (const text of worst) {
    const spent = cpuOf(() => parseFrame(text));
    assert.ok(spent <= 20 * Math.max(valid, 2_500), `${spent} µs against ${valid} µs`);
  }
  const notified = `https://notify.xboxlive.com/users/xuid(1)/deviceid/${'a/titleid/'.repeat(1_600)}`;
  assert.ok(cpuOf(() => parseResource(notified)) <= 20 * Math.max(valid, 2_500));
});
