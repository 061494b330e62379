/** Services that are not here. @source docs/wire/neighbours.md "What is not here" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startKit } from '../../src/testing/kit.ts';
import { assertRefused } from './answers.ts';
import { ask } from './services.ts';

/** @source docs/wire/neighbours.md "What is not here" */
test('a call of a service that is not here is answered with its name', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  for (const [method, path, host] of [
    ['GET', `/users/xuid(${ada.xuid})/achievements`, 'achievements.xboxlive.com'],
    ['GET', `/users/xuid(${ada.xuid})/scids/x/stats`, 'userstats.xboxlive.com'],
    ['POST', '/system/strings/validate', 'client-strings.xboxlive.com'],
    ['PUT', `/users/xuid(${ada.xuid})/state`, 'userpresence.xboxlive.com'],
  ] as const) {
    const refused = assertRefused(await ask(ada, method, path), 404, 'serviceAbsent', host);
    assert.equal(refused.detail, host);
    assert.match(refused.text, /docs\/wire\/neighbours\.md/);
  }
});
