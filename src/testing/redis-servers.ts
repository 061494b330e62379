/** Real Redis servers for tests: on free ports, in temporary folders, removed at the end. */

import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createClient } from '@redis/client';
import { freePort } from './free-port.ts';

const run = promisify(execFile);

export type RedisServer = {
  readonly port: number;
  /** Kills it (SIGKILL). */
  kill(): Promise<void>;
  /** Stops or continues it: `SIGSTOP`, `SIGCONT`. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Starts it again after `kill`, with the data that it had written. */
  restart(): Promise<void>;
};

export type RedisServers = AsyncDisposable & {
  /** `redis://127.0.0.1:7000,127.0.0.1:7001` */
  readonly url: string;
  readonly servers: readonly RedisServer[];
  /** What the server on this port answers; what is in a list, a line each. Rejects what it refuses. */
  cli(port: number, ...command: readonly string[]): Promise<string>;
  /**
   * Resolves when every server is up, every replica follows its primary, and all servers of a cluster
   * know the same of each other.
   */
  ready(): Promise<void>;
  /** Moves slots of a cluster from one primary to another, by their place in `servers`. */
  moveSlots(from: number, to: number, count: number): Promise<void>;
  /**
   * From now on a replica takes over from a primary that is silent for two seconds, also after a
   * restart. Before that a cluster waits for a minute, so that a busy machine does not make it change.
   */
  takeOverSoon(): Promise<void>;
};

/** A single server, which keeps nothing on the disk; `options` are further ones of redis-server. */
export async function startRedis(...options: readonly string[]): Promise<RedisServers> {
  return startServers(1, options, { isReady: async () => true });
}

/** A server and its replicas, which are no cluster: nobody takes over. */
export async function startRedisReplicas(replicasCount: number): Promise<RedisServers> {
  const follow = async ([primary, ...replicas]: readonly RedisServer[]): Promise<void> => {
    for (const { port } of replicas) {
      await cli(port, 'REPLICAOF', '127.0.0.1', String(primary?.port));
    }
  };
  return startServers(1 + replicasCount, [], { prepare: follow, isReady: isLinked });
}

/** A cluster of three primaries with a replica each, or without. */
export async function startRedisCluster({ replicas = 1 } = {}): Promise<RedisServers> {
  // Servers also ask each other the more often, the shorter the timeout is: so they meet sooner. Until
  // it is longer no replica takes over, so the first three stay the primaries.
  const timeout = ['--cluster-node-timeout', quickMs];
  const options = ['--cluster-enabled', 'yes', ...timeout, '--cluster-replica-no-failover', 'yes'];
  const join = async (servers: readonly Server[]): Promise<void> => {
    const ids = await Promise.all(
      servers.map(async ({ port }) => (await cli(port, 'CLUSTER', 'MYID')).trim()),
    );
    await Promise.all(
      servers.flatMap(({ port }, at) => [
        cli(port, 'CLUSTER', 'SET-CONFIG-EPOCH', String(at + 1)),
        ...(at < 3 ? [cli(port, 'CLUSTER', 'ADDSLOTSRANGE', ...slotsOf(at))] : []),
      ]),
    );
    // Each meets each: that all hear of all by gossip takes seconds. A busy server may give up a
    // meeting, so those who have not met try again.
    await until(async () => {
      const known = await Promise.all(servers.map(({ port }) => cli(port, 'CLUSTER', 'NODES')));
      const missing = servers.flatMap(({ port }, at) =>
        servers
          .filter((_, other) => !(known[at] ?? '').includes(ids[other] ?? ''))
          .map((other) => cli(port, 'CLUSTER', 'MEET', '127.0.0.1', String(other.port))),
      );
      await Promise.all(missing);
      return missing.length === 0;
    });
    await Promise.all(
      servers.slice(3).map(({ port }, at) => cli(port, 'CLUSTER', 'REPLICATE', ids[at % 3] ?? '')),
    );
  };
  const settle = async (servers: readonly Server[], ready: () => Promise<void>): Promise<void> => {
    // Who is held for failed when the timeout gets longer would be so for minutes.
    for (;;) {
      await ready();
      await configure(servers, 'cluster-node-timeout', '60000');
      if (await doAgree(servers)) break;
      await configure(servers, 'cluster-node-timeout', quickMs);
    }
    await configure(servers, 'cluster-replica-no-failover', 'no');
  };
  const isReady = async (server: RedisServer): Promise<boolean> => {
    const isOk = (await cli(server.port, 'CLUSTER', 'INFO')).includes('cluster_state:ok');
    // The replicas of other primaries are the last that a server hears of.
    const ids = (await cli(server.port, 'CLUSTER', 'SLOTS')).match(/^[0-9a-f]{40}$/gm) ?? [];
    return isOk && new Set(ids).size === 3 + 3 * replicas && (await isLinked(server));
  };
  return startServers(3 + 3 * replicas, options, { prepare: join, isReady, settle });
}

/** The time of a server of a cluster to answer the others, in milliseconds. */
const quickMs = '2000';

async function configure(servers: readonly Server[], name: string, value: string): Promise<void> {
  await Promise.all(servers.map((server) => server.configure(name, value)));
}

/** What this server of a cluster knows of all: their state, whom they follow, epochs, and slots. */
async function viewOf(port: number): Promise<string> {
  const nodes = (await cli(port, 'CLUSTER', 'NODES')).trim().split('\n');
  const views = nodes.map((line) => {
    const [id, , flags = '', primary, , , epoch, , ...slots] = line.split(' ');
    const state = flags.replaceAll(/myself,|,nofailover/g, '');
    return [id, state, primary, epoch, ...slots].join(' ');
  });
  return views.sort().join('\n');
}

/** True when all servers of a cluster know the same, and that none has failed; also of others. */
async function doAgree(servers: readonly RedisServer[]): Promise<boolean> {
  const [first = '', ...others] = await Promise.all(servers.map(({ port }) => viewOf(port)));
  return !first.includes('fail') && others.every((view) => view === first);
}

/** The first and the last slot of one of three primaries. */
function slotsOf(at: number): readonly string[] {
  const starts = [0, 5_461, 10_923, 16_384];
  return [String(starts[at]), String((starts[at + 1] ?? 0) - 1)];
}

/** True of a replica that follows, and of a primary all of whose replicas do. */
async function isLinked({ port }: RedisServer): Promise<boolean> {
  const info = await cli(port, 'INFO', 'replication');
  if (info.includes('role:slave')) return info.includes('master_link_status:up');
  const [, count] = /connected_slaves:(\d+)/.exec(info) ?? [];
  return info.split('state=online').length - 1 === Number(count);
}

type Steps = {
  /** Makes them replicas or a cluster, once all listen. */
  readonly prepare?: (servers: readonly Server[]) => Promise<void>;
  readonly isReady: (server: RedisServer) => Promise<boolean>;
  /** The last step, in place of `ready` alone. */
  readonly settle?: (servers: readonly Server[], ready: () => Promise<void>) => Promise<void>;
};

async function startServers(
  count: number,
  options: readonly string[],
  { prepare, isReady, settle = (_servers, ready) => ready() }: Steps,
): Promise<RedisServers> {
  requireRedis();
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-redis-'));
  const servers: Server[] = [];
  const ender = new ServerEnder(folder);
  const dispose = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.kill()));
    ender.dismiss();
    await rm(folder, { recursive: true, force: true });
  };
  const isCluster = options.includes('--cluster-enabled');
  const ready = (): Promise<void> =>
    until(
      async () =>
        (await Promise.all(servers.map(isReady))).every(Boolean) &&
        (!isCluster || (await doAgree(servers))),
      async () => (await Promise.all(servers.map(describe))).join('\n'),
    );
  const moveSlots = async (from: number, to: number, count: number): Promise<void> => {
    const idOf = async (at: number): Promise<string> =>
      (await cli(servers[at]?.port ?? 0, 'CLUSTER', 'MYID')).trim();
    const [source, target] = [await idOf(from), await idOf(to)];
    const ends = ['--cluster-from', source, '--cluster-to', target];
    const at = `127.0.0.1:${servers[from]?.port}`;
    const how = ['--cluster-slots', String(count), '--cluster-yes'];
    await run('redis-cli', ['--cluster', 'reshard', at, ...ends, ...how]);
    // A replica that has not yet heard of all of them could take over without the last ones.
    await ready();
  };
  const takeOverSoon = (): Promise<void> => configure(servers, 'cluster-node-timeout', quickMs);
  try {
    const started = await Promise.allSettled(
      Array.from({ length: count }, () => startServer(folder, options, ender)),
    );
    servers.push(...started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
    for (const one of started) if (one.status === 'rejected') throw one.reason;
    await prepare?.(servers);
    await settle(servers, ready);
  } catch (error) {
    await dispose();
    throw error;
  }
  const url = `redis://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  return { url, servers, cli, ready, moveSlots, takeOverSoon, [Symbol.asyncDispose]: dispose };
}

/**
 * A process that outlives this one however it ends, and then ends the servers that are left. It reads
 * a line for each that starts, `+ <pid>`, and for each that ends, `- <pid>`.
 */
class ServerEnder {
  readonly #child: ChildProcess;

  constructor(folder: string) {
    const script = `
      pids=' '
      while read -r sign pid; do
        case $sign in
          +) pids="$pids$pid " ;;
          -) pids=$(echo "$pids" | sed "s/ $pid / /") ;;
        esac
      done
      [ -z "$(echo $pids)" ] || kill -9 $pids
      rm -rf "$0"`;
    this.#child = spawn('sh', ['-c', script, folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      // A signal to this process and its group must not end it.
      detached: true,
    });
    this.#child.stdin?.on('error', () => undefined);
    this.#child.unref();
  }

  tell(sign: '+' | '-', pid: number | undefined): void {
    if (pid !== undefined) this.#child.stdin?.write(`${sign} ${pid}\n`);
  }

  dismiss(): void {
    this.#child.stdin?.end();
  }
}

/** Another process may take a port between its choice and the start: then another one is tried. */
async function startServer(
  folder: string,
  options: readonly string[],
  ender: ServerEnder,
): Promise<Server> {
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    const server = new Server(port, join(folder, String(port)), options, ender);
    try {
      await server.restart();
      return server;
    } catch (error) {
      await server.kill();
      if (tries === 20) throw error;
    }
  }
}

class Server implements RedisServer {
  readonly port: number;
  readonly #folder: string;
  #options: readonly string[];
  readonly #ender: ServerEnder;
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(port: number, folder: string, options: readonly string[], ender: ServerEnder) {
    this.#ender = ender;
    this.port = port;
    this.#folder = folder;
    this.#options = options;
  }

  /** Throws, with what it printed, when it ends before it listens. */
  async restart(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const always = ['--bind', '127.0.0.1', '--dir', this.#folder, '--save', ''];
    // A primary waits for further replicas before it sends what it has; 5 s where not set.
    const atOnce = ['--repl-diskless-sync-delay', '0'];
    const given = [...always, ...atOnce, '--appendonly', 'no', ...this.#options];
    const child = spawn('redis-server', ['--port', String(this.port), ...given], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C is for the process that started it, which needs it until its own end.
      detached: true,
    });
    this.#child = child;
    this.#ender.tell('+', child.pid);
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    this.#ended = ended.then(() => this.#ender.tell('-', child.pid));
    // Its own words, not an answer on the port: another server may listen there.
    let printed = '';
    const isListening = new Promise<boolean>((resolve) => {
      const read = (chunk: Buffer): void => {
        printed = `${printed}${chunk}`.slice(-4_000);
        if (printed.includes('Ready to accept connections')) resolve(true);
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      void ended.then(() => resolve(false));
    });
    if (!(await isListening)) throw new Error(`redis-server ended at its start:\n${printed}`);
  }

  /** Sets this now, and at the next starts. */
  async configure(name: string, value: string): Promise<void> {
    await cli(this.port, 'CONFIG', 'SET', name, value);
    this.#options = [...this.#options, `--${name}`, value];
  }

  end(): void {
    // A stopped process would not get the signal.
    this.#child?.kill('SIGCONT');
    this.#child?.kill('SIGKILL');
  }

  async kill(): Promise<void> {
    this.end();
    await this.#ended;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }
}

/** Asks on a connection of its own; a process of redis-cli takes ten times as long. */
async function cli(port: number, ...command: readonly string[]): Promise<string> {
  const client = createClient({
    socket: { host: '127.0.0.1', port, reconnectStrategy: false, connectTimeout: 60_000 },
    // A test that looks at the commands that a server gets must not see others.
    RESP: 2,
    disableClientInfo: true,
  });
  // What ends a connection is thrown by what was asked on it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return textOf(await client.sendCommand(command));
  } finally {
    client.destroy();
  }
}

function textOf(reply: unknown): string {
  return Array.isArray(reply) ? reply.map(textOf).join('\n') : String(reply ?? '');
}

/** What a server says of itself and of the others, for the error of a test. */
async function describe({ port }: RedisServer): Promise<string> {
  const asked = [
    cli(port, 'INFO', 'replication'),
    cli(port, 'CLUSTER', 'INFO'),
    cli(port, 'CLUSTER', 'NODES'),
  ];
  const answers = await Promise.allSettled(asked);
  const texts = answers.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)));
  return `-- port ${port}\n${texts.join('\n')}`;
}

/** Polls, since servers do not report when they are ready. Throws after 120 s, with what `seen` says. */
async function until(
  isSo: () => Promise<boolean>,
  seen: () => Promise<string> = async () => '',
): Promise<void> {
  const endMs = Date.now() + 120_000;
  let last: unknown;
  const isReady = (): Promise<boolean> =>
    isSo().catch((error: unknown) => {
      last = error;
      return false;
    });
  while (!(await isReady())) {
    if (Date.now() > endMs) {
      const message = `The Redis servers of the test did not get ready.\n${await seen()}`;
      throw new Error(message, { cause: last });
    }
    await pause(50);
  }
}

/** Installs Redis where it is missing and this may do so; else fails with what is to be installed. */
function requireRedis(): void {
  if (hasRedis()) return;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
    const update = 'apt-get -o Acquire::Retries=3 update';
    const install = `${update} && apt-get install -y --no-install-recommends redis-server`;
    for (let tries = 0; tries < 20 && !hasRedis(); tries += 1) {
      const { stderr } = spawnSync('sh', ['-c', install], { env, encoding: 'utf8' });
      // Another test, which needs it too, may hold the lock of apt. Nothing else gets better by itself.
      if (!/\block\b/i.test(stderr)) break;
      spawnSync('sleep', ['5']);
    }
  }
  if (!hasRedis()) {
    throw new Error(
      'These tests need redis-server and redis-cli, 7.0 or newer: apt-get install redis-server',
    );
  }
}

function hasRedis(): boolean {
  return ['redis-server', 'redis-cli'].every(
    (command) => spawnSync(command, ['--version']).status === 0,
  );
}
