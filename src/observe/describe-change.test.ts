import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeOf } from '../domain/session/session-change.ts';
import type { Server, Session } from '../domain/session/session.ts';
import { me, write } from '../testing/samples.ts';
import { describeChange } from './describe-change.ts';

const before = write(undefined, me());

const arbitration = (resultState?: string): Session['servers'] => {
  const system = resultState === undefined ? {} : { resultState };
  const server: Server = {
    constants: { system: {}, custom: {} },
    properties: { system, custom: {} },
  };
  return { arbitration: server };
};

const named = (former: Session | undefined, next: Session | undefined): string =>
  describeChange(changeOf(former, next), String);

// Kills: "the arbitrated game has the result undefined".
test('a result that is taken out, with its server or alone, is said to be gone', () => {
  const decided = { ...before, servers: arbitration('completed') };
  assert.equal(named(before, decided), 'the arbitrated game has the result completed');
  const gone = 'the arbitrated game has no result any more';
  assert.equal(named(decided, { ...decided, servers: {} }), gone);
  assert.equal(named(decided, { ...decided, servers: arbitration() }), gone);
  assert.equal(named({ ...before, servers: arbitration() }, before), 'changed: servers');
});

// Kills: "other members, properties", which reads as members that are others.
test('parts that changed are named where no member says what happened', () => {
  const [member = assert.fail()] = before.members;
  const members = [{ ...member, deviceToken: 'abc' }];
  const properties = { ...before.properties };
  const next = { ...before, members, properties, hostCandidates: ['abc'] };
  assert.equal(named(before, next), 'changed: members, properties, host candidates');
  assert.equal(named(before, { ...before }), 'nothing that clients see');
});

// Kills: "nothing", and "the session begins, the session ends" where there is none.
test('the beginning and the end of a session, and none at all, are said', () => {
  const name = before.members[0]?.gamertag ?? String(before.members[0]?.xuid);
  assert.equal(named(undefined, before), `${name} joins, the session begins`);
  assert.equal(named(before, undefined), `${name} is gone, the session ends`);
  assert.equal(named(undefined, undefined), 'there was and is no session');
});
