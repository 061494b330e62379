import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  come,
  initializingTemplate,
  measuredSession,
  tokenOf,
  type Reports,
} from '../../testing/initialization-samples.ts';
import { ada, bert, cleo, dora, write } from '../../testing/samples.ts';
import type { JsonObject } from '../json.ts';
import { evaluateMeasurements, groupsOf } from './evaluation.ts';
import type { Member } from './session.ts';

const users = [ada, bert, cleo, dora];
const names = 'abcd';

const p2p = { peerToPeerRequirements: { latencyMaximum: 100, bandwidthMinimum: 1_000 } };
const p2h = {
  peerToHostRequirements: {
    latencyMaximum: 100,
    bandwidthDownMinimum: 2_000,
    bandwidthUpMinimum: 1_000,
  },
};

/** The members that fail and why, as `a latency, b group`. */
function failuresOf(
  reports: Reports,
  constants: JsonObject,
  more: { readonly groups?: readonly (readonly number[])[]; readonly established?: number } = {},
): string {
  const session = measuredSession(users, reports, constants, more.groups);
  const established = session.members.slice(0, more.established ?? 0);
  const members = session.members.slice(more.established ?? 0);
  const { failures } = evaluateMeasurements(session, members, established);
  return [...failures]
    .sort(([a], [b]) => a - b)
    .map(([index, failure]) => `${names[index]} ${failure}`)
    .join(', ');
}

/** Connections that are not good, by the letters of their two ends. */
const peerCases: readonly (readonly [
  what: string,
  reports: Reports,
  expected: string,
  more?: Parameters<typeof failuresOf>[2],
])[] = [
  ['all are well connected', {}, ''],
  ['a latency at its maximum', { ab: { latency: 100 } }, ''],
  ['one above it', { ab: { latency: 101 } }, 'b latency'],
  ['reported by the other end', { ba: { latency: 101 } }, 'b latency'],
  ['too little down', { ab: { bandwidthDown: 999 } }, 'b bandwidthdown'],
  ['too little up', { ab: { bandwidthUp: 999 } }, 'b bandwidthup'],
  ['down and up', { ab: { bandwidthUp: 9, bandwidthDown: 9 } }, 'b bandwidthdown'],
  ['all of it', { ab: { latency: 999, bandwidthUp: 9, bandwidthDown: 9 } }, 'b latency'],
  [
    'one metric missing, another bad',
    { ab: { latency: undefined, bandwidthUp: 9 } },
    'b bandwidthup',
  ],
  ['two bad connections', { ab: { bandwidthUp: 9 }, cb: { latency: 101 } }, 'b latency'],
  ['one metric missing', { ab: { bandwidthUp: undefined } }, 'b network'],
  ['one not measured', { cd: null }, 'd network'],
  ['nothing reported', { a: null }, 'a timeout'],
  // @source docs/wire/unknowns.md "who fails for a bad connection"
  ['one who is bad with all', { ab: { latency: 101 }, ac: null, da: null }, 'a latency'],
  ['two pairs', { ab: null, cd: null }, 'b network, d network'],
  ['a chain', { ab: null, bc: null, cd: null }, 'b network, c network'],
  ['a group of which one is bad', { ab: null }, 'b network, c group', { groups: [[], [2]] }],
  ['a group, named by the other', { ab: null }, 'b network, c group', { groups: [[], [], [1]] }],
  [
    'a group through a third',
    { ab: null },
    'b network, c group, d group',
    { groups: [[], [2], [3]] },
  ],
  ['a group that is bad inside', { bc: null }, 'b network, c network', { groups: [[], [2]] }],
  ['a group of one who reported nothing', { b: null }, 'b timeout, c group', { groups: [[], [2]] }],
  ['a group of somebody else', { ab: null }, 'b network', { groups: [[7], [9]] }],
  ['somebody established', { ba: null }, 'b network', { established: 1 }],
  ['established ones who report nothing', { a: null, b: null }, '', { established: 2 }],
  [
    'all bad with one who is established',
    { ba: null, ca: null, da: null },
    'b network, c network, d network',
    { established: 1 },
  ],
];

for (const [what, reports, expected, more] of peerCases) {
  test(`peer to peer, ${what}: ${expected || 'all pass'}`, () => {
    assert.equal(failuresOf(reports, p2p, more), expected);
  });
}

test('a metric that is off is not required', () => {
  const reports = { ab: { bandwidthUp: 0, bandwidthDown: undefined } };
  assert.equal(failuresOf(reports, { ...p2p, metrics: { latency: true } }), '');
  assert.equal(
    failuresOf({ ab: { latency: 101 } }, { ...p2p, metrics: { latency: true } }),
    'b latency',
  );
});

test('without requirements only members without measurements fail', () => {
  const reports = { a: null, bc: null, cd: { latency: 9_999 } };
  assert.equal(failuresOf(reports, { metrics: { latency: true } }), 'a timeout');
});

test('users of one device need not measure each other', () => {
  const near = { ...bert, deviceId: ada.deviceId ?? '' };
  const session = measuredSession([ada, near], { ab: null, ba: null }, p2p);
  assert.equal(evaluateMeasurements(session, session.members, []).failures.size, 0);
});

/** With requirements on the connection to the host: the members that fail, and possible hosts. */
const hostCases: readonly (readonly [
  what: string,
  reports: Reports,
  expected: string,
  candidates: string,
  more?: Parameters<typeof failuresOf>[2],
])[] = [
  ['all are equal', {}, '', 'abcd'],
  ['a pair that is no host', { bc: null, cb: null }, '', 'ad'],
  ['the requirement is what members tell of the host', { ab: { bandwidthDown: 1_999 } }, '', 'acd'],
  ['up', { ab: { bandwidthUp: 999 } }, '', 'acd'],
  ['one who reaches nobody', { ab: null, ac: null, ad: null }, '', 'a'],
  [
    // @source docs/wire/unknowns.md "hosts and their order"
    'no host for all: the one with whom the most pass',
    { ab: { latency: 500 }, ac: null, ad: null, ba: null, ca: null },
    'a latency',
    'bcd',
  ],
  [
    'a group of who fails',
    { ab: null, ac: null, ad: null, ba: null, ca: null },
    'a network, b group',
    'cd',
    { groups: [[1]] },
  ],
  [
    'the nearest is the best',
    { ad: { latency: 1 }, bd: { latency: 1 }, cd: { latency: 1 } },
    '',
    'dabc',
  ],
  // @source docs/wire/unknowns.md "hosts and their order"
  ['by the worst connection', { ab: { latency: 1 }, cb: { latency: 90 } }, '', 'acdb'],
  [
    'somebody established may be host',
    { ba: { latency: 1 }, ca: { latency: 1 }, da: { latency: 1 } },
    '',
    'abcd',
    { established: 1 },
  ],
];

for (const [what, reports, expected, candidates, more] of hostCases) {
  test(`peer to host, ${what}: ${expected || 'all pass'}, hosts ${candidates}`, () => {
    assert.equal(failuresOf(reports, p2h, more), expected);
    assert.equal(hostsOf(reports, p2h, more), candidates);
  });
}

function hostsOf(
  reports: Reports,
  constants: JsonObject,
  more: Parameters<typeof failuresOf>[2] = {},
): string {
  const session = measuredSession(users, reports, constants, more.groups);
  const { members } = session;
  const { established = 0 } = more;
  const { hostCandidates } = evaluateMeasurements(
    session,
    members.slice(established),
    members.slice(0, established),
  );
  const letterOf = new Map(users.map((user, n) => [tokenOf(user), names[n]]));
  return hostCandidates.map((token) => letterOf.get(token)).join('');
}

const toB = (measurement: JsonObject): Reports => ({
  ab: measurement,
  cb: measurement,
  db: measurement,
});

for (const [metric, best, worst] of [
  ['latency', { latency: 1 }, { latency: 99 }],
  [
    'bandwidthdown',
    { bandwidthDown: 300_000, latency: 99 },
    { bandwidthDown: 100_000, latency: 1 },
  ],
  ['bandwidthup', { bandwidthUp: 300_000, latency: 99 }, { bandwidthUp: 100_000, latency: 1 }],
  [
    'bandwidth',
    { bandwidthUp: 100_000, bandwidthDown: 301_000 },
    { bandwidthUp: 300_000, bandwidthDown: 99_000 },
  ],
] as const) {
  test(`hosts in the order of ${metric}`, () => {
    const constants = {
      peerToHostRequirements: { ...p2h.peerToHostRequirements, hostSelectionMetric: metric },
    };
    assert.equal(hostsOf(toB(best), constants), 'bacd');
    assert.equal(hostsOf(toB(worst), constants), 'acdb');
  });
}

test('with both kinds of requirements, a host is chosen for those who go together', () => {
  const both = { ...p2p, ...p2h };
  const reports: Reports = { ab: null, ac: null, ad: null };
  assert.equal(failuresOf(reports, both), 'a network');
  assert.equal(hostsOf(reports, both), 'bcd');
});

// @source docs/wire/unknowns.md "who is of a group"
test('groups are those who name each other, over as many steps as it takes', () => {
  const template = initializingTemplate();
  const [member] = write(undefined, come(ada), { template }).members;
  const named: readonly (readonly [index: number, group: readonly number[]])[] = [
    [0, [3]],
    [1, []],
    [2, [5]],
    [3, [2]],
    [4, [4, 9]],
  ];
  const members = named.map(([index, initializationGroup]) => ({
    ...(member as Member),
    index,
    properties: { system: { initializationGroup }, custom: {} },
  }));
  const groups = groupsOf(members).map((group) => group.map(({ index }) => index).sort());
  assert.deepEqual(
    groups.sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0)),
    [[0, 2, 3], [1], [4]],
  );
});
