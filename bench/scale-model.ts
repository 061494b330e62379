/**
 * A cluster on paper: who sits in which session, which node holds whose socket, and what that makes
 * of messages. Every rate is per second. The population is drawn session by session and forgotten
 * at once, so ten million users take no more memory than a thousand.
 */

/** How people play: assumptions, not measurements. */
export type Play = {
  /** The kinds of sessions that there are at any moment. */
  readonly kinds: readonly SessionKind[];
  /** Spread of how busy sessions are, as the sigma of a log-normal distribution with mean 1. */
  readonly heatSigma: number;
  /** The share of changes that a member's subscription asks for. */
  readonly tappedShare: number;
  /** At most one tap per session and connection in this time, once the first was sent at once. */
  readonly tapWindowS: number;
  /** Reads of the session that a client makes when it gets a tap. */
  readonly readsPerTap: number;
};

export type SessionKind = {
  readonly name: string;
  /** The share of all users who are in one. */
  readonly usersShare: number;
  readonly membersMin: number;
  readonly membersMax: number;
  readonly writesPerMember: number;
};

/** CPU seconds of one core for one of each. */
export type Costs = {
  readonly node: {
    readonly write: number;
    readonly read: number;
    readonly publish: number;
    readonly receive: number;
    readonly frame: number;
    readonly handshake: number;
    /** A second of sweeping, whatever the load. */
    readonly upkeep: number;
  };
  readonly store: {
    readonly write: number;
    readonly read: number;
    readonly publish: number;
    /** A second of being swept by one node, all partitions together. */
    readonly upkeep: number;
  };
};

export type Cluster = {
  readonly usersCount: number;
  readonly nodesCount: number;
  readonly shardsCount: number;
  readonly partitionsCount: number;
};

/** What each node, partition and shard has to do in a second. */
export type Loads = {
  readonly sessionsCount: number;
  readonly hottestSessionWrites: number;
  readonly nodes: {
    readonly sockets: Float64Array;
    readonly writes: Float64Array;
    readonly reads: Float64Array;
    /** Messages to other nodes, and from them. */
    readonly sent: Float64Array;
    readonly received: Float64Array;
    readonly frames: Float64Array;
  };
  readonly partitions: { readonly writes: Float64Array; readonly reads: Float64Array };
  /** Messages that a shard carries: those to the nodes whose topics it has. */
  readonly shardMessages: Float64Array;
};

/** Evenly distributed 32 bits for a number and a purpose: who is where, without a table of it. */
function scatter(n: number, purpose: number): number {
  let x = (Math.imul(n | 0, 0x9e3779b1) ^ Math.imul(purpose | 0, 0x85ebca6b)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

/** A number from 0 to below 1, the same for the same arguments. */
function fraction(n: number, purpose: number): number {
  return scatter(n, purpose) / 2 ** 32;
}

// Purposes of what is scattered; the seed is added to each.
const purposes = { socket: 1, writer: 2, partition: 3, topic: 4, size: 5, heat: 6, angle: 7 };
const purposesCount = 16;

/**
 * The loads of a cluster on which people play so. Sockets and requests of users, partitions of
 * sessions and topics of nodes are scattered at random, as balancers and hashes do.
 */
export function drawLoads(cluster: Cluster, play: Play, seed: number): Loads {
  const { usersCount, nodesCount, shardsCount, partitionsCount } = cluster;
  const at = (n: number, purpose: keyof typeof purposes, count: number): number =>
    Math.floor(fraction(n, seed * purposesCount + purposes[purpose]) * count);
  const zeros = (count: number): Float64Array => new Float64Array(count);
  const nodes = {
    sockets: zeros(nodesCount),
    writes: zeros(nodesCount),
    reads: zeros(nodesCount),
    sent: zeros(nodesCount),
    received: zeros(nodesCount),
    frames: zeros(nodesCount),
  };
  const partitions = { writes: zeros(partitionsCount), reads: zeros(partitionsCount) };
  let sessionsCount = 0;
  let hottestSessionWrites = 0;

  for (let user = 0; user < usersCount; user += 1) {
    add(nodes.sockets, at(user, 'socket', nodesCount), 1);
  }
  for (const kind of play.kinds) {
    const seatsCount = Math.round(usersCount * kind.usersShare);
    for (let first = 0; first < seatsCount; ) {
      const session = sessionsCount;
      sessionsCount += 1;
      const sizes = kind.membersMax - kind.membersMin + 1;
      const size = Math.min(kind.membersMin + at(session, 'size', sizes), seatsCount - first);
      const writes = size * kind.writesPerMember * heatOf(session, play.heatSigma, seed);
      hottestSessionWrites = Math.max(hottestSessionWrites, writes);
      drawSession(first, size, writes, at(session, 'partition', partitionsCount));
      first += size;
    }
  }
  const shardMessages = zeros(shardsCount);
  for (let node = 0; node < nodesCount; node += 1) {
    add(shardMessages, at(node, 'topic', shardsCount), nodes.received[node] ?? 0);
  }
  return { sessionsCount, hottestSessionWrites, nodes, partitions, shardMessages };

  /** One session of the users from `first` on. */
  function drawSession(first: number, size: number, writes: number, partition: number): void {
    const holders = new Set<number>();
    for (let user = first; user < first + size; user += 1) {
      holders.add(at(user, 'socket', nodesCount));
    }
    const taps = writes * play.tappedShare;
    const frames = framesOf(taps, play.tapWindowS);
    for (let user = first; user < first + size; user += 1) {
      // The requests of a user go over a connection of their own, to whichever node.
      const writer = at(user, 'writer', nodesCount);
      add(nodes.writes, writer, writes / size);
      add(nodes.reads, writer, frames * play.readsPerTap);
      add(nodes.frames, at(user, 'socket', nodesCount), frames);
      // One message for each other node that holds a socket of the session, however many it holds.
      for (const holder of holders) {
        if (holder === writer) continue;
        add(nodes.sent, writer, taps / size);
        add(nodes.received, holder, taps / size);
      }
    }
    add(partitions.writes, partition, writes);
    add(partitions.reads, partition, frames * size * play.readsPerTap);
  }
}

function add(loads: Float64Array, at: number, load: number): void {
  loads[at] = (loads[at] ?? 0) + load;
}

/** How busy a session is, as a factor; 1 on average. */
function heatOf(session: number, sigma: number, seed: number): number {
  const radius = Math.sqrt(
    -2 * Math.log(1 - fraction(session, seed * purposesCount + purposes.heat)),
  );
  const angle = 2 * Math.PI * fraction(session, seed * purposesCount + purposes.angle);
  return Math.exp(sigma * radius * Math.cos(angle) - sigma ** 2 / 2);
}

/** Frames that reach a connection of so many taps: the first at once, then one in each window. */
export function framesOf(taps: number, windowS: number): number {
  return taps / (1 + taps * windowS);
}

/** The sum of all. */
export function sum(loads: Float64Array): number {
  return loads.reduce((total, load) => total + load, 0);
}

/** The value that the given share of all does not exceed. */
export function quantile(loads: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(loads).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** What each node computes, in cores. */
export function nodeCores({ nodes }: Loads, { node }: Costs): Float64Array {
  return nodes.writes.map(
    (writes, n) =>
      node.upkeep +
      writes * node.write +
      (nodes.reads[n] ?? 0) * node.read +
      (nodes.sent[n] ?? 0) * node.publish +
      (nodes.received[n] ?? 0) * node.receive +
      (nodes.frames[n] ?? 0) * node.frame,
  );
}

/** What each shard computes, in cores; partitions are dealt out to the shards in turn. */
export function shardCores(
  { nodes, partitions, shardMessages }: Loads,
  { store }: Costs,
): Float64Array {
  const shardsCount = shardMessages.length;
  const upkeep = (nodes.sockets.length * store.upkeep) / shardsCount;
  const cores = shardMessages.map((messages) => upkeep + messages * store.publish);
  for (const [partition, shard] of spreadPartitions(partitions.writes.length, shardsCount)) {
    add(cores, shard, (partitions.writes[partition] ?? 0) * store.write);
    add(cores, shard, (partitions.reads[partition] ?? 0) * store.read);
  }
  return cores;
}

/** Partitions dealt out evenly: what a keeper makes of them by moving slots. */
function spreadPartitions(partitionsCount: number, shardsCount: number): [number, number][] {
  return Array.from({ length: partitionsCount }, (_, partition) => [
    partition,
    partition % shardsCount,
  ]);
}

export type Bounds = {
  /** The share of a core that is to be used, so that a burst or a lost neighbour finds room. */
  readonly utilizationMax: number;
  readonly socketsPerNodeMax: number;
};

/** The nodes and shards that so many users need; at least two and three, so that one may die. */
export function sizeCluster(
  usersCount: number,
  play: Play,
  costs: Costs,
  bounds: Bounds,
  partitionsCount: number,
): Cluster {
  // A part of the population tells what all of them cost, taps that find everybody elsewhere.
  const sampleCount = Math.min(usersCount, 100_000);
  const sample = { usersCount: sampleCount, nodesCount: 1_000, shardsCount: 1, partitionsCount };
  const loads = drawLoads(sample, play, 0);
  const { node, store } = costs;
  const load: Costs = { node: { ...node, upkeep: 0 }, store: { ...store, upkeep: 0 } };
  const coresOf = (cores: Float64Array): number => sum(cores) * (usersCount / sampleCount);
  const nodesCount = Math.max(
    2,
    Math.ceil(coresOf(nodeCores(loads, load)) / (bounds.utilizationMax - node.upkeep)),
    Math.ceil(usersCount / bounds.socketsPerNodeMax),
  );
  const shards = coresOf(shardCores(loads, load)) + nodesCount * store.upkeep;
  const shardsCount = Math.max(3, Math.ceil(shards / bounds.utilizationMax));
  return {
    usersCount,
    nodesCount,
    shardsCount: Math.min(partitionsCount, shardsCount),
    partitionsCount,
  };
}

/** How clients come back, and how nodes notice that one is dead. */
export type Recovery = {
  /** A client tries after a random part of this, which doubles with each failure up to a bound. */
  readonly backoffS: number;
  readonly backoffMaxS: number;
  readonly leaseS: number;
  readonly graceS: number;
  /** Writes by which a client tells its sessions of the new connection. */
  readonly writesPerReturn: number;
};

export type Storm = {
  readonly lostCount: number;
  /** Attempts of the busiest second. */
  readonly attemptsMax: number;
  /** Until so many of the clients are back. */
  readonly halfBackS: number;
  readonly allBackS: number;
  /** Members still away when the lease of the dead node ends, and when their grace does. */
  readonly awayAtLease: number;
  readonly awayAtGrace: number;
};

/**
 * What follows the death of one node, second by second: its clients come back to the others, which
 * take as many as the room of their cores allows.
 */
export function drawStorm(
  lostCount: number,
  roomCores: number,
  costs: Costs,
  recovery: Recovery,
  seed: number,
): Storm {
  const { backoffS, backoffMaxS, leaseS, graceS, writesPerReturn } = recovery;
  const { handshake, read, write } = costs.node;
  const takenMax = Math.floor(roomCores / (handshake + read + writesPerReturn * write));
  const horizonS = 3_600;
  // How many of each number of failures try in each second.
  const waiting: Map<number, number>[] = Array.from({ length: horizonS + 1 }, () => new Map());
  let draws = 0;
  const wait = (fromS: number, failures: number, count: number): void => {
    const spreadS = Math.min(backoffMaxS, backoffS * 2 ** failures);
    for (let n = 0; n < count; n += 1) {
      draws += 1;
      const inS = Math.floor(fraction(draws, seed) * spreadS) + (failures === 0 ? 0 : 1);
      const second = waiting[Math.min(horizonS, fromS + inS)];
      second?.set(failures, (second.get(failures) ?? 0) + 1);
    }
  };
  wait(0, 0, lostCount);
  let back = 0;
  let attemptsMax = 0;
  let halfBackS = 0;
  let allBackS = 0;
  let awayAtLease = 0;
  let awayAtGrace = 0;
  for (let second = 0; second < horizonS; second += 1) {
    if (second === leaseS) awayAtLease = lostCount - back;
    if (second === leaseS + graceS) awayAtGrace = lostCount - back;
    let attempts = 0;
    let room = takenMax;
    for (const [failures, count] of waiting[second] ?? []) {
      attempts += count;
      const taken = Math.min(room, count);
      room -= taken;
      back += taken;
      wait(second, failures + 1, count - taken);
    }
    attemptsMax = Math.max(attemptsMax, attempts);
    if (halfBackS === 0 && back * 2 >= lostCount) halfBackS = second + 1;
    if (back === lostCount) {
      allBackS = second + 1;
      break;
    }
  }
  return { lostCount, attemptsMax, halfBackS, allBackS, awayAtLease, awayAtGrace };
}

/**
 * Events in each of `count` seconds in which `mean` are expected: seconds differ although the rate
 * does not.
 */
export function drawSeconds(mean: number, count: number, seed: number): Float64Array {
  return Float64Array.from({ length: count }, (_, n) => {
    if (mean > 50) {
      const radius = Math.sqrt(-2 * Math.log(1 - fraction(2 * n, seed)));
      const normal = radius * Math.cos(2 * Math.PI * fraction(2 * n + 1, seed));
      return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
    }
    // The number of steps of exponential length that fit into a second.
    let events = 0;
    let rest = mean;
    for (let step = 0; ; step += 1) {
      rest += Math.log(1 - fraction(n * 1_024 + step, seed));
      if (rest < 0) return events;
      events += 1;
    }
  });
}
