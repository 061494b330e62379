/**
 * Metrics in Prometheus' text format. Names and units by its conventions; each label has few values:
 * routes, codes, reasons, hoppers, never a session or a user.
 *
 * docs/metrics.md lists them.
 */

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Milliseconds } from '../domain/time.ts';
import type { ObservedEvent, RequestEnded, SessionCommitted } from './events.ts';

/** What is asked of the server when metrics are read. */
export type MetricsPorts = {
  readonly version: string;
  /** The kind of store: `memory`, `sqlite`, `redis` or `custom`. */
  readonly store: string;
  readonly auth: string;
  /** Open RTA connections of this node. */
  readonly connectionsCount: () => number;
  /** What is wrong with this node now, and does not stop it. */
  readonly problemsCount: () => number;
  /** True while this node takes requests. */
  readonly isReady: () => Promise<boolean>;
  /** What the store holds; it may take seconds. */
  readonly countStored: () => Promise<StoredSums>;
  /** The clock of the machine, for how often what is stored is counted. */
  readonly elapsedMs: () => Milliseconds;
};

/** How many of each are stored. */
export type StoredSums = {
  readonly sessions: number;
  readonly joined: number;
  readonly reserved: number;
  readonly activities: number;
  readonly invites: number;
  readonly transfers: number;
};

export type Metrics = {
  observe(event: ObservedEvent): void;
  /** All metrics as text, for `contentType`. */
  format(): Promise<string>;
  readonly contentType: string;
  /** Their names, without the suffixes of histograms. */
  readonly names: () => readonly string[];
};

/** Upper bounds in seconds: from a read in memory to a store that is nearly lost. */
const secondsBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
const waitSecondsBuckets = [1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];
const groupBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

/** What is stored is counted at most this often. */
const countEveryMs: Milliseconds = 60_000;
/** And after a pause of so many times what the last count took: at most a twentieth of the time. */
const pausePerCount = 19;

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS']);

/** Metrics that count from now on. */
export function openMetrics(ports: MetricsPorts): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name, help, labelNames, registers });
  const histogram = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    buckets: number[] = secondsBuckets,
  ) => new Histogram<L>({ name, help, labelNames, buckets, registers });

  new Gauge({
    name: 'openmpsd_build_info',
    help: 'Always 1; the version and kind of this node.',
    labelNames: ['version', 'store', 'auth'],
    registers,
  })
    .labels(ports.version, ports.store, ports.auth)
    .set(1);
  gauge('openmpsd_ready', '1 while this node takes requests.', async () =>
    Number(await ports.isReady()),
  );
  gauge('openmpsd_problems', 'Problems that do not stop this node, as /health/ready lists.', () =>
    ports.problemsCount(),
  );
  gauge('openmpsd_rta_connections', 'Open RTA connections of this node.', () =>
    ports.connectionsCount(),
  );
  const stored = openSlowCount(ports);
  gauge(
    'openmpsd_sessions',
    'Sessions in the store, counted at most once a minute.',
    async () => (await stored())?.sessions ?? Number.NaN,
  );
  gauges('openmpsd_members', 'Members of all sessions in the store, counted with them.', 'status', {
    joined: 'joined',
    reserved: 'reserved',
  });
  gauges('openmpsd_handles', 'Handles in the store, counted with the sessions.', 'type', {
    activity: 'activities',
    invite: 'invites',
    transfer: 'transfers',
  });

  const requests = counter('openmpsd_http_requests_total', 'Answered requests.', [
    'method',
    'route',
    'status',
  ]);
  const requestSeconds = histogram(
    'openmpsd_http_request_duration_seconds',
    'From the head of a request to its answer.',
    ['method', 'route'],
  );
  const refusals = counter('openmpsd_refusals_total', 'Refused requests.', ['code']);

  const opened = counter('openmpsd_rta_connections_opened_total', 'Opened RTA connections.');
  const closed = counter('openmpsd_rta_connections_closed_total', 'Ended RTA connections.', [
    'reason',
  ]);
  const frames = counter('openmpsd_rta_frames_total', 'Text frames of RTA.', ['direction']);
  const subscriptions = counter(
    'openmpsd_rta_subscriptions_total',
    'Subscribes and unsubscribes.',
    ['change'],
  );
  const tapEvents = counter('openmpsd_tap_events_total', 'Events with taps that were sent.');
  const taps = counter('openmpsd_taps_total', 'Taps that were sent.');
  const resyncs = counter('openmpsd_resyncs_total', 'Resyncs that were sent in place of taps.');

  const changes = counter('openmpsd_session_changes_total', 'Commits of sessions.', ['cause']);
  const began = counter('openmpsd_sessions_began_total', 'Sessions that began.');
  const ended = counter('openmpsd_sessions_ended_total', 'Sessions that ended.');
  const came = counter('openmpsd_members_came_total', 'Members and reservations that came.');
  const went = counter('openmpsd_members_went_total', 'Members and reservations that went.');
  const handlesMade = counter('openmpsd_handles_made_total', 'Handles that were made.', ['type']);
  const handlesRemoved = counter('openmpsd_handles_removed_total', 'Handles that were removed.');
  const conflicts = counter('openmpsd_commit_conflicts_total', 'Commits that lost a race.', [
    'outcome',
  ]);
  const sweepSeconds = histogram('openmpsd_sweep_duration_seconds', 'Sweeps.', ['outcome']);
  const sweptSessions = counter('openmpsd_swept_sessions_total', 'Sessions whose time had come.');
  const sweptInvites = counter('openmpsd_swept_invites_total', 'Invites that expired.');

  const storeSeconds = histogram('openmpsd_store_call_duration_seconds', 'Calls of the store.', [
    'call',
  ]);
  const storeFailures = counter(
    'openmpsd_store_call_failures_total',
    'Failed calls of the store.',
    ['call'],
  );
  const groups = histogram(
    'openmpsd_store_group_writes',
    'Rows that were made durable in one step.',
    [],
    groupBuckets,
  );
  const busSeconds = histogram('openmpsd_bus_publish_duration_seconds', 'Messages to nodes.', [
    'topic',
  ]);
  const busFailures = counter('openmpsd_bus_publish_failures_total', 'Messages that failed.', [
    'topic',
  ]);

  const tickets = counter('openmpsd_match_tickets_total', 'Match tickets by what became of them.', [
    'hopper',
    'change',
  ]);
  const ticketSeconds = histogram(
    'openmpsd_match_ticket_wait_seconds',
    'How long tickets waited until they were found, expired or ended otherwise.',
    ['hopper', 'change'],
    waitSecondsBuckets,
  );
  const matches = counter('openmpsd_matches_total', 'Matches.', ['hopper']);
  const matchedPlayers = counter('openmpsd_matched_players_total', 'Players of matches.', [
    'hopper',
  ]);
  const hopperSeconds = histogram('openmpsd_hopper_work_duration_seconds', 'Work on a hopper.', [
    'hopper',
  ]);
  const waitingPlayers = new Gauge({
    name: 'openmpsd_hopper_waiting_players',
    help: 'Players who wait, as the node that works the hopper knows.',
    labelNames: ['hopper'],
    registers,
  });

  function gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read());
      },
    });
  }

  /** What is stored, by the values of one label. */
  function gauges(
    name: string,
    help: string,
    label: string,
    sums: Readonly<Record<string, keyof StoredSums>>,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers,
      async collect() {
        const counted = await stored();
        for (const [value, sum] of Object.entries(sums)) {
          this.set({ [label]: value }, counted?.[sum] ?? Number.NaN);
        }
      },
    });
  }

  function countRequest({ method, route = 'none', status, durationMs, refusal }: RequestEnded) {
    const verb = methods.has(method) ? method : 'other';
    requests.inc({ method: verb, route, status });
    requestSeconds.observe({ method: verb, route }, durationMs / 1_000);
    if (refusal !== undefined) refusals.inc({ code: refusal.code });
  }

  function countCommit({ cause, change, madeHandle, removedHandles }: SessionCommitted): void {
    changes.inc({ cause: cause.kind });
    if (change.before === undefined) began.inc();
    if (change.next === undefined) ended.inc();
    for (const { former, member } of change.members) {
      if (former === undefined) came.inc();
      else if (member === undefined) went.inc();
    }
    if (madeHandle !== undefined) handlesMade.inc({ type: madeHandle.type });
    if (removedHandles.length > 0) handlesRemoved.inc(removedHandles.length);
  }

  return {
    contentType: registry.contentType,
    format: () => registry.metrics(),
    names: () => registry.getMetricsAsArray().map(({ name }) => name),
    observe(event) {
      switch (event.kind) {
        case 'request':
          return countRequest(event);
        case 'connectionOpened':
          return opened.inc();
        case 'connectionClosed':
          return closed.inc({ reason: event.why });
        case 'frame':
          return frames.inc({ direction: event.direction });
        case 'subscription':
          return subscriptions.inc({ change: event.change });
        case 'tapsSent':
          tapEvents.inc();
          return taps.inc(event.taps.length);
        case 'resyncSent':
          return resyncs.inc();
        case 'committed':
          return countCommit(event);
        case 'handlesCommitted':
          if (event.madeHandle !== undefined) handlesMade.inc({ type: event.madeHandle.type });
          return handlesRemoved.inc(event.removedHandles.length);
        case 'conflict':
          return conflicts.inc({ outcome: event.isLast ? 'given_up' : 'tried_again' });
        case 'storeCalled':
          storeSeconds.observe({ call: event.call }, event.durationMs / 1_000);
          if (event.isFailed) storeFailures.inc({ call: event.call });
          return;
        case 'groupCommitted':
          return groups.observe(event.writesCount);
        case 'busPublished':
          busSeconds.observe({ topic: event.topic }, event.durationMs / 1_000);
          if (event.isFailed) busFailures.inc({ topic: event.topic });
          return;
        case 'sweep': {
          const outcome = event.isFailed ? 'failed' : 'done';
          sweepSeconds.observe({ outcome }, event.durationMs / 1_000);
          sweptSessions.inc(event.sessionsCount);
          return sweptInvites.inc(event.invitesCount);
        }
        case 'ticket': {
          const { hopper, change, waitedMs } = event;
          tickets.inc({ hopper, change });
          if (change !== 'created') ticketSeconds.observe({ hopper, change }, waitedMs / 1_000);
          return;
        }
        case 'match':
          matches.inc({ hopper: event.hopper });
          return matchedPlayers.inc({ hopper: event.hopper }, event.playersCount);
        case 'hopperWorked':
          hopperSeconds.observe({ hopper: event.hopper }, event.durationMs / 1_000);
          return waitingPlayers.set({ hopper: event.hopper }, event.population);
        case 'clockMoved':
        case 'clockFrozen':
          return;
      }
    },
  };
}

/**
 * What the store holds, as it was last counted; undefined while it never was. Only the first to ask waits
 * for a count: later ones get the last one, while it is counted again.
 */
function openSlowCount({
  countStored,
  elapsedMs,
}: MetricsPorts): () => Promise<StoredSums | undefined> {
  let last: StoredSums | undefined;
  let nextMs = Number.NEGATIVE_INFINITY;
  let counting: Promise<void> | undefined;
  const count = async (): Promise<void> => {
    const beganMs = elapsedMs();
    try {
      last = await countStored();
      const endedMs = elapsedMs();
      nextMs = Math.max(beganMs + countEveryMs, endedMs + pausePerCount * (endedMs - beganMs));
    } catch {
      // The next to ask tries again.
    } finally {
      counting = undefined;
    }
  };
  return async () => {
    if (elapsedMs() >= nextMs) counting ??= count();
    if (last === undefined) await counting;
    return last;
  };
}
