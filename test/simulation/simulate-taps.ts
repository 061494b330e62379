/**
 * Two nodes that share a store and a bus, users with connections to them, and trouble: connections
 * drop, clients stop reading, calls and answers and messages are lost, nodes crash. Only the seed
 * decides what happens when.
 */

import { sweep } from '../../src/directory/sweep.ts';
import type { Context } from '../../src/directory/context.ts';
import { writeSession } from '../../src/directory/write-session.ts';
import type { UserCaller } from '../../src/domain/caller.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { keyOf, type SessionReference } from '../../src/domain/session/reference.ts';
import { parseSessionRequest } from '../../src/domain/session/request.ts';
import type { Session } from '../../src/domain/session/session.ts';
import { changeOf } from '../../src/domain/session/session-change.ts';
import { tapOf } from '../../src/domain/tap/tap.ts';
import type { Milliseconds } from '../../src/domain/time.ts';
import type { Connection } from '../../src/rta/connection.ts';
import { type Connections, Hub } from '../../src/rta/hub.ts';
import type { Bus, Subscriber, Topic } from '../../src/store/bus.ts';
import { override } from '../../src/platform/override.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import {
  type Batch,
  type PendingTaps,
  type Store,
  StoreUnavailable,
} from '../../src/store/store.ts';
import { demoScid } from '../../src/testing/demo.ts';
import { hubSettings } from '../../src/testing/hub-settings.ts';
import { FakeWire } from '../../src/testing/fake-wire.ts';
import { manualClock, type ManualClock } from '../../src/testing/manual-clock.ts';
import { type Random, seededRandom } from '../../src/platform/seeded-random.ts';
import { sequentialIds } from '../../src/testing/sequential-ids.ts';
import { openTestContexts } from '../../src/testing/test-context.ts';
import { line, Turns } from './line.ts';

export const outboxBytesMax = 1_000;
const directoryUri = 'https://sessiondirectory.xboxlive.com/connections/';

/** One change as it was committed, and who was to be notified of it. */
export type Change = {
  readonly atMs: Milliseconds;
  readonly branch: string;
  /** Infinity: the session ended. */
  readonly changeNumber: number;
  readonly to: ReadonlySet<string>;
};

export type Line = {
  readonly id: string;
  readonly frames: readonly { readonly atMs: Milliseconds; readonly frame: readonly unknown[] }[];
  /** Frames that came while the client did not read. */
  readonly unread: number;
  readonly isOpen: boolean;
};

export type TapHistory = {
  readonly changes: readonly Change[];
  readonly lines: readonly Line[];
  readonly sessions: readonly Session[];
  readonly counts: { crashes: number; drops: number; resyncs: number; taps: number; lost: number };
};

/** A store of memory that keeps what a cluster's keeps: leases, and pending taps. */
function clusterStore(clock: ManualClock, changes: Change[]) {
  const inner = openMemoryStore();
  const pending = new Map<string, PendingTaps & { readonly atMs: Milliseconds }>();
  const nodes = new Map<string, boolean>();
  const overrides: Partial<Store> = {
    async commit(batch: Batch) {
      const put = batch.session;
      const before = put && (await inner.session(put.key))?.session;
      const outcome = await inner.commit(batch);
      if (outcome.kind !== 'committed' || put === undefined || before === undefined) return outcome;
      const next = put.kind === 'put' ? put.session : undefined;
      const atMs = clock.nowMs();
      const [revision, pendingTaps] = [put.expectRevision + 1, put.pendingTaps];
      if (pendingTaps !== undefined) {
        pending.set(`${put.key} ${revision}`, { key: put.key, revision, pendingTaps, atMs });
        const parsed = pendingTaps as unknown as { tap: { to: { connection: string }[] } };
        changes.push({
          atMs,
          branch: before.branch,
          changeNumber: next?.changeNumber ?? Number.POSITIVE_INFINITY,
          to: new Set(parsed.tap.to.map(({ connection }) => connection)),
        });
      } else if (tapOf(changeOf(before, next), { atMs, byXuid: undefined })?.to.length) {
        // Only the user who leaves is not notified: with nobody else, there is no tap.
        const stays = next?.members.some(({ properties: { system } }) =>
          system.subscription?.changeTypes?.includes('everything'),
        );
        if (stays) throw new Error('a change that somebody asked for has no pending tap');
      }
      return { ...outcome, ...(pendingTaps !== undefined && { hasPendingTaps: true as const }) };
    },
    pendingNotifications: {
      read: async (ageMs, limit) =>
        [...pending.values()].filter(({ atMs }) => atMs + ageMs <= clock.nowMs()).slice(0, limit),
      forget: async (key, revision) => void pending.delete(`${key} ${revision}`),
    },
    renewNode: async (node) => {
      nodes.set(node, true);
      return 'held' as const;
    },
    nodes: async () => [...nodes].map(([node, isAlive]) => ({ node, isAlive })),
    forgetNode: async (node) => void nodes.delete(node),
  };
  const store = override(inner, overrides);
  return {
    store,
    pending,
    /** The lease of a crashed node runs out. */
    lapse: (node: string) => nodes.has(node) && nodes.set(node, false),
  };
}

/** A bus that loses messages: some publishers know, some subscribers hear that they missed one. */
function lossyBus(random: Random, faults: TapFaults): Bus {
  const subscribers = new Map<Topic, Set<Subscriber>>();
  return {
    async publish(topic, message) {
      if (random.chance(faults.publishFails)) throw new StoreUnavailable('not published');
      for (const subscriber of subscribers.get(topic) ?? []) {
        if (random.chance(faults.messageLost)) subscriber.gap();
        else subscriber.message(message);
      }
    },
    // As on a bus between processes: nobody knows who listens elsewhere.
    isHeard: () => true,
    async subscribe(topic, subscriber) {
      const all = subscribers.get(topic) ?? new Set();
      subscribers.set(topic, all.add(subscriber));
      return { [Symbol.asyncDispose]: async () => void all.delete(subscriber) };
    },
    async [Symbol.asyncDispose]() {},
  };
}

export type TapFaults = {
  readonly fails: number;
  readonly losesAnswer: number;
  readonly publishFails: number;
  readonly messageLost: number;
  readonly crashes: number;
  readonly drops: number;
  readonly blocks: number;
};

type Node = {
  readonly context: Context;
  readonly hub: Hub;
  readonly connections: Connections;
  cut(): void;
};

class SimWire extends FakeWire {
  readonly sent: { atMs: Milliseconds; frame: readonly unknown[] }[] = [];
  unread = 0;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    super();
    this.#clock = clock;
  }

  override send(frame: string): void {
    if (this.end !== undefined) return;
    if (this.bufferedBytes > outboxBytesMax) this.unread += 1;
    this.sent.push({ atMs: this.#clock.nowMs(), frame: JSON.parse(frame) });
  }
}

type Client = { readonly node: Node; readonly connection: Connection; readonly wire: SimWire };

export async function simulateTaps(settings: {
  readonly seed: number;
  readonly users: number;
  readonly steps: number;
  readonly faults: TapFaults;
}): Promise<TapHistory> {
  const { seed, users, steps, faults } = settings;
  const random = seededRandom(seed);
  const turns = new Turns(random);
  const clock = manualClock();
  const ids = sequentialIds();
  const changes: Change[] = [];
  const cluster = clusterStore(clock, changes);
  const bus = lossyBus(random, faults);
  const makeContext = await openTestContexts();
  const counts = { crashes: 0, drops: 0, resyncs: 0, taps: 0, lost: 0 };
  let nodesCount = 0;

  const openNode = async (isHealthy = false): Promise<Node> => {
    nodesCount += 1;
    const id = nodesCount.toString(16).padStart(8, '0');
    const connections: Connections = new Map();
    const quiet = { fails: 0, losesAnswer: 0 };
    const way = line(cluster.store, turns, random, isHealthy ? quiet : faults);
    const context: Context = {
      ...makeContext(isHealthy ? cluster.store : way.store, { clock, ids }),
      bus,
      node: { id, connections, recheckQueue: new Map(), sweepsCount: 0 },
    };
    const hub = new Hub(context, connections, {
      ...hubSettings,
      outboxBytesMax,
      // Clients that do not read for long are part of the trouble.
      sendTimeoutMs: Number.POSITIVE_INFINITY,
    });
    await cluster.store.renewNode(id, 1);
    await hub.start();
    return { context, hub, connections, cut: way.cut };
  };

  const nodes = [await openNode(), await openNode()];
  const lines: { wire: SimWire; id: string; isOpen: () => boolean }[] = [];
  const clients = new Map<string, Client>();
  const callers = Array.from(
    { length: users },
    // On one device, so that all may join the lobbies.
    (_, n): UserCaller => ({
      kind: 'user',
      xuid: String(n + 1),
      deviceId: 'device',
      sandbox: 'RETAIL',
    }),
  );
  const references = ['LobbySession', 'LobbySession', 'deathmatch'].map(
    (templateName, n): SessionReference => ({ scid: demoScid, templateName, name: `session-${n}` }),
  );

  const connectClient = (xuid: string, node: Node): Client | undefined => {
    const wire = new SimWire(clock);
    const connection = node.hub.open(wire, { kind: 'user', xuid, sandbox: 'RETAIL' });
    if (connection === undefined) return undefined;
    node.hub.received(connection, JSON.stringify([1, 0, directoryUri]));
    const client = { node, connection, wire };
    clients.set(xuid, client);
    lines.push({ wire, id: connection.id, isOpen: () => clients.get(xuid) === client });
    return client;
  };
  const dropClient = (xuid: string): void => {
    const client = clients.get(xuid);
    if (client === undefined) return;
    clients.delete(xuid);
    counts.drops += 1;
    client.wire.drop();
    client.node.hub.ended(client.connection, 'closed');
  };

  const write = async (
    context: Context,
    caller: UserCaller,
    body: JsonObject,
    reference: SessionReference,
  ) => {
    const request = parseSessionRequest(body, 107);
    if (request instanceof Refusal) throw new Error(request.text);
    await writeSession(context, {
      reference,
      request,
      preconditions: {},
      caller,
      onlyExisting: false,
    });
  };
  const act = async (node: Node): Promise<void> => {
    const caller = random.pick(callers);
    const reference = random.pick(references);
    const client = clients.get(caller.xuid) ?? connectClient(caller.xuid, random.pick(nodes));
    if (client === undefined) return;
    const changeTypes = [Number(caller.xuid) % 2 === 0 ? 'everything' : 'customProperty'];
    const id = `33333333-0000-4000-8000-${caller.xuid.padStart(12, '0')}`;
    const system = {
      active: true,
      connection: client.connection.id,
      subscription: { id, changeTypes },
    };
    switch (random.below(6)) {
      case 0:
        return write(node.context, caller, { members: { me: null } }, reference);
      case 1:
      case 2:
        return write(
          node.context,
          caller,
          { members: { me: { properties: { system } } } },
          reference,
        );
      default: {
        const custom = { map: random.below(1_000) };
        const body = { properties: { custom }, members: { me: { properties: { system } } } };
        return write(node.context, caller, body, reference);
      }
    }
  };

  for (let step = 0; step < steps; step += 1) {
    if (random.chance(faults.crashes)) {
      const at = random.below(nodes.length);
      const dead = nodes[at];
      if (dead !== undefined) {
        counts.crashes += 1;
        dead.cut();
        for (const [xuid, client] of clients) {
          if (client.node !== dead) continue;
          clients.delete(xuid);
          client.wire.drop();
        }
        await dead.hub[Symbol.asyncDispose]();
        cluster.lapse(dead.context.node.id);
        nodes[at] = await openNode();
      }
    }
    if (random.chance(faults.drops)) dropClient(random.pick(callers).xuid);
    if (random.chance(faults.blocks)) {
      const client = clients.get(random.pick(callers).xuid);
      if (client) client.wire.bufferedBytes = random.chance(0.5) ? outboxBytesMax + 1 : 0;
    }
    if (random.chance(0.2)) clock.advance(random.below(4_000));
    const node = random.pick(nodes);
    const doing: Promise<unknown> = random.chance(0.05) ? sweep(node.context) : act(node);
    doing.catch((error) => {
      if (!(error instanceof StoreUnavailable)) throw error;
      counts.lost += 1;
    });
    await letGo(turns, random.chance(0.1) ? Number.POSITIVE_INFINITY : random.below(8));
    keepAlive(clients, clock);
  }
  await letGo(turns, Number.POSITIVE_INFINITY);

  // Quiet: all read again, nobody writes, and a node without trouble sweeps beside the others.
  const sweeper = await openNode(true);
  for (const { wire } of clients.values()) wire.bufferedBytes = 0;
  for (let second = 0; second < 120; second += 1) {
    clock.advance(1_000);
    keepAlive(clients, clock);
    for (const { context } of [sweeper, ...nodes]) {
      await Promise.all([
        sweep(context).catch(() => undefined),
        letGo(turns, Number.POSITIVE_INFINITY),
      ]);
      await letGo(turns, Number.POSITIVE_INFINITY);
    }
  }
  const sessions: Session[] = [];
  for (const reference of references) {
    const record = await cluster.store.session(keyOf(reference));
    if (record) sessions.push(record.session);
  }
  for (const { wire } of lines) {
    for (const { frame } of wire.sent) {
      if (frame[0] === 4) counts.resyncs += 1;
      if (frame[0] === 3) counts.taps += 1;
    }
  }
  const history = {
    changes,
    sessions,
    counts,
    lines: lines.map(({ wire, id, isOpen }) => ({
      id,
      frames: wire.sent,
      unread: wire.unread,
      isOpen: isOpen(),
    })),
  };
  for (const { hub } of [sweeper, ...nodes]) await hub[Symbol.asyncDispose]();
  return history;
}

/** Living clients answer pings. */
function keepAlive(clients: ReadonlyMap<string, Client>, _clock: ManualClock): void {
  for (const { node, connection } of clients.values()) node.hub.heard(connection, false);
}

/** Lets up to `count` waiting calls go on, each with all that follows from it at once. */
async function letGo(turns: Turns, count: number): Promise<void> {
  await settleMicrotasks();
  for (let turn = 0; turn < count && turns.next(); turn += 1) await settleMicrotasks();
}

function settleMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

type DeliveredTap = { readonly branch: string; readonly changeNumber?: number };

function tapsOf(frame: readonly unknown[]): readonly DeliveredTap[] {
  return frame[0] === 3 ? (frame[2] as { shoulderTaps: readonly DeliveredTap[] }).shoulderTaps : [];
}

const numberOf = ({ changeNumber = Number.POSITIVE_INFINITY }: DeliveredTap): number =>
  changeNumber;

/** The first few breaches of guarantees in a history, each with its name and where. */
export function brokenTapGuarantees({ changes, lines, sessions }: TapHistory): readonly string[] {
  const broken: string[] = [];
  for (const { id, frames, unread, isOpen } of lines) {
    const received = new Map<string, number>();
    for (const { frame } of frames) {
      for (const tap of tapsOf(frame)) {
        const number = numberOf(tap);
        if (number <= (received.get(tap.branch) ?? 0)) {
          broken.push(`ordered: ${id} gets ${number} of ${tap.branch} late`);
        }
        received.set(tap.branch, number);
        const change = changes.find(
          (one) => one.branch === tap.branch && one.changeNumber === number,
        );
        if (!change?.to.has(id)) broken.push(`filtered: ${id} did not ask for ${number}`);
      }
    }
    if (unread > 0) broken.push(`bounded: ${id} was sent ${unread} frames that it did not read`);
    if (!isOpen) continue;
    const newest = new Map<string, Change>();
    for (const change of changes) {
      if (!change.to.has(id)) continue;
      const known = newest.get(change.branch);
      if (known === undefined || known.changeNumber < change.changeNumber) {
        newest.set(change.branch, change);
      }
    }
    for (const [branch, change] of newest) {
      const isDelivered = received.get(branch) === change.changeNumber;
      const isResynced = frames.some(({ frame, atMs }) => frame[0] === 4 && atMs >= change.atMs);
      if (!isDelivered && !isResynced) {
        broken.push(`reliable: ${id} does not know of ${change.changeNumber} of ${branch}`);
      }
    }
  }
  const open = new Set(lines.filter(({ isOpen }) => isOpen).map(({ id }) => id));
  for (const { constants, members, reference } of sessions) {
    if (!constants.system.capabilities.connectionRequiredForActiveMembers) continue;
    for (const { status, xuid, properties } of members) {
      const { connection } = properties.system;
      if (status === 'active' && !open.has(connection ?? '')) {
        broken.push(`ended: ${xuid} is active in ${reference.name} without a connection`);
      }
    }
  }
  return broken.slice(0, 10);
}
