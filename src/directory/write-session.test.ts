import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { UserCaller } from '../domain/caller.ts';
import { Refusal } from '../domain/refusal.ts';
import { keyOf } from '../domain/session/reference.ts';
import { parseSessionRequest } from '../domain/session/request.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { demoScid } from '../testing/demo.ts';
import { openTestContexts } from '../testing/test-context.ts';
import type { Context } from './context.ts';
import { type WriteResult, writeSession } from './write-session.ts';

const makeContext = await openTestContexts();
const reference = { scid: demoScid, templateName: 'deathmatch', name: 'lobby' };
const folder = mkdtempSync(join(tmpdir(), 'openmpsd-write-'));
after(() => rmSync(folder, { recursive: true }));

const user = (n: number): UserCaller => ({ kind: 'user', xuid: String(n), sandbox: 'RETAIL' });

function write(context: Context, caller: UserCaller, me: object): Promise<WriteResult | Refusal> {
  const request = parseSessionRequest({ members: { me: me as never } }, 107);
  assert.ok(!(request instanceof Refusal));
  return writeSession(context, {
    reference,
    request,
    preconditions: {},
    caller,
    onlyExisting: false,
  });
}

/** The store, and how its commits ended. */
function watch(store: Store) {
  const outcomes: string[] = [];
  const watched = new Proxy(store, {
    get(target, method) {
      const member = Reflect.get(target, method);
      if (typeof member !== 'function') return member;
      if (method !== 'commit') return member.bind(target);
      return async (...asked: Parameters<Store['commit']>) => {
        const outcome = await target.commit(...asked);
        outcomes.push(outcome.kind);
        return outcome;
      };
    },
  });
  return { outcomes, watched };
}

const connectionOfAnotherNode = '85b40569-0000-4000-8000-000000000000';

for (const [name, open] of [
  ['memory', async () => openMemoryStore()],
  ['sqlite', () => openSqliteStore({ file: join(folder, 'x.db'), durability: 'strict' })],
] as const) {
  test(`${name}: who joins or writes at once in one process loses no race`, async () => {
    await using store = await open();
    const { outcomes, watched } = watch(store);
    const context = makeContext(watched);
    const users = Array.from({ length: 16 }, (_, n) => user(n + 1));
    const system = { active: true, connection: connectionOfAnotherNode };
    const joined = await Promise.all(
      users.map((one) => write(context, one, { properties: { system } })),
    );
    assert.deepEqual(
      joined.filter((one) => one instanceof Refusal),
      [],
    );
    await Promise.all(
      users.map((one) => write(context, one, { properties: { custom: { n: 1 } } })),
    );
    assert.deepEqual(outcomes, Array(32).fill('committed'));
    const record = await store.session(keyOf(reference));
    assert.equal(record?.session.members.length, 16);
    assert.equal(record.session.changeNumber, 32);
  });
}
