import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObservedEvent } from './events.ts';
import { type MetricsPorts, openMetrics } from './metrics.ts';

const nothing = {
  sessions: 0,
  joined: 0,
  reserved: 0,
  activities: 0,
  invites: 0,
  transfers: 0,
};

function open(more: Partial<MetricsPorts> = {}) {
  return openMetrics({
    version: '1.2.3',
    store: 'memory',
    auth: 'dev',
    connectionsCount: () => 7,
    problemsCount: () => 2,
    isReady: async () => false,
    countStored: async () => ({ ...nothing, sessions: 3, reserved: 8, activities: 5 }),
    elapsedMs: () => 0,
    ...more,
  });
}

test('what no request shows is counted too', async () => {
  const { observe, format } = open();
  const events: readonly ObservedEvent[] = [
    { kind: 'conflict', atMs: 0, key: 'k', attempt: 1, isLast: false },
    { kind: 'conflict', atMs: 0, key: 'k', attempt: 10, isLast: true },
    {
      kind: 'storeCalled',
      call: 'commit',
      requestId: undefined,
      durationMs: 4,
      isFailed: true,
    },
    { kind: 'groupCommitted', writesCount: 12, isFailed: false },
    { kind: 'busPublished', topic: 'node', durationMs: 1, isFailed: true },
    { kind: 'sweep', atMs: 0, durationMs: 2, sessionsCount: 4, invitesCount: 5, isFailed: true },
    { kind: 'resyncSent', atMs: 0, connection: 'c', xuid: '1' },
    { kind: 'connectionClosed', atMs: 0, connection: 'c', xuid: '1', why: 'slow' },
    { kind: 'handlesCommitted', atMs: 0, madeHandle: undefined, removedHandles: ['a', 'b'] },
    { kind: 'ticket', atMs: 0, change: 'created', hopper: 'duel', ticketId: 't', waitedMs: 0 },
    { kind: 'ticket', atMs: 0, change: 'found', hopper: 'duel', ticketId: 't', waitedMs: 3_000 },
    { kind: 'match', atMs: 0, hopper: 'duel', ticketIds: ['t'], playersCount: 4, target: 'k' },
    { kind: 'hopperWorked', atMs: 0, hopper: 'duel', durationMs: 1, population: 9 },
    { kind: 'clockMoved', atMs: 0, toMs: 1 },
  ];
  for (const event of events) observe(event);
  const lines = new Set((await format()).split('\n'));
  for (const line of [
    'openmpsd_build_info{version="1.2.3",store="memory",auth="dev"} 1',
    'openmpsd_ready 0',
    'openmpsd_problems 2',
    'openmpsd_rta_connections 7',
    'openmpsd_sessions 3',
    'openmpsd_members{status="joined"} 0',
    'openmpsd_members{status="reserved"} 8',
    'openmpsd_handles{type="activity"} 5',
    'openmpsd_handles{type="transfer"} 0',
    'openmpsd_commit_conflicts_total{outcome="tried_again"} 1',
    'openmpsd_commit_conflicts_total{outcome="given_up"} 1',
    'openmpsd_store_call_duration_seconds_bucket{le="0.0025",call="commit"} 0',
    'openmpsd_store_call_duration_seconds_bucket{le="0.005",call="commit"} 1',
    'openmpsd_store_call_failures_total{call="commit"} 1',
    'openmpsd_store_group_writes_sum 12',
    'openmpsd_bus_publish_failures_total{topic="node"} 1',
    'openmpsd_sweep_duration_seconds_count{outcome="failed"} 1',
    'openmpsd_swept_sessions_total 4',
    'openmpsd_swept_invites_total 5',
    'openmpsd_resyncs_total 1',
    'openmpsd_rta_connections_closed_total{reason="slow"} 1',
    'openmpsd_handles_removed_total 2',
    'openmpsd_match_tickets_total{hopper="duel",change="found"} 1',
    'openmpsd_match_ticket_wait_seconds_sum{hopper="duel",change="found"} 3',
    'openmpsd_matches_total{hopper="duel"} 1',
    'openmpsd_matched_players_total{hopper="duel"} 4',
    'openmpsd_hopper_waiting_players{hopper="duel"} 9',
  ]) {
    assert.ok(
      lines.has(line),
      `${line}\n${[...lines].filter((one) => one.startsWith(line.split(/[{ ]/)[0] ?? '')).join('\n')}`,
    );
  }
});

// Kills: everything counted with each scrape, or by two scrapes at once; scrapes that wait for each count;
// a large store counted most of the time; a count that fails taken for none.
test('what is stored is counted rarely, and the last count stands meanwhile', async () => {
  let nowMs = 0;
  let counts = 0;
  let takesMs = 0;
  let isAway = false;
  const { format } = open({
    elapsedMs: () => nowMs,
    async countStored() {
      counts += 1;
      nowMs += takesMs;
      if (isAway) throw new Error('the store is away');
      return { ...nothing, sessions: 10 * counts };
    },
  });
  const shown = async (): Promise<string | undefined> =>
    /^openmpsd_sessions (\S+)$/m.exec(await format())?.[1];
  isAway = true;
  assert.equal(await shown(), 'Nan');
  isAway = false;
  counts = 0;
  assert.deepEqual(await Promise.all([shown(), shown()]), ['10', '10']);
  nowMs = 59_999;
  assert.equal(await shown(), '10');
  assert.equal(counts, 1);
  nowMs = 60_000;
  assert.equal(await shown(), '10');
  assert.equal(await shown(), '20');
  isAway = true;
  nowMs = 120_000;
  assert.deepEqual([await shown(), await shown()], ['20', '20']);
  isAway = false;
  takesMs = 10_000;
  await shown();
  const counted = await shown();
  assert.notEqual(counted, '20');
  nowMs += 189_999;
  assert.deepEqual([await shown(), await shown()], [counted, counted]);
  nowMs += 1;
  await shown();
  assert.notEqual(await shown(), counted);
});
