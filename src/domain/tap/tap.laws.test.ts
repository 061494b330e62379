import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeTypeNames } from '../../testing/change-type-names.ts';
import fc from 'fast-check';
import { anyPlot, play } from '../../testing/arbitraries.ts';
import { xuidOf } from '../caller.ts';
import { isJsonObject, jsonEquals, type Json, type JsonObject } from '../json.ts';
import type { Session } from '../session/session.ts';
import { viewSession } from '../session/view.ts';
import type { Milliseconds } from '../time.ts';
import { changeOf } from '../session/session-change.ts';
import { type ChangeType, changeTypesOf } from './change-types.ts';
import { isOfMember, tapOf } from './tap.ts';
import { Hits } from '../../testing/hits.ts';

type Change = {
  readonly before: Session;
  readonly after: Session | undefined;
  readonly nowMs: Milliseconds;
  readonly byXuid: string | undefined;
};

/** Every change of many histories, by time and by writes. */
function everyChange(check: (change: Change) => void): void {
  fc.assert(
    fc.property(anyPlot, (plot) => {
      for (const turn of play(plot)) {
        const { before, after, nowMs } = turn;
        if (before === undefined || before === after) continue;
        const by = turn.cause === 'write' ? turn.circumstances.by : undefined;
        const byXuid = by && xuidOf(by);
        check({ before, after, nowMs, byXuid });
      }
    }),
  );
}

const at = (value: Json | undefined, ...keys: readonly string[]): Json | undefined =>
  keys.reduce<Json | undefined>(
    (found, key) => (isJsonObject(found) && Object.hasOwn(found, key) ? found[key] : undefined),
    value,
  );

function differs(a: JsonObject, b: JsonObject, ...keys: readonly string[]): boolean {
  return !jsonEquals(at(a, ...keys), at(b, ...keys));
}

/** Written out or not, none is none. */
function restriction(document: JsonObject): Json {
  return at(document, 'properties', 'system', 'joinRestriction') ?? 'none';
}

/** The types of a change that clients could see in its two documents. */
function typesByDocuments(before: Session, next: Session): ReadonlySet<ChangeType> {
  const [a, b] = [viewSession(before, 107), viewSession(next, 107)];
  const types = new Set<ChangeType>();
  const membersOf = (document: JsonObject) =>
    new Map(Object.entries((document['members'] ?? {}) as JsonObject));
  const [former, present] = [membersOf(a), membersOf(b)];
  const seats = before.constants.system.maxMembersCount;
  if (differs(a, b, 'properties', 'system', 'host')) types.add('host');
  if (
    differs(a, b, 'properties', 'system', 'closed') ||
    differs(a, b, 'properties', 'system', 'locked') ||
    restriction(a) !== restriction(b) ||
    former.size >= seats !== present.size >= seats
  ) {
    types.add('joinability');
  }
  if (differs(a, b, 'properties', 'custom')) types.add('customProperty');
  for (const index of new Set([...former.keys(), ...present.keys()])) {
    const [then, now] = [former.get(index), present.get(index)];
    if (then === undefined || now === undefined) types.add('membersList');
    if (!jsonEquals(at(then, 'roles'), at(now, 'roles'))) types.add('roles');
    if (now === undefined) continue;
    const custom = at(now, 'properties', 'custom') ?? {};
    if (!jsonEquals(at(then, 'properties', 'custom') ?? {}, custom))
      types.add('membersCustomProperty');
    if (then === undefined) continue;
    const status = (member: Json): readonly unknown[] => [
      at(member, 'properties', 'system', 'active'),
      at(member, 'properties', 'system', 'ready'),
      at(member, 'reserved'),
    ];
    if (!jsonEquals(status(then), status(now))) types.add('membersStatus');
    if (at(then, 'reserved') === true && at(now, 'reserved') === undefined)
      types.add('membersList');
  }
  if (differs(a, b, 'properties', 'system', 'scheduledTime')) types.add('scheduledTime');
  if (differs(a, b, 'properties', 'system', 'allocateCloudCompute')) types.add('cloudCompute');
  return types;
}

const typesOfMembers = ['membersList', 'membersStatus', 'membersCustomProperty'] as const;

// Kills: a property left out of the comparison; fullness forgotten; the custom properties of members
// who join forgotten; roles forgotten; a reservation that is taken up not counted as joining.
test('the types of a change are those that its two documents show', () => {
  const hits = new Hits();
  everyChange(({ before, after }) => {
    if (after === undefined || after.changeNumber === before.changeNumber) return;
    hits.count();
    const types = new Set(changeTypeNames(changeTypesOf(before, after)));
    assert.ok(types.delete('everything'));
    // True of every change of a member, also of hidden ones.
    const isOfMembers = types.delete('membersOnly');
    assert.ok(isOfMembers || !typesOfMembers.some((type) => types.has(type)));
    // The documents of this test do not show these in one place.
    for (const type of ['initialization', 'matchmakingStatus'] as const) types.delete(type);
    assert.deepEqual([...types].sort(), [...typesByDocuments(before, after)].sort());
  });
  hits.assertAtLeast(80);
});

/** Few, shared by members and by sessions, so that a cached value must fit them all. */
const subscriptions = [['everything'], ['membersList', 'HOST'], [], undefined].map(
  (changeTypes, n) => ({
    id: `81A3266D-0000-4000-8000-00000000000${n}`,
    ...(changeTypes && { changeTypes }),
  }),
);

/** Most members subscribed, some on one connection; with each write on other ones. */
function subscribed(session: Session): Session {
  const members = session.members.map((member) => {
    const kind = member.index % subscriptions.length;
    const subscription = subscriptions[kind];
    if (subscription === undefined || subscription.changeTypes?.length === 0) return member;
    const node = (kind + session.changeNumber) % 2 === 0 ? '85B4056A' : '95B4056A';
    const connection = `${node}-0000-4000-8000-00000000000${kind}`;
    const system = { ...member.properties.system, connection, subscription };
    return { ...member, properties: { ...member.properties, system } };
  });
  return { ...session, members };
}

// Kills: taps for hidden changes; the writer left out; members who were removed left out; a tap for
// a member who leaves; a filter that is not asked; a subscription without a filter left out; subscriptions or connections in the case of their writer; what
// is kept of a subscription sent to another seat or connection; nodes where nobody listens notified, or
// asked for in the case of the writer; a member forgotten who is not notified.
// @source docs/wire/unknowns.md "subscriptions without change types"
test('a tap goes to those in it, or removed from it by others, who asked for such a change', () => {
  const someHeard = (node: string): boolean => node === '85b4056a';
  everyChange((change) => {
    for (const isHeard of [undefined, someHeard]) checkTold(change, isHeard);
  });
});

function checkTold(change: Change, isHeard: ((node: string) => boolean) | undefined): void {
  const { nowMs, byXuid } = change;
  const [before, after] = [subscribed(change.before), change.after && subscribed(change.after)];
  const tap = tapOf(changeOf(before, after), { atMs: nowMs, byXuid }, isHeard);
  if (after !== undefined && after.changeNumber === before.changeNumber) {
    assert.equal(tap, undefined);
    return;
  }
  const types = after && changeTypeNames(changeTypesOf(before, after));
  // By index: a user who is removed and gets a seat in the same write is notified as the former
  // member.
  const isIn = (index: number): boolean =>
    after?.members.some((one) => one.index === index) ?? true;
  const concerned = [
    ...(after?.members ?? []),
    ...before.members.filter((one) => !isIn(one.index) && one.xuid !== byXuid),
    ...(after === undefined ? before.members : []),
  ];
  const expected = concerned.flatMap(({ xuid, index, properties: { system } }) => {
    const { connection, subscription } = system;
    const asked = (subscription?.changeTypes ?? ['everything']).map((one) => one.toLowerCase());
    const matches = types === undefined || types.some((one) => asked.includes(one.toLowerCase()));
    if (connection === undefined || isHeard?.(connection.slice(0, 8).toLowerCase()) === false)
      return [];
    return subscription !== undefined && matches
      ? [`${xuid} ${index} ${connection.toLowerCase()} ${subscription.id.toLowerCase()}`]
      : [];
  });
  assert.deepEqual(
    (tap?.to ?? [])
      .map((one) => `${one.xuid} ${one.memberIndex} ${one.connection} ${one.subscription}`)
      .sort(),
    expected.sort(),
  );
  if (tap === undefined) return;
  const recipients = tap.to.map(({ xuid }) => xuid);
  const others = (after ?? before).members
    .map(({ xuid }) => xuid)
    .filter((one) => !recipients.includes(one));
  assert.deepEqual(tap.otherXuids ?? [], others);
  for (const xuid of [...recipients, ...others]) assert.ok(isOfMember(tap, xuid));
  assert.ok(!isOfMember(tap, 'nobody'));
  assert.equal(tap.changeNumber, after?.changeNumber);
  assert.equal(tap.branch, before.branch);
  assert.equal(tap.timeMs, nowMs);
}
