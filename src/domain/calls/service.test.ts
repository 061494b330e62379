import assert from 'node:assert/strict';
import { test } from 'node:test';
import { xboxHosts } from '../../http/hosts.ts';
import { serviceOf } from './service.ts';

test('a host of Xbox Live names its service', () => {
  assert.equal(serviceOf('SessionDirectory.xboxlive.com', '/x'), 'sessiondirectory');
  assert.equal(serviceOf('user.auth.xboxlive.com:443', '/x'), 'user.auth');
});

test('under another host the path names the service, for every path of the table of hosts', () => {
  // Matchmaking has two names, and the login is nobody's call in a game.
  const isOther =
    /^(momatch|[a-z]+\.auth|sisu|title\.mgt|login)|^(userstats|leaderboards|notificationinbox|reputation|client-strings|titlestorage|titlehub|clubhub)\./;
  for (const [host, { paths }] of Object.entries(xboxHosts)) {
    if (isOther.test(host)) continue;
    for (const path of paths) {
      const whole = path.replace('/$', '').replaceAll('{}', '1001');
      // The people hub's paths are longer than the beginning in the table, and notifications' too.
      const asked = host.startsWith('peoplehub')
        ? `${whole}/social/decoration/detail`
        : host.startsWith('notify') || path === '/bulk/users' || path === '/activities'
          ? `${whole}/x`
          : whole;
      assert.equal(`${serviceOf('127.0.0.1:8350', asked)}.xboxlive.com`, host, asked);
    }
  }
  assert.equal(serviceOf('127.0.0.1', '/control/clock'), '');
});
