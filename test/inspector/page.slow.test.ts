/** The inspector's page in a real browser, before a real server: one browser for all tests. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import type { JsonObject } from '../../src/domain/json.ts';
import type { InspectorInfo, SavedState } from '../../src/inspector/api-types.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { at, demoScid, Kit, type KitUser } from '../../src/testing/kit.ts';
import { freePort } from '../../src/testing/free-port.ts';
import { archiveOf, type ArchivedFile, file } from '../../src/testing/saz-archive.ts';
import { recordLobby } from './record-lobby.ts';
import { openPage, rebindName, skipWithoutBrowser, startBrowser } from './browser.ts';

const root = resolve(import.meta.dirname, '../..');
const skip =
  skipWithoutBrowser ||
  (!existsSync(join(root, 'dist/page/index.html')) && 'the page is not built (npm run build:page)');
const options = { skip, timeout: 300_000 };

/** Screenshots are for people: they are written where Git does not look. */
const shots = join(root, '.ci/tmp/inspector');

let server: RunningServer;
let kit: Kit;
let browser: Browser;

before(async () => {
  if (skip !== false) return;
  mkdirSync(shots, { recursive: true });
  server = await startServer({ port: 0, store: 'memory', tapWindowMs: 0, control: true });
  kit = new Kit(server.url, undefined);
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

const views = [
  ['sessions', 'Sessions'],
  ['users', 'Users'],
  ['requests', 'Requests'],
  ['hoppers', 'Hoppers'],
  ['certification', 'Certification'],
  ['control', 'Control'],
] as const;

/** Shows a page of the inspector and waits until it stands there and is live. */
async function show(page: Page, hash: string): Promise<void> {
  await page.goto(`${server.url}/${hash}`);
  await page.locator('.dot.live').first().waitFor({ state: 'attached' });
}

/** Every page, in light and dark, on a laptop and on a phone: nothing complains, nothing is cut. */
async function showAll(
  name: string,
  { wide, more = [] }: { readonly wide: 'light' | 'dark'; readonly more?: readonly string[] },
): Promise<void> {
  for (const [theme, width] of [
    [wide, 1_280],
    [wide === 'dark' ? 'light' : 'dark', 390],
  ] as const) {
    const { page, complaints } = await openPage(browser, { theme, width });
    for (const [path, title] of views) {
      await show(page, `#/${path}`);
      await page.getByRole('heading', { name: title, level: 1 }).waitFor();
      await expectNoOverflow(page);
      await page.screenshot({ path: join(shots, `${name}-${path}-${theme}-${width}.png`) });
    }
    for (const hash of more) {
      await show(page, hash);
      await page.locator('h1:visible').first().waitFor();
      await expectNoOverflow(page);
      const file = hash.replaceAll(/\W+/g, '-').slice(0, 60);
      await page.screenshot({ path: join(shots, `${name}${file}-${theme}-${width}.png`) });
    }
    assert.deepEqual(complaints, []);
    await page.context().close();
  }
}

async function expectNoOverflow(page: Page): Promise<void> {
  // A text: the tests are checked without the types of a browser.
  const [scroll = 0, client = 0] = await page.evaluate<number[]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  );
  assert.ok(scroll <= client, `${page.url()} is ${scroll} wide in a window of ${client}`);
}

test('every page stands without a session, and says how to get one', options, async () => {
  await showAll('none', { wide: 'dark' });
  const { page } = await openPage(browser);
  await show(page, '#/sessions');
  await page.getByText('No sessions yet').waitFor();
  await page.getByText(`openmpsd -- demo --url ${server.url}`).waitFor();
  await page.context().close();
});

test(
  'a session, its members and its document stand there, and change as others write',
  options,
  async () => {
    const [ada, ben] = [kit.user('ada'), kit.user('ben')];
    const reference = kit.reference('deathmatch');
    await ada.join(reference);
    const hash = `#/sessions/${demoScid}/${reference.templateName}/${reference.name}`;
    const { page, complaints } = await openPage(browser);
    await show(page, '#/sessions');
    const row = page.locator('.session-line', { hasText: reference.name });
    await row.getByText('1/16').waitFor();
    // Ben joins elsewhere, and the row says so by itself.
    await ben.join(reference);
    await row.getByText('2/16').waitFor();
    await row.click();
    await page.getByRole('heading', { name: reference.name, level: 1 }).waitFor();
    assert.equal(new URL(page.url()).hash, hash);
    // Kills: a name that is copied with a line break where its middle may be left out.
    const copied = `getSelection().selectAllChildren(document.querySelector('h1'));
      document.dispatchEvent(new Event('copy'));
      getSelection().toString()`;
    assert.equal(await page.evaluate(copied), reference.name);
    const members = page.getByRole('region', { name: 'Members' });
    await members.locator('.member').nth(1).waitFor();
    await ada.putSession(reference, {
      properties: { custom: { map: 'atoll', big: 7 } },
      members: { reserve_0: { constants: { system: { xuid: '4242' } } } },
    });
    await members.locator('.member.reserved').waitFor();
    const changed = page.locator('.json-row.lit[data-path="/properties/custom/map"]');
    await changed.getByText('"atoll"').waitFor();
    assert.deepEqual(complaints, []);
    await page.context().close();
    await showAll('one', { wide: 'light', more: [hash, `#/users/${ada.xuid}`] });
  },
);

test(
  'a refused request opens up, and its curl command is refused in the same way',
  options,
  async () => {
    const [ada, cleo] = [kit.user('ada'), kit.user('cleo')];
    const reference = kit.reference('deathmatch');
    await ada.join(reference);
    const { page, complaints } = await openPage(browser);
    await show(page, '#/requests');
    const refused = await cleo.putSession(reference, { properties: { custom: { quote: "it's" } } });
    assert.equal(refused.status, 403, refused.text);
    const line = page.locator('.log-line', { hasText: 'notAMember' });
    await line.click();
    const why = page.getByRole('region', { name: 'Why it was refused' });
    await why.getByRole('heading', { name: 'notAMember' }).waitFor();
    await why.getByText('members.me').waitFor();
    await why.getByRole('heading', { name: 'What would be accepted' }).waitFor();
    await why.getByText(`ada (${ada.xuid})`).waitFor();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const value = page.getByRole('button', { name: '"it\'s"' });
    await value.click();
    await value.locator('.icon').waitFor();
    assert.equal(await page.evaluate<string>('navigator.clipboard.readText()'), "it's");
    await page.getByRole('button', { name: 'Copy as a curl command' }).click();
    let command = '';
    while (!command.startsWith('curl')) {
      command = await page.evaluate<string>('navigator.clipboard.readText()');
    }
    const { stdout } = await promisify(execFile)('sh', ['-c', `${command} -s`]);
    assert.match(stdout, /^HTTP\/1\.1 403/);
    assert.match(stdout, /x-mpsd-refusal: notAMember/i);
    // Sent again by the page, it is another request that is refused in the same way.
    const former = new URL(page.url()).hash;
    await page.getByRole('button', { name: 'Send again as cleo' }).click();
    await page.waitForURL((url) => url.hash !== former && url.hash.includes('open='));
    await why.getByRole('heading', { name: 'notAMember' }).waitFor();
    await page.locator('.notice').waitFor({ state: 'detached' });
    // The log says why at one glance, and shows it over time; a session leads to its own requests.
    await page.keyboard.press('Escape');
    await line.first().getByText('members.me').waitFor();
    await page.locator('.strip-bars .refused').first().waitFor({ state: 'attached' });
    await ada.putSession(reference, { properties: { custom: { map: 'atoll' } } });
    await ada.join(kit.reference('deathmatch'));
    await show(page, `#/sessions/${demoScid}/${reference.templateName}/${reference.name}`);
    assert.equal(await page.title(), `${reference.name} · OpenMPSD`);
    await page.getByRole('link', { name: 'Its requests' }).click();
    const own = page.locator('.log-line', { hasText: '200' });
    await own.waitFor();
    const others = page.locator('.log-line').filter({ hasNotText: reference.name });
    assert.equal(await others.count(), 0);
    // And a request leads to what it changed, and back.
    await own.click();
    await page.getByRole('link', { name: 'What it changed' }).click();
    await page.locator('.banner.amber').getByText('#2').waitFor();
    await page.locator('.json-row.added[data-path="/properties/custom/map"]').waitFor();
    await page.getByRole('link', { name: 'Its request', exact: true }).click();
    await page.getByRole('complementary', { name: 'The request' }).waitFor();
    assert.deepEqual(complaints, []);
    await page.context().close();
  },
);

test(
  'two users act: one creates and invites, the other accepts, and one is cut off',
  options,
  async () => {
    // One of them has a name already: the page uses it everywhere, and gives no other one.
    const authorization = 'XBL3.0 x=-;xuid=3210&gtg=Benjamin';
    await fetch(`${server.url}/handles/${randomUUID()}`, { headers: { authorization } });
    const { page, complaints } = await openPage(browser);
    await show(page, '#/control');
    const acting = page.getByLabel('Act as', { exact: true });
    await acting.locator('option', { hasText: 'Benjamin (3210)' }).waitFor({ state: 'attached' });
    await page.getByLabel('Template').selectOption('LobbySession');
    // What is refused stays in the form.
    const name = page.getByLabel('Name', { exact: true });
    const refused = '  ../a b~?#%ü  ';
    await name.fill(refused);
    await page.getByRole('button', { name: 'Create and join' }).click();
    await page.getByRole('alert').getByText('400 nameInvalid').waitFor();
    assert.equal(await name.inputValue(), refused);
    assert.equal(new URL(page.url()).hash, '#/control');
    await name.fill('acted');
    await page.getByRole('button', { name: 'Create and join' }).click();
    await page.getByRole('heading', { name: 'acted', level: 1 }).waitFor();
    const members = page.getByRole('region', { name: 'Members' });
    await members.locator('.member.active', { hasText: 'Ada' }).waitFor();
    // A write is checked while it is typed, and its dialog stays until it is done.
    await page.getByRole('button', { name: 'Write…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Write to the session' });
    const write = dialog.getByRole('button', { name: 'Write', exact: true });
    await dialog.getByLabel('Body of the PUT').fill('{"properties": ');
    await dialog.getByText('This is not JSON').waitFor();
    assert.equal(await write.isDisabled(), true);
    await dialog.getByLabel('Body of the PUT').fill('{"colour": "red"}');
    await write.click();
    await dialog.getByRole('alert').getByText('400 requestInvalid').waitFor();
    await dialog.getByRole('link', { name: 'Why was it refused?' }).waitFor();
    await page.screenshot({ path: join(shots, 'write.png') });
    await dialog.getByRole('button', { name: 'Own property' }).click();
    await write.click();
    await dialog.waitFor({ state: 'detached' });
    await page.locator('[data-path="/members/0/properties/custom/team"]').waitFor();
    await page.getByRole('button', { name: 'Invite…' }).click();
    // The users that "as" offers can be chosen, without the one who acts.
    const offered = page.getByRole('dialog', { name: 'Invite a user' }).locator('datalist option');
    assert.deepEqual(
      await offered.evaluateAll((options) =>
        options.map((one) => ['value', 'label'].map((name) => one.getAttribute(name))),
      ),
      [
        ['3210', 'Benjamin'],
        ['77', 'Cleo'],
      ],
    );
    await page.getByLabel('Xuid').fill('3210');
    await page.getByRole('button', { name: 'Invite', exact: true }).click();
    await page.goto(`${server.url}/#/users/3210`);
    await page.getByRole('button', { name: 'Accept' }).click();
    await page.getByRole('region', { name: 'Sessions' }).getByText('acted').click();
    await members.locator('.member.active', { hasText: 'Benjamin' }).waitFor();
    assert.equal(await acting.inputValue(), '3210');
    // The taps of a connection can be late or lost.
    await page.goto(`${server.url}/#/control`);
    const connections = page.getByRole('region', { name: 'Connections' });
    await connections.locator('li').nth(1).waitFor();
    await connections.locator('li').first().getByRole('button', { name: 'Lost' }).click();
    await connections.locator('[aria-pressed="true"]', { hasText: 'Lost' }).waitFor();
    await page.goBack();
    // Ben acts now; his connection ends without a close frame, and time makes him inactive.
    await page.getByRole('button', { name: 'Cut' }).click();
    await page.getByText('Connection cut').waitFor();
    await page.goto(`${server.url}/#/control`);
    await page.getByRole('button', { name: 'Freeze' }).click();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Freeze' }).waitFor();
    await page.getByRole('button', { name: '+5 min' }).click();
    await page.goBack();
    await members.locator('.member.active', { hasText: 'Ada' }).waitFor();
    await members.locator('.member.active').nth(1).waitFor({ state: 'detached' });
    // What is refused says why, and leads to the request.
    await acting.selectOption({ label: 'Cleo (77)' });
    await page.getByRole('button', { name: 'Join' }).click();
    await page.getByRole('link', { name: 'Why was it refused?' }).click();
    await page.getByRole('heading', { name: 'joinRestricted' }).waitFor();
    const place = page.getByRole('link', { name: /^Requests \d+ refused$/ });
    await place.waitFor();
    assert.deepEqual(complaints, []);
    await page.context().close();
  },
);

test(
  'one click takes the whole view to a moment of the past, and two moments are compared',
  options,
  async () => {
    const [ada, ben] = [kit.user('ada'), kit.user('ben')];
    const reference = kit.reference('deathmatch');
    await ada.join(reference);
    await ada.putSession(reference, { properties: { custom: { map: 'dunes' } } });
    await ben.join(reference);
    await ada.putSession(reference, { properties: { custom: { map: 'atoll' } } });
    const { page, complaints } = await openPage(browser);
    await show(page, `#/sessions/${demoScid}/${reference.templateName}/${reference.name}`);
    const moments = page.locator('.moment');
    const members = page.getByRole('region', { name: 'Members' }).locator('.member');
    const map = page.locator('[data-path="/properties/custom/map"]');
    await map.getByText('"atoll"').waitFor();
    await moments.nth(1).click();
    await page.locator('.banner.amber').getByText('#2').waitFor();
    await map.getByText('"dunes"').waitFor();
    assert.equal(await members.count(), 1);
    // The whole way to the fourth change: the member who came, and both maps.
    await moments.nth(1).click({ modifiers: ['Shift'] });
    await page.locator('.moment.from').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.locator('.banner.amber').getByText('#3').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.locator('.now-pill.live').waitFor();
    // Two moments ask for their difference, and going back to now ends it.
    await map.locator('del', { hasText: 'dunes' }).waitFor();
    await map.locator('ins', { hasText: 'atoll' }).waitFor();
    await page.locator('.json-row.added[data-path="/members/1"]').waitFor();
    await page.keyboard.press('n');
    await page.locator('.moment.from').waitFor({ state: 'detached' });
    await map.locator('del').waitFor({ state: 'detached' });
    await page.locator('.now-pill.live').waitFor();
    assert.equal(await members.count(), 2);
    // When everybody has left, its past is still there.
    await ada.putSession(reference, { members: { me: null } });
    await ben.putSession(reference, { members: { me: null } });
    await page.getByText('This session has ended').waitFor();
    await page.locator('.moment.end').waitFor();
    assert.equal(await page.locator('.now-pill.live').count(), 0);
    assert.equal(await page.locator('.status.active').count(), 0);
    await members.getByText('left').first().waitFor();
    await page.reload();
    await page.getByRole('link', { name: 'See how it was' }).click();
    await members.first().waitFor();
    // The browser reports the answers for the session that is gone; the page says it in words.
    assert.deepEqual(
      complaints.filter((complaint) => !complaint.includes('404')),
      [],
    );
    await page.context().close();
  },
);

test('initialization is drawn, and a ticket says why it waits', options, async () => {
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const reference = kit.reference('blank');
  const tokenOf = (user: KitUser): string => Buffer.from(user.xuid).toString('base64');
  const memberOf = (user: KitUser) => ({
    constants: { system: { initialize: true } },
    properties: {
      system: { active: true, connection: randomUUID(), secureDeviceAddress: tokenOf(user) },
    },
  });
  const system = {
    capabilities: { connectivity: true, suppressPresenceActivityCheck: true },
    metrics: { latency: true },
    memberInitialization: {
      joinTimeout: 60_000,
      measurementTimeout: 60_000,
      membersNeededToStart: 2,
    },
    peerToPeerRequirements: { latencyMaximum: 250 },
  };
  const created = await ada.putSession(reference, {
    constants: { system },
    members: {
      me: memberOf(ada),
      reserve_0: { constants: { system: { xuid: ben.xuid, initialize: true } } },
    },
  });
  assert.equal(created.status, 201, created.text);
  const { page, complaints } = await openPage(browser);
  await show(page, `#/sessions/${demoScid}/${reference.templateName}/${reference.name}`);
  const drawn = page.getByRole('region', { name: 'Initialization' });
  await drawn.locator('.stages .current', { hasText: 'joining' }).waitFor();
  const joined = await ben.putSession(reference, { members: { me: memberOf(ben) } });
  await drawn.locator('.stages .current', { hasText: 'measuring' }).waitFor();
  const tokens = Object.values(at(joined.json, 'members') as JsonObject).map((member) =>
    String(at(member, 'deviceToken')),
  );
  const measured = await ada.putSession(reference, {
    members: {
      me: { properties: { system: { measurements: { [tokens[1] ?? '']: { latency: 42 } } } } },
    },
  });
  assert.equal(measured.status, 200, measured.text);
  await drawn.locator('.links text', { hasText: '42' }).waitFor();
  await page.screenshot({ path: join(shots, 'initialization.png') });

  const lobby = kit.reference('LobbySession');
  await ada.join(lobby);
  const ticket = await ada.request('POST', `/serviceconfigs/${demoScid}/hoppers/quick`, {
    body: { giveUpDuration: 120, preserveSession: 'never', ticketSessionRef: lobby },
  });
  assert.equal(ticket.status, 200, ticket.text);
  await show(page, `#/hoppers/${demoScid}/quick`);
  const waiting = page.getByRole('region', { name: 'Tickets in quick' });
  await waiting.getByText('No other ticket waits in this hopper.').waitFor();
  await page.screenshot({ path: join(shots, 'ticket.png') });
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test(
  'the state is saved as a file and loaded again; a file that is none changes nothing',
  options,
  async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'openmpsd-state-'));
    context.after(() => rm(folder, { recursive: true, force: true }));
    const ada = kit.user('ada');
    const reference = kit.reference('deathmatch');
    await ada.join(reference);
    const { page, complaints } = await openPage(browser);
    await show(page, '#/control');
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save' }).click();
    const path = join(folder, 'state.json');
    await (await download).saveAs(path);
    const state = JSON.parse(await readFile(path, 'utf8')) as SavedState;
    await ada.putSession(reference, { members: { me: null } });
    const load = page.getByLabel('Load…');
    await load.setInputFiles(path);
    await page
      .locator('.notice.good', { hasText: `Loaded: ${state.sessions.length} session` })
      .waitFor();
    await show(page, `#/sessions/${demoScid}/${reference.templateName}/${reference.name}`);
    await page.locator('.member.active', { hasText: 'ada' }).waitFor();
    await show(page, '#/control');
    await writeFile(path, JSON.stringify({ ...state, colour: 'red', savedMs: 'now' }));
    await load.setInputFiles(path);
    const refused = page.locator('.notice.bad', {
      hasText: 'state.json is no saved state; nothing was changed',
    });
    // Each place has a line of its own.
    await refused.locator('p', { hasText: '$.colour: This member is not known' }).waitFor();
    assert.equal(await refused.locator('p').count(), 2);
    // The browser reports the refusal; the page says it in words.
    assert.deepEqual(
      complaints.filter((complaint) => !complaint.includes('400')),
      [],
    );
    await page.context().close();
  },
);

test(
  'an archive of Fiddler is judged in the page, and nothing of it is sent',
  options,
  async () => {
    const request = (second: number): readonly ArchivedFile[] => [
      file(
        `raw/${second}_c.txt`,
        'GET https://sessiondirectory.xboxlive.com/handles/1?a=1 HTTP/1.1\r\nHost: sessiondirectory.xboxlive.com\r\n\r\n',
      ),
      file(`raw/${second}_s.txt`, 'HTTP/1.1 429 Too Many Requests\r\n\r\n{}'),
      file(
        `raw/${second}_m.xml`,
        `<Session><SessionTimers ClientBeginRequest="2026-01-01T00:00:0${second}Z" ClientDoneResponse="2026-01-01T00:00:0${second}Z" /></Session>`,
      ),
    ];
    const { page, complaints } = await openPage(browser);
    await show(page, '#/certification');
    const sent: string[] = [];
    page.on('request', (one) => sent.push(`${one.method()} ${new URL(one.url()).pathname}`));
    await page.getByLabel('Capture').setInputFiles({
      name: 'calls.saz',
      mimeType: 'application/octet-stream',
      buffer: archiveOf([...request(1), ...request(2)]),
    });
    await page.getByText('2 requests in').waitFor();
    await page.getByRole('region', { name: 'Calls answered 429' }).waitFor();
    // A call of a fault opens, with what was sent and answered.
    await page.getByRole('link', { name: 'call 2' }).first().click();
    const call = page.getByRole('complementary', { name: 'The call' });
    await call.getByText('/handles/1?a=1').waitFor();
    await page.screenshot({ path: join(shots, 'capture.png') });
    assert.deepEqual(
      sent.filter((one) => !/^GET \/(assets|inspector)\//.test(one)),
      [],
    );
    assert.deepEqual(complaints, []);
    await page.context().close();
  },
);

test('the pictures of the README can be made', options, async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-pictures-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  await recordLobby(browser, folder);
  const { page } = await openPage(browser);
  for (const [name, kibMax] of [
    ['lobby.webp', 600],
    ['inspector.webp', 80],
  ] as const) {
    const file = await readFile(join(folder, name));
    assert.ok(file.length < kibMax * 1_024, `${name} has ${file.length} bytes`);
    // A browser shows it.
    const width = await page.evaluate<number>(`(async () => {
      const image = new Image();
      image.src = 'data:image/webp;base64,${file.toString('base64')}';
      await image.decode();
      return image.naturalWidth;
    })()`);
    assert.equal(width, 1_180);
  }
  await page.context().close();
});

// Kills: a member of the form that is not sent, or sent empty.
test('a refusal is forced for one method of one user, with a code', options, async () => {
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const reference = kit.reference('deathmatch');
  await ada.join(reference);
  const { page, complaints } = await openPage(browser);
  await show(page, '#/control');
  const card = page.locator('.card', { hasText: 'Refuse requests' });
  await card.getByLabel('Path').fill('/serviceconfigs/*');
  await card.getByLabel('Method').selectOption('GET');
  await card.getByLabel('Xuid of the caller').fill(ada.xuid);
  await card.getByLabel('Code').fill('tooBusy');
  await card.getByRole('button', { name: 'Refuse' }).click();
  await card.getByText('GET /serviceconfigs/* tooBusy').waitFor();
  await page.screenshot({ path: join(shots, 'refusals.png') });
  assert.equal((await ben.join(reference)).status, 200);
  assert.equal((await ada.putSession(reference, {})).status, 200);
  const refused = await ada.getSession(reference);
  assert.deepEqual([refused.status, refused.refusal], [503, 'tooBusy']);
  assert.equal((await ada.getSession(reference)).status, 200);
  // What is left empty is not asked for.
  await card.getByLabel('Method').selectOption('any');
  await card.getByLabel('Xuid of the caller').fill('');
  await card.getByLabel('Code').fill('');
  await card.getByRole('button', { name: 'Refuse' }).click();
  await page.getByText('The next request of /serviceconfigs/* will get').waitFor();
  assert.equal((await ben.putSession(reference, {})).status, 503);
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test('the keyboard goes everywhere', options, async () => {
  const ada = kit.user('ada');
  const reference = kit.reference('deathmatch');
  await ada.join(reference);
  const { page, complaints } = await openPage(browser);
  await show(page, '#/sessions');
  const at = (): string => new URL(page.url()).hash;
  // A change of the fragment loads nothing: the title says that the page took the keys.
  for (const [keys, title] of [
    ['u', 'Users'],
    ['r', 'Requests'],
    ['h', 'Hoppers'],
    ['c', 'Certification'],
    ['x', 'Control'],
    ['s', 'Sessions'],
  ] as const) {
    await page.keyboard.press('g');
    await page.keyboard.press(keys);
    await page.getByRole('heading', { name: title, level: 1 }).waitFor();
  }
  await page.keyboard.press('/');
  await page.locator('.search input:focus').waitFor();
  await page.keyboard.type(reference.name);
  await page.keyboard.press('Escape');
  await page.locator('.session-line').nth(1).waitFor({ state: 'detached' });
  await page.keyboard.press('j');
  await page.locator('.session-line.selected').waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: reference.name, level: 1 }).waitFor();
  await page.keyboard.press('Control+k');
  await page.locator('.palette input:focus').waitFor();
  await page.keyboard.type('hopp');
  await page.locator('.palette .chosen', { hasText: 'Hoppers' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Hoppers', level: 1 }).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'detached' });
  await page.keyboard.press('t');
  await page.locator('html[data-theme="light"]').waitFor();
  assert.equal(at(), '#/hoppers');
  // An address that leads nowhere says so, and does not pass for the first page.
  for (const hash of ['#/lobbies', `#/sessions/${demoScid}`]) {
    await page.goto(`${server.url}/${hash}`);
    await page.getByRole('heading', { name: 'Not found', level: 1 }).waitFor();
  }
  await page.getByRole('navigation', { name: 'Pages that there are' }).getByText('Users').click();
  await page.getByRole('heading', { name: 'Users', level: 1 }).waitFor();
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test('nothing is shown without the admin token', options, async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-page-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { ...publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'of-this-test' };
  await writeFile(join(folder, 'keys.json'), JSON.stringify({ keys: [key] }));
  await using closed = await startServer({
    port: 0,
    store: 'memory',
    auth: 'signed',
    authKeys: join(folder, 'keys.json'),
    adminToken: 'a-token-of-this-test-0123456789abcdef',
  });
  const { page } = await openPage(browser);
  await page.goto(closed.url);
  await page.getByRole('heading', { name: 'The inspector needs the admin token' }).waitFor();
  const token = page.getByLabel('Admin token');
  await token.fill('another-token-0123456789abcdef0123');
  const refused = page.waitForResponse((answer) => !answer.ok());
  await token.press('Enter');
  await refused;
  await page.locator('.problem').waitFor();
  assert.equal(await page.getByRole('navigation').count(), 0);
  // A header cannot carry this one.
  await token.fill('pass–word');
  await token.press('Enter');
  await page.getByText('The admin token is wrong').waitFor();
  await token.fill('a-token-of-this-test-0123456789abcdef');
  await page.getByRole('button', { name: 'Open the inspector' }).click();
  await page.getByRole('heading', { name: 'Sessions', level: 1 }).waitFor();
  // A new tab asks again: the token is not kept in the browser.
  const other = await page.context().newPage();
  await other.goto(closed.url);
  await other.getByRole('heading', { name: 'The inspector needs the admin token' }).waitFor();
  await page.context().close();
});

test(
  'a page of another origin can neither read nor act, nor can a name that was rebound',
  options,
  async () => {
    const site = createServer((_, answer) => {
      answer.setHeader('content-type', 'text/html').end('<!doctype html><title>Elsewhere</title>');
    }).listen(0, '127.0.0.1');
    await once(site, 'listening');
    const { page } = await openPage(browser);
    const isFrozen = async (): Promise<boolean> => {
      const info = await fetch(`${server.url}/inspector/api/v1`);
      return ((await info.json()) as InspectorInfo).clock.isFrozen;
    };
    const attempt = (base: string) =>
      page.evaluate<string[]>(`(async () => {
      const read = [];
      const plain = { method: 'POST', headers: { 'content-type': 'text/plain' } };
      for (const [path, more] of [
        ['', {}],
        ['/sessions', {}],
        ['/stream', {}],
        ['/control/clock', { ...plain, body: '{"freeze":true}' }],
        ['/control/clock', { ...plain, mode: 'no-cors', body: '{"freeze":true}' }],
      ]) {
        const answer = await fetch('${base}/inspector/api/v1' + path, more).catch(() => undefined);
        if (answer !== undefined && answer.type !== 'opaque' && answer.ok) read.push(path);
      }
      return read;
    })()`);
    await page.goto(`http://localhost:${(site.address() as AddressInfo).port}`);
    assert.deepEqual(await attempt(server.url), []);
    // The browser takes the name for the same origin as its page; the server does not answer to it.
    const rebound = `http://${rebindName}:${new URL(server.url).port}`;
    const answer = await page.goto(rebound);
    assert.equal(answer?.status(), 403);
    assert.deepEqual(await attempt(rebound), []);
    assert.equal(await isFrozen(), false);
    await page.context().close();
    site.closeAllConnections();
    site.close();
  },
);

// Kills: a session of the former server that an open page shows as alive.
test('a session that is not there after a restart is shown as missing', options, async () => {
  const settings = { port: await freePort(), store: 'memory' } as const;
  const { page } = await openPage(browser);
  {
    await using former = await startServer(settings);
    const own = new Kit(former.url, undefined);
    const { scid, templateName, name } = own.reference('blank');
    await own.user('Ada').join({ scid, templateName, name });
    await page.goto(`${former.url}/#/sessions/${scid}/${templateName}/${name}`);
    await page.locator('.dot.live').first().waitFor({ state: 'attached' });
    await page.getByRole('heading', { name, level: 1 }).waitFor();
  }
  await using next = await startServer(settings);
  await page.getByText('There is no session').first().waitFor();
  assert.ok(page.url().startsWith(next.url));
  await page.context().close();
});

test('ten thousand sessions scroll, and one of them is found', options, async () => {
  await fill(10_000);
  const { page, complaints } = await openPage(browser);
  await show(page, '#/sessions?template=dedicated&order=name');
  await page.locator('.tab[aria-current]', { hasText: 'dedicated 10,000' }).waitFor();
  const list = page.locator('.virtual-list');
  await list.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await page.locator('.session-line', { hasText: 'many-09999' }).waitFor();
  assert.ok((await page.locator('.session-line').count()) < 100);
  await page.getByLabel('Search sessions').fill('many-04242');
  await page.locator('.session-line').nth(1).waitFor({ state: 'detached' });
  await page.locator('.session-line', { hasText: 'many-04242' }).waitFor();
  assert.deepEqual(complaints, []);
  await page.context().close();
  await showAll('many', { wide: 'dark' });
});

/** So many sessions without members, as copies of one, by a saved state. */
async function fill(count: number): Promise<void> {
  const state = `${server.url}/inspector/api/v1/state`;
  const name = (index: number) => `many-${String(index).padStart(5, '0')}`;
  await kit.service().putSession({ ...kit.reference('dedicated'), name: name(0) }, {});
  const saved = (await (await fetch(state)).json()) as SavedState;
  const one = saved.sessions.find((session) => at(session, 'reference.name') === name(0));
  assert.ok(one);
  const sessions = Array.from({ length: count }, (_, index) => ({
    ...one,
    branch: randomUUID(),
    reference: { ...(one['reference'] as JsonObject), name: name(index) },
  }));
  const others = saved.sessions.filter((session) => session !== one);
  const body = JSON.stringify({ ...saved, sessions: [...others, ...sessions] });
  const loaded = await fetch(state, { method: 'PUT', body });
  assert.equal(loaded.status, 200, await loaded.text());
}
