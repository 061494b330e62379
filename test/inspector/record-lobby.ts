/**
 * The pictures of the README: a lobby that fills, before a real server. `node test/inspector/record-lobby.ts`
 * makes them again; a test makes them in a folder of its own.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { startServer } from '../../src/server.ts';
import { demoScid } from '../../src/testing/kit.ts';
import { Animation } from './animation.ts';
import { openPage, startBrowser } from './browser.ts';

type Write = { readonly who: readonly [xuid: string, gamertag: string]; readonly body: object };

/** The first three are those whom the page offers to act as. */
const people = {
  ada: ['1001', 'Ada'],
  ben: ['3210', 'Ben'],
  cleo: ['77', 'Cleo'],
  dario: ['4150', 'Dario'],
  elif: ['5025', 'Elif'],
  farah: ['6180', 'Farah'],
} as const;

const member = (team: string, status: object = { active: true }) => ({
  members: { me: { properties: { system: status, custom: { team } } } },
});
const custom = (values: object) => ({ properties: { custom: values } });

/** A lobby of an evening, write by write. */
const writes: readonly Write[] = [
  { who: people.ada, body: { ...member('red'), ...custom({ map: 'dunes', mode: 'flags' }) } },
  { who: people.ben, body: member('blue') },
  {
    who: people.ada,
    body: { members: { reserve_0: { constants: { system: { xuid: people.cleo[0] } } } } },
  },
  { who: people.cleo, body: member('red') },
  { who: people.dario, body: member('blue', { ready: true }) },
  { who: people.ada, body: custom({ map: 'atoll' }) },
  { who: people.elif, body: member('red') },
  { who: people.ben, body: { members: { me: { properties: { system: { active: false } } } } } },
  { who: people.farah, body: member('blue') },
  { who: people.ben, body: { members: { me: { properties: { system: { active: true } } } } } },
  { who: people.dario, body: { members: { me: { properties: { system: { active: true } } } } } },
  { who: people.ada, body: custom({ round: 1, score: { red: 0, blue: 0 } }) },
];

const name = 'friday-night';
const stepMs = 1_500;

/** Makes `inspector.webp`, a picture, and `lobby.webp`, which moves. */
export async function recordLobby(browser: Browser, folder: string): Promise<void> {
  await using server = await startServer({ port: 0, store: 'memory', control: true });
  const target = `${server.url}/serviceconfigs/${demoScid}/sessionTemplates/deathmatch/sessions/${name}`;
  const { page } = await openPage(browser, { theme: 'dark', width: 1_180, height: 720 });
  const write = async ({ who: [xuid, gamertag], body }: Write): Promise<void> => {
    const answer = await fetch(target, {
      method: 'PUT',
      headers: {
        authorization: `XBL3.0 x=-;${new URLSearchParams({ xuid, gtg: gamertag })}`,
        'x-xbl-contract-version': '107',
      },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${gamertag} got ${answer.status}: ${await answer.text()}`);
  };
  const [first, ...rest] = writes;
  if (first === undefined) throw new Error('there is no write');
  await write(first);
  await page.goto(`${server.url}/#/sessions/${demoScid}/deathmatch/${name}`);
  await page.locator('.member').first().waitFor();
  const animation = await Animation.start(browser, page);
  await animation.take(stepMs);
  for (const [index, one] of rest.entries()) {
    await write(one);
    await page.locator('.change-pill', { hasText: `#${index + 2}` }).waitFor();
    await page
      .locator('.moment')
      .nth(index + 1)
      .waitFor();
    await animation.take(stepMs);
  }
  mkdirSync(folder, { recursive: true });
  // Back to a moment of the past, with what it changed.
  await page.getByRole('button', { name: 'Difference' }).click();
  await page.locator('.moment').nth(6).click();
  await page.locator('.banner.amber').waitFor();
  await page.locator('.json-changes .json-row').first().waitFor();
  await animation.take(stepMs * 1.5);
  writeFileSync(join(folder, 'lobby.webp'), animation.file());
  const still = await Animation.start(browser, page);
  await still.take(1_000);
  writeFileSync(join(folder, 'inspector.webp'), still.file());
  await page.context().close();
}

if (import.meta.main) {
  const browser = await startBrowser();
  await recordLobby(browser, resolve(import.meta.dirname, '../../docs/images'));
  await browser.close();
}
