/** Writes to the server at this URL what the tests of upgrades look for. */

const [url] = process.argv.slice(2);
const scid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';

const titlePath = '/titles/1234567890/users/1001/activities';

/** As the admin, of a server with MPSD_ADMIN_TOKEN=the-token-of-the-operator, where `xuid` is none. */
async function call(
  xuid: string | undefined,
  method: string,
  path: string,
  body?: object,
): Promise<void> {
  const authorization =
    xuid === undefined
      ? 'Bearer the-token-of-the-operator'
      : `XBL3.0 x=-;xuid=${xuid}&gtg=G${xuid}`;
  const response = await fetch(url + path, {
    method,
    headers: {
      Authorization: authorization,
      'X-Xbl-Contract-Version': '107',
      'Content-Type': 'application/json',
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  process.stdout.write(`${response.status} ${method} ${path}\n`);
}

const pathOf = (templateName: string, name: string): string =>
  `/serviceconfigs/${scid}/sessionTemplates/${templateName}/sessions/${name}`;
const refOf = (templateName: string, name: string): object => ({ scid, templateName, name });
const members = { me: { properties: { system: { active: true }, custom: { big: 1 } } } };
const one = refOf('deathmatch', 'one');

await call('1001', 'PUT', pathOf('deathmatch', 'one'), {
  constants: { system: { inviteProtocol: 'game' } },
  properties: { custom: { map: 'atoll' } },
  members,
});
await call('1002', 'PUT', pathOf('deathmatch', 'one'), { members });
await call('1001', 'PUT', pathOf('deathmatch', 'two'), { members });
for (const xuid of ['1001', '1002']) {
  await call(xuid, 'POST', '/handles', { version: 1, type: 'activity', sessionRef: one });
}
await call('1001', 'POST', '/handles', {
  id: '47ca0049-a5ba-4bc1-aa22-fcf834ce4c13',
  version: 1,
  type: 'invite',
  sessionRef: one,
  inviteAttributes: { titleId: 1234567890 },
  invitedXuid: '1003',
});
await call('1001', 'PUT', pathOf('lfg', 'free'), { members });
await call('1001', 'POST', '/handles', {
  version: 1,
  type: 'search',
  sessionRef: refOf('lfg', 'free'),
  searchAttributes: { tags: ['fun'], strings: { mode: 'coop' }, numbers: { level: 7 } },
});
for (const xuid of ['1001', '1002', '1003']) {
  await call(xuid, 'PUT', pathOf('large', 'crowd'), { members });
}
for (const xuid of ['1002', '1003']) await call('1001', 'PUT', `/users/me/people/xuid(${xuid})`);
await call('1001', 'PUT', '/users/me/people/avoid', { xuid: '1009' });
await call('1001', 'PUT', titlePath, {
  connectionString: 'meet at the atoll',
  joinRestriction: 'public',
  sequenceNumber: 1,
});
await call(undefined, 'PUT', '/admin/users/1008/ban', { seconds: 3_600_000, reason: 'cheats' });
