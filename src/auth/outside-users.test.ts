import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../domain/refusal.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { type KnownUser, openOutsideUsers, type OutsideUsers } from './outside-users.ts';

const issuer = 'https://issuer.example';

function known(user: KnownUser | Refusal): KnownUser {
  assert.ok(!(user instanceof Refusal), String((user as Refusal).text));
  return user;
}

async function know(users: OutsideUsers, id: string, name?: string, of = issuer) {
  return known(await users.know({ issuer: of, id, name }));
}

test('an id has one xuid, on every node and for good; ids that differ in case are two users', async () => {
  const store = openMemoryStore();
  const [here, there] = [openOutsideUsers(store), openOutsideUsers(store)];
  const ada = await know(here, '7f6f4dc0-auth0|Ada', 'Ada');
  assert.match(ada.xid, /^2535[0-9]{12}$/);
  assert.equal(ada.gtg, 'Ada');
  assert.deepEqual(await know(there, '7f6f4dc0-auth0|Ada', 'Ada'), ada);
  const other = await know(there, '7f6f4dc0-auth0|ada', 'Bert');
  assert.notEqual(other.xid, ada.xid);
  const elsewhere = await know(there, '7f6f4dc0-auth0|Ada', 'Cleo', 'https://other.example');
  assert.notEqual(elsewhere.xid, ada.xid);
});

test('a decimal id is the xuid itself, unless another user has it', async () => {
  const users = openOutsideUsers(openMemoryStore());
  assert.equal((await know(users, '76561197960287930')).xid, '76561197960287930');
  for (const id of ['1'.repeat(21), '0', '0052', String(2n ** 64n)]) {
    assert.match((await know(users, id)).xid, /^2535/, id);
  }
  const made = await know(users, 'some-id');
  const late = await know(users, made.xid);
  assert.notEqual(late.xid, made.xid);
  assert.equal((await know(users, 'some-id')).xid, made.xid);
  assert.equal((await know(users, made.xid)).xid, late.xid);
});

test('a xuid that another user has is not given again', async () => {
  const store = openMemoryStore();
  const free = openOutsideUsers(store);
  const { xid: first } = await know(openOutsideUsers(openMemoryStore()), 'some-id');
  // As if the digests of two ids had met.
  await store.commitRecords('xuids', first, [{ id: '1', value: { owner: 'somebody else' } }]);
  const second = await know(free, 'some-id');
  assert.match(second.xid, /^2535[0-9]{12}$/);
  assert.notEqual(second.xid, first);
  assert.equal((await know(free, 'some-id')).xid, second.xid);
});

test('gamertags are unique but for case and width, and keep to what can be shown', async () => {
  const users = openOutsideUsers(openMemoryStore());
  assert.equal((await know(users, 'a', 'Ada')).gtg, 'Ada');
  const { gtg } = await know(users, 'b', 'aDA');
  assert.match(gtg, /^aDA#[0-9]{4}$/);
  assert.equal((await know(users, 'b', 'aDA')).gtg, gtg);
  assert.match((await know(users, 'c', 'Ａｄａ')).gtg, /^Ａｄａ#[0-9]{4}$/u);
  assert.equal((await know(users, 'd', '  Zo\u0000ë \u202e\n Q ')).gtg, 'Zoë Q');
  assert.equal([...(await know(users, 'e', '🎮'.repeat(99))).gtg].length, 32);
  assert.match((await know(users, 'f', '\u0000')).gtg, /^Player [0-9]{4}$/);
  assert.match((await know(users, 'g')).gtg, /^Player [0-9]{4}$/);
});

test('a gamertag follows the name that the issuer says, and the former one stays reserved', async () => {
  const users = openOutsideUsers(openMemoryStore());
  const ada = await know(users, 'a', 'Ada');
  assert.deepEqual(await know(users, 'a'), ada);
  assert.deepEqual(await know(users, 'a', 'Ada Lovelace'), { ...ada, gtg: 'Ada Lovelace' });
  assert.match((await know(users, 'b', 'ada')).gtg, /^ada#[0-9]{4}$/);
  assert.deepEqual(await know(users, 'a', 'ADA LOVELACE'), { ...ada, gtg: 'Ada Lovelace' });
  assert.deepEqual(await know(users, 'a', 'Ada'), ada);
});

test('an id that cannot be one is refused', async () => {
  const users = openOutsideUsers(openMemoryStore());
  for (const id of ['', 'x'.repeat(1_025), '\ud800']) {
    assert.ok((await users.know({ issuer, id })) instanceof Refusal);
  }
  assert.ok((await know(users, 'x'.repeat(1_024))).xid);
  assert.ok((await know(users, 'with space\n☃')).xid);
});

test('a user hash has one xuid and a xuid one user hash; the first statement stays', async () => {
  const store = openMemoryStore();
  const users = openOutsideUsers(store);
  assert.equal(await users.knownByHash('11'), undefined);
  const ada = known(await users.pin('11', '2533274790395904'));
  assert.equal(ada.xid, '2533274790395904');
  assert.equal(ada.gtg, 'Player 5904');
  assert.deepEqual(await openOutsideUsers(store).knownByHash('11'), ada);
  assert.deepEqual(await users.pin('11', '2533274790395904'), ada);
  for (const [hash, xuid] of [
    ['11', '5'],
    ['12', '2533274790395904'],
  ] as const) {
    const refusal = await users.pin(hash, xuid);
    assert.ok(refusal instanceof Refusal);
    assert.match(refusal.text, /contradicts/);
  }
  // The refused statements have left nothing behind.
  assert.equal(await users.knownByHash('12'), undefined);
  assert.equal(known(await users.pin('12', '5')).xid, '5');
});
