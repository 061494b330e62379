import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { measuredSession, tokenOf, type Reports } from '../../testing/initialization-samples.ts';
import { sampleUser } from '../../testing/samples.ts';
import { evaluateMeasurements, type Failures } from './evaluation.ts';
import { initializationFailures } from './session.ts';

const users = [1, 2, 3, 4, 5].map((n) => sampleUser(n, `Player ${n}`));
const letters = ['a', 'b', 'c', 'd', 'e'];

type Network = {
  readonly reports: Reports;
  readonly groups: readonly (readonly number[])[];
  readonly established: number;
};

const anyConnection = fc.constantFrom<Reports[string]>(
  null,
  { latency: 101 },
  { bandwidthDown: 1 },
  { bandwidthUp: 1, latency: 500 },
);

const anyNetwork: fc.Arbitrary<Network> = fc.record({
  reports: fc
    .tuple(
      fc.dictionary(
        fc
          .tuple(fc.constantFrom(...letters), fc.constantFrom(...letters))
          .map((ends) => ends.join('')),
        anyConnection,
        { maxKeys: 6 },
      ),
      fc.oneof(
        { weight: 3, arbitrary: fc.constant({}) },
        fc.constantFrom(...letters).map((late) => ({ [late]: null })),
      ),
    )
    .map(([pairs, late]) => ({ ...pairs, ...late })),
  groups: fc.array(fc.subarray([0, 1, 2, 3, 4], { maxLength: 1 }), { maxLength: 5 }),
  established: fc.nat(2),
});

const p2p = { peerToPeerRequirements: { latencyMaximum: 100, bandwidthMinimum: 1_000 } };
const p2h = { peerToHostRequirements: { latencyMaximum: 100, bandwidthDownMinimum: 1_000 } };

function evaluate(network: Network, constants: typeof p2p | typeof p2h) {
  const session = measuredSession(users, network.reports, constants, network.groups);
  const { established, members } = {
    established: session.members.slice(0, network.established),
    members: session.members.slice(network.established),
  };
  return evaluateMeasurements(session, members, established);
}

/** True when user `n` reports a bad connection to `to`, by how the network was made. */
function isBad({ reports, established }: Network, from: number, to: number): boolean {
  if (from < established || from === to) return false;
  const ends = `${letters[from]}${letters[to]}`;
  return (
    isSilent({ reports }, from) || (Object.hasOwn(reports, ends) && reports[ends] !== undefined)
  );
}

function isSilent({ reports }: Pick<Network, 'reports'>, n: number): boolean {
  return reports[letters[n] ?? ''] === null;
}

const arePaired = (network: Network, a: number, b: number): boolean =>
  isBad(network, a, b) || isBad(network, b, a);

/** The users who pass or fail together with user `n`, found step by step. */
function companionsOf({ groups, established }: Network, n: number): readonly number[] {
  const reached = new Set([n]);
  for (const one of reached) {
    for (const other of [0, 1, 2, 3, 4]) {
      const isNamed =
        groups[one]?.includes(other) === true || groups[other]?.includes(one) === true;
      if (isNamed && other >= established) reached.add(other);
    }
  }
  return [...reached].sort();
}

/** The members of the episode, and which of them pass. */
function partsOf({ established }: Network, failures: Failures) {
  const members = [0, 1, 2, 3, 4].filter((n) => n >= established);
  return {
    members,
    passing: members.filter((n) => !failures.has(n)),
    failing: members.filter((n) => failures.has(n)),
  };
}

/**
 * The rule, slowly: of all sets of whole groups in which nobody is late, and everybody is well
 * connected to everybody and to the established. The first that the order of admission finds.
 */
function slowlyPassing(network: Network): readonly number[] {
  const { members } = partsOf(network, new Map());
  const eligible = members.filter((n) =>
    companionsOf(network, n).every((one) => !isSilent(network, one)),
  );
  const bad = (n: number): number => eligible.filter((one) => arePaired(network, n, one)).length;
  const groups = [...new Set(eligible.map((n) => companionsOf(network, n).join()))].map((key) =>
    key.split(',').map(Number),
  );
  const badOf = (group: readonly number[]): number => group.map(bad).reduce((a, b) => a + b, 0);
  groups.sort((a, b) => badOf(a) - badOf(b) || (a[0] ?? 0) - (b[0] ?? 0));
  const inside = [0, 1, 2, 3, 4].slice(0, network.established);
  for (const group of groups) {
    const together = [...inside, ...group];
    if (group.every((a) => together.every((b) => !arePaired(network, a, b)))) inside.push(...group);
  }
  return inside.filter((n) => n >= network.established).sort();
}

// Kills: admission by index only; the report of one end only; groups by one step of naming.
test('peer to peer agrees with a slow implementation of the rule', () => {
  fc.assert(
    fc.property(anyNetwork, (network) => {
      const { passing } = partsOf(network, evaluate(network, p2p).failures);
      assert.deepEqual(passing, slowlyPassing(network));
    }),
    { numRuns: 300 },
  );
});

// Kills: a group that is compared with members admitted before it, but not within itself;
// established members left out.
test('members that pass peer to peer are well connected to all who pass, and no failed member would be', () => {
  fc.assert(
    fc.property(anyNetwork, (network) => {
      const { failures } = evaluate(network, p2p);
      const { members, passing, failing } = partsOf(network, failures);
      const inside = [...[0, 1, 2, 3, 4].slice(0, network.established), ...passing];
      for (const a of passing) {
        for (const b of inside) assert.ok(!arePaired(network, a, b), `${a} and ${b}`);
        for (const b of companionsOf(network, a)) assert.ok(passing.includes(b), 'a whole group');
      }
      for (const n of failing) {
        const group = companionsOf(network, n);
        const all = [...inside, ...group];
        const fits = group.every(
          (a) => !isSilent(network, a) && all.every((b) => !arePaired(network, a, b)),
        );
        assert.ok(!fits, `${n} could have passed`);
      }
      for (const n of [...passing, ...failing]) {
        // One bad member does not cost members without a bad connection.
        const isGood = companionsOf(network, n).every(
          (one) =>
            !isSilent(network, one) &&
            members.every((b) => isSilent(network, b) || !arePaired(network, one, b)) &&
            inside.every((b) => !arePaired(network, one, b)),
        );
        if (isGood) assert.ok(passing.includes(n));
      }
    }),
    { numRuns: 300 },
  );
});

/** What the two users report of their connection, as failures. */
function reasonsOf({ reports, established }: Network, a: number, b: number): readonly string[] {
  return [
    { from: a, ends: `${letters[a]}${letters[b]}` },
    { from: b, ends: `${letters[b]}${letters[a]}` },
  ]
    .filter(({ from, ends }) => a !== b && from >= established && Object.hasOwn(reports, ends))
    .flatMap(({ ends }) => {
      const bad = reports[ends];
      return bad === null ? ['network'] : Object.keys(bad ?? {}).map((one) => one.toLowerCase());
    });
}

// Kills: the first problem found given in place of the foremost; what a late member does not report
// held against its group; a group failing for timeout as a whole.
test('each member that fails has the first true reason of the precedence', () => {
  fc.assert(
    fc.property(anyNetwork, (network) => {
      const { failures } = evaluate(network, p2p);
      const { members, passing } = partsOf(network, failures);
      const inside = [...[0, 1, 2, 3, 4].slice(0, network.established), ...passing];
      for (const [n, failure] of failures) {
        const others = [...inside, ...companionsOf(network, n)].filter(
          (one) => !members.includes(one) || !isSilent(network, one),
        );
        const reasons = others.flatMap((one) => reasonsOf(network, n, one));
        const expected = isSilent(network, n)
          ? 'timeout'
          : initializationFailures.find((one) => [...reasons, 'group'].includes(one));
        assert.equal(failure, expected);
      }
    }),
    { numRuns: 300 },
  );
});

// Kills: candidates who are not good for all who pass; the candidate with the fewest chosen; members
// who are late let in.
test('peer to host, there is a host for all who pass, and none for more', () => {
  fc.assert(
    fc.property(anyNetwork, (network) => {
      const { failures, hostCandidates } = evaluate(network, p2h);
      const { members, passing } = partsOf(network, failures);
      const onTime = members.filter((n) =>
        companionsOf(network, n).every((one) => !isSilent(network, one)),
      );
      const goWith = (host: number): readonly number[] => {
        const going = onTime.filter((n) =>
          companionsOf(network, n).every((one) => !isBad(network, one, host)),
        );
        return host < network.established || going.includes(host) ? going : [];
      };
      const hosts = [...[0, 1, 2, 3, 4].slice(0, network.established), ...onTime];
      const most = Math.max(0, ...hosts.map((host) => goWith(host).length));
      assert.equal(passing.length, most);
      const able = hosts.filter((host) => passing.every((n) => goWith(host).includes(n)));
      const tokens = passing.length > 0 ? able.flatMap((n) => users[n] ?? []).map(tokenOf) : [];
      assert.deepEqual([...hostCandidates].sort(), tokens.sort());
    }),
    { numRuns: 300 },
  );
});
