import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserCaller } from '../domain/caller.ts';
import { parseHandleRequest } from '../domain/handle/request.ts';
import type { JsonObject } from '../domain/json.ts';
import { parseSessionQuery } from '../domain/query/session-query.ts';
import { Refusal } from '../domain/refusal.ts';
import { parseSessionRequest } from '../domain/session/request.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import type { Store } from '../store/store.ts';
import { demoScid } from '../testing/demo.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { notRefused } from '../testing/samples.ts';
import { openTestContexts } from '../testing/test-context.ts';
import type { Context } from './context.ts';
import { createHandle } from './create-handle.ts';
import { deleteHandle } from './delete-handle.ts';
import { querySessions } from './query-sessions.ts';
import { writeSession } from './write-session.ts';

const makeContext = await openTestContexts();
const user = (n: number): UserCaller => ({ kind: 'user', xuid: String(n), sandbox: 'RETAIL' });
const [ada, ben, eve] = [user(1), user(2), user(3)];
const blank = (name: string) => ({ scid: demoScid, templateName: 'blank', name });
const join: JsonObject = { members: { me: { properties: { system: { active: true } } } } };

function open(sessionsPerUserMax: number, store: Store = openMemoryStore()) {
  const clock = manualClock();
  const context = makeContext(store, { clock });
  const settings = { ...context.settings, sessionsPerUserMax, invitesPerUserMax: 3 };
  return { store, clock, context: { ...context, settings } };
}

/** The code of the refusal of a write, or undefined. */
async function put(
  context: Context,
  caller: UserCaller,
  name: string,
  body: JsonObject = join,
): Promise<string | undefined> {
  const request = notRefused(parseSessionRequest(body, 107));
  const write = { reference: blank(name), request, preconditions: {}, caller, onlyExisting: false };
  const written = await writeSession(context, write);
  return written instanceof Refusal ? written.code : undefined;
}

const reserveFor = (...xuids: readonly string[]): JsonObject => ({
  members: Object.fromEntries(
    xuids.map((xuid, n) => [`reserve_${n}`, { constants: { system: { xuid } } }]),
  ),
});

// Kills: sessions that are not counted, or counted for ever; a new process that counts without the
// store; sessions of others that count.
// @source docs/wire/unknowns.md "how much a user may hold"
test('a user is in so many sessions of a service config and no more', async () => {
  const { context, store } = open(20);
  for (let n = 0; n < 20; n += 1) assert.equal(await put(context, ada, `own-${n}`), undefined);
  assert.equal(await put(context, ada, 'one more'), 'tooManySessions');
  assert.equal(await put(context, ben, 'own-0'), undefined);
  assert.equal(await put(context, ada, 'own-3'), undefined, 'those that she is in go on');
  assert.equal(await put(context, ada, 'own-7', { members: { me: null } }), undefined);
  assert.equal(await put(context, ada, 'one more'), undefined);
  const later = open(20, store).context;
  let joined = 0;
  while ((await put(later, ada, `later-${joined}`)) === undefined) joined += 1;
  assert.ok(joined <= 16, `a new process lets ${joined} in before it knows`);
});

// Kills: seats held for others, or empty sessions, that count for nobody.
test('seats that are held for others count, and sessions that were left empty', async () => {
  const { context } = open(2);
  assert.equal(await put(context, ada, 'a', reserveFor('8', '9')), undefined);
  const staysEmpty = { constants: { system: { sessionEmptyTimeout: 86_400_000 } } };
  assert.equal(await put(context, ada, 'b', { ...staysEmpty, ...join }), undefined);
  assert.equal(await put(context, ada, 'b', { members: { me: null } }), undefined);
  assert.equal(await put(context, ada, 'c'), 'tooManySessions');
  assert.equal(await put(context, eve, 'c', reserveFor('1')), undefined);
  assert.equal(await put(context, eve, 'd', reserveFor('1')), undefined);
  assert.equal(await put(context, ben, 'b'), undefined);
  assert.equal(await put(context, ada, 'c', join), undefined, 'seats held by others do not count');
});

// Kills: seats that hide the user's sessions.
test('what a user is in comes before what others have reserved', async () => {
  const { context } = open(1_000);
  for (let n = 0; n < 120; n += 1) await put(context, eve, `a${n}`, reserveFor('1'));
  await put(context, ada, 'z');
  const query = notRefused(
    parseSessionQuery([
      ['xuid', '1'],
      ['reservations', 'true'],
    ]),
  );
  const found = notRefused(await querySessions(context, { scid: demoScid }, query, ada));
  assert.equal(found.length, 100);
  assert.equal(found[0]?.session.reference.name, 'z');
});

// Kills: simultaneous invites that do not count for each other; invites that still count after they
// expired or were deleted.
// @source docs/wire/unknowns.md "how much a user may hold"
test('so many invites of a user wait and no more', async () => {
  const { context, clock } = open(10);
  await put(context, ada, 'lobby');
  const invite = async (n: number): Promise<string> => {
    const request = notRefused(
      parseHandleRequest({
        version: 1,
        type: 'invite',
        sessionRef: blank('lobby'),
        invitedXuid: String(100 + n),
        inviteAttributes: { titleId: '1' },
      }),
    );
    const made = await createHandle(context, request, ada);
    return made instanceof Refusal ? made.code : made.handle.id;
  };
  const atOnce = await Promise.all([0, 1, 2, 3, 4].map(invite));
  assert.equal(atOnce.filter((one) => one === 'tooManyInvites').length, 2);
  await deleteHandle(context, atOnce[0] ?? '', ada);
  assert.notEqual(await invite(5), 'tooManyInvites');
  assert.equal(await invite(6), 'tooManyInvites');
  clock.advance(context.settings.inviteLifetimeMs);
  assert.notEqual(await invite(7), 'tooManyInvites');
});
