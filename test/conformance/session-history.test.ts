/**
 * What the Session History Viewer asks, as an administrator: here a game service, which a server with
 * development tokens takes for one.
 *
 * @source docs/wire/history.md "History of sessions"
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { formatSessionPath } from '../../src/domain/session/reference.ts';
import { at, isAimed, joinBody, type Kit, startKit } from '../../src/testing/kit.ts';
import { assertRefused, assertStatus, leave, needsOwnServer, timePattern } from './answers.ts';

const endNumber = 9_007_199_254_740_992;

/** A session with three changes and its end, and the viewer who looks at it. */
async function openEnded(kit: Kit) {
  const [ada, bob, viewer] = [kit.user('ada'), kit.user('bob'), kit.service('viewer')];
  const reference = kit.reference();
  await ada.putSession(reference, joinBody());
  await bob.putSession(reference, { ...joinBody(), properties: { custom: { map: 'moon' } } });
  const before = await ada.getSession(reference);
  await bob.putSession(reference, leave);
  await ada.putSession(reference, leave);
  assertStatus(await ada.getSession(reference), 204);
  const path = `${formatSessionPath(reference)}/branches`;
  const get = async (rest = ''): Promise<JsonObject> =>
    assertStatus(await viewer.request('GET', path + rest), 200).json;
  return { ada, bob, viewer, reference, path, get, before };
}

const resultsOf = (json: JsonObject): readonly JsonObject[] =>
  json['results'] as readonly JsonObject[];

const skip = isAimed && needsOwnServer;

// @source docs/wire/unknowns.md "activityId in a history", docs/wire/unknowns.md "details of a change"
test('a session that has ended is there with its changes and each document', { skip }, async () => {
  await using kit = await startKit();
  const { ada, bob, viewer, reference, path, get, before } = await openEnded(kit);

  const branches = await get();
  // A token would make the viewer ask for ever.
  assert.deepEqual(Object.keys(branches), ['results']);
  const [row] = resultsOf(branches);
  assert.equal(row?.['sessionName'], reference.name);
  assert.equal(row?.['branch'], before.json.branch);
  assert.equal(row?.['expired'], true);
  assert.equal(row?.['changes'], 4);
  assert.equal(row?.['activityId'], before.json.correlationId);
  assert.match(String(row?.['lastModified']), timePattern);

  const changes = resultsOf(await get(`/${String(row?.['branch'])}/changes`));
  assert.deepEqual(
    changes.map(({ changeNumber }) => changeNumber),
    [1, 2, 3, endNumber],
  );
  assert.deepEqual(
    changes.map(({ changedBy }) => changedBy),
    [[ada.xuid], [bob.xuid], [bob.xuid], [ada.xuid]],
  );
  const details = changes.map((one) => (one['details'] as readonly string[]).join('; '));
  assert.match(details[1] ?? '', /customProperty.*joined/);
  assert.match(details[2] ?? '', new RegExp(`${bob.xuid} went: left`));
  assert.ok(changes.every(({ correlationId, titleId }) => correlationId && titleId));

  const document = assertStatus(
    await viewer.request('GET', `${path}/${String(row?.['branch'])}/changes/2`),
    200,
  );
  assert.equal(at(document.json, 'properties.custom.map'), 'moon');
  assert.deepEqual(document.json, before.json);
  for (const number of ['9', String(endNumber)]) {
    const answer = await viewer.request(
      'GET',
      `${path}/${String(row?.['branch'])}/changes/${number}`,
    );
    assertStatus(answer, 204);
  }
});

// @source docs/wire/unknowns.md "who may read histories"
test('a session that is there has no expired at all', { skip }, async () => {
  await using kit = await startKit();
  const [ada, viewer] = [kit.user('ada'), kit.service('viewer')];
  const reference = kit.reference();
  await ada.putSession(reference, joinBody());
  const path = `${formatSessionPath(reference)}/branches`;
  const [row] = resultsOf(assertStatus(await viewer.request('GET', path), 200).json);
  assert.ok(row && !('expired' in row));
  const { refusal } = await ada.request('GET', path);
  assert.equal(refusal, 'adminRequired');
  const unknown = formatSessionPath(kit.reference());
  assert.deepEqual(resultsOf((await viewer.request('GET', `${unknown}/branches`)).json), []);
});

// @source docs/wire/unknowns.md "what a correlation id finds"
test('sessions are found by user, gamertag, correlation id and time, in parts', {
  skip,
}, async () => {
  await using kit = await startKit();
  const { bob, viewer, reference, before } = await openEnded(kit);
  const second = kit.reference();
  await bob.putSession(second, joinBody());
  await kit.settle();
  const path = `/serviceconfigs/${reference.scid}/sessiontemplates/${reference.templateName}/query`;
  const find = async (body: JsonObject, query = ''): Promise<JsonObject> =>
    assertStatus(await viewer.request('POST', path + query, { body }), 200).json;
  const namesOf = (json: JsonObject): readonly unknown[] =>
    resultsOf(json).map(({ sessionName }) => sessionName);

  assert.deepEqual(namesOf(await find({ xuid: bob.xuid })), [second.name, reference.name]);
  const first = await find({ xuid: bob.xuid }, '?take=1');
  assert.deepEqual(namesOf(first), [second.name]);
  const rest = await find(
    { xuid: bob.xuid },
    `?take=1&continuationtoken=${String(first['continuationToken'])}`,
  );
  assert.deepEqual(namesOf(rest), [reference.name]);
  assert.ok(!('continuationToken' in rest));

  const { correlationId = null } = before.json;
  const byId = await find({ correlationId });
  assert.deepEqual(namesOf(byId), [reference.name]);
  assert.ok(!('continuationToken' in byId));

  const startAt = `/Date(${Date.now() + 60_000})/`;
  assert.deepEqual(namesOf(await find({ xuid: bob.xuid, startAt })), []);
  const endAt = new Date(Date.now() + 60_000).toISOString();
  assert.equal(namesOf(await find({ xuid: bob.xuid, endAt })).length, 2);
  assert.deepEqual(namesOf(await find({ gamertag: 'nobody has this name' })), []);

  for (const [body, query, place] of [
    [{}, '', '$'],
    [{ xuid: '1', gamertag: 'a' }, '', '$'],
    [{ xuid: 'a' }, '', '$.xuid'],
    [{ xuid: '1', startAt: 'soon' }, '', 'startAt'],
    [{ xuid: '1' }, '?take=0', 'take'],
    [{ xuid: '1' }, '?continuationtoken=x', 'continuationtoken'],
  ] as const) {
    const answer = await viewer.request('POST', path + query, { body });
    assertRefused(answer, 400, 'requestInvalid', place);
  }
});
