import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '../domain/refusal.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { type KnownUser, openOutsideUsers } from './outside-users.ts';

const user = fc.record({
  issuer: fc.constantFrom('a', 'b'),
  // Few of them, so that the same come again; decimal ones that made-up xuids could meet.
  id: fc.constantFrom('u', 'U', 'v', '1', '2', '12345678901234567890'),
  name: fc.constantFrom(undefined, 'Ada', 'ada', 'ADA', 'Bert', ''),
});

/**
 * Kills: a xuid or gamertag without its owner being checked, a record that is put where another is, an
 * issuer left out of the id.
 */
test('players who come to two nodes at the same time: xuids never change, none has two users', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(user, { maxLength: 12 }), async (s, came) => {
      const memory = openMemoryStore();
      // Other nodes come in between any two steps.
      const store = {
        record: s.scheduleFunction(memory.record.bind(memory)),
        commitRecords: s.scheduleFunction(memory.commitRecords.bind(memory)),
      };
      const nodes = [openOutsideUsers(store), openOutsideUsers(store)];
      const coming = came.map(async (one, i) => ({ one, known: await nodes[i % 2]?.know(one) }));
      const all = await s.waitFor(Promise.all(coming));
      // And once more, when all is quiet.
      const quiet = openOutsideUsers(memory);
      const idOf = ({ issuer, id }: (typeof came)[number]) => `${issuer} ${id}`;
      const last = new Map<string, KnownUser>();
      for (const { one } of all) {
        const known = await quiet.know({ issuer: one.issuer, id: one.id });
        assert.ok(!(known instanceof Refusal));
        last.set(idOf(one), known);
      }
      for (const { one, known } of all) {
        assert.ok(known !== undefined && !(known instanceof Refusal));
        assert.equal(known.xid, last.get(idOf(one))?.xid);
      }
      const users = [...last.values()];
      assert.equal(new Set(users.map(({ xid }) => xid)).size, users.length);
      const tags = users.map(({ gtg }) => gtg.normalize('NFKC').toLowerCase());
      assert.equal(new Set(tags).size, users.length);
    }),
    { numRuns: 150 },
  );
});

const statement = fc.record({
  userHash: fc.constantFrom('11', '12', '13'),
  xuid: fc.constantFrom('1', '2', '3'),
});

/** Kills: a xuid that is pinned without its owner being checked, an answer that says another was pinned. */
test('statements that come to two nodes at the same time: what is pinned is one xuid for one user hash', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(statement, { maxLength: 10 }), async (s, came) => {
      const memory = openMemoryStore();
      const store = {
        record: s.scheduleFunction(memory.record.bind(memory)),
        commitRecords: s.scheduleFunction(memory.commitRecords.bind(memory)),
      };
      const nodes = [openOutsideUsers(store), openOutsideUsers(store)];
      const coming = came.map(async (one, i) => ({
        one,
        pinned: await nodes[i % 2]?.pin(one.userHash, one.xuid),
      }));
      const all = await s.waitFor(Promise.all(coming));
      const quiet = openOutsideUsers(memory);
      const xuidOf = new Map<string, string>();
      for (const { one, pinned } of all) {
        const known = await quiet.knownByHash(one.userHash);
        if (known !== undefined) xuidOf.set(one.userHash, known.xid);
        if (pinned === undefined || pinned instanceof Refusal) continue;
        assert.equal(pinned.xid, one.xuid);
        assert.equal(known?.xid, one.xuid);
      }
      assert.equal(new Set(xuidOf.values()).size, xuidOf.size);
    }),
    { numRuns: 150 },
  );
});
