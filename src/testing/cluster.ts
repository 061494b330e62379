/** A real cluster on this machine, for trying out and for tests that are about many nodes. */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CannotStart } from '../server/cannot-start.ts';
import { formatListenProblem } from '../server/listen.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import { startPatiently } from './node-process.ts';
import { type RedisServers, startRedisCluster } from './redis-servers.ts';

export type LocalCluster = AsyncDisposable & {
  /** Of the balancer: `http://127.0.0.1:8350`. */
  readonly url: string;
  readonly nodes: readonly LocalNode[];
  readonly redis: RedisServers;
};

/** An OpenMPSD process. */
export type LocalNode = {
  readonly url: string;
  readonly port: number;
  readonly process: ChildProcess;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
};

export type ClusterOptions = {
  /** Of the balancer; 0, the usual, takes a free one. */
  readonly port?: number;
  readonly nodesCount?: number;
  /** Further flags of `openmpsd serve`, the same for each node. */
  readonly flags?: readonly string[];
};

/**
 * Three primaries and three replicas of Redis, OpenMPSD nodes on them, and a balancer before these.
 * Disposing ends them all; they also end when this process does, however it ends.
 *
 * Throws CannotStart, before anything is started, when the balancer cannot listen on `port`.
 */
export async function startCluster({
  port = 0,
  nodesCount = 2,
  flags = [],
}: ClusterOptions = {}): Promise<LocalCluster> {
  await using opened = new AsyncDisposableStack();
  const nodePorts: number[] = [];
  const balancer: Balancer = opened.use(
    await startBalancer(nodePorts, port).catch((error: unknown) => {
      throw new CannotStart([formatListenProblem(error, '127.0.0.1', port)]);
    }),
  );
  const redis = opened.use(await startRedisCluster());
  const started = await Promise.allSettled(
    Array.from({ length: nodesCount }, async () => {
      const node = await startPatiently(() => startNode(['--store', redis.url, ...flags]));
      opened.defer(() => endNode(node));
      return node;
    }),
  );
  const nodes = started.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
  nodePorts.push(...nodes.map((node) => node.port));
  // Who tries out what happens when a primary is killed does not wait for a minute.
  await redis.takeOverSoon();
  const parts = opened.move();
  return {
    url: `http://127.0.0.1:${balancer.port}`,
    nodes,
    redis,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** A node on a free port. Throws, with what it printed, when it ends before it is ready. */
async function startNode(flags: readonly string[]): Promise<LocalNode> {
  const file = import.meta.url.endsWith('.ts') ? './cluster-node.ts' : './cluster-node.js';
  const child = fork(
    fileURLToPath(new URL(file, import.meta.url)),
    ['--host', '127.0.0.1', '--port', '0', ...flags],
    // A group of its own: Ctrl-C is for the process that started it, which ends it in its turn.
    {
      // Nobody reads what it prints once it is ready.
      env: { ...process.env, MPSD_LOG: 'off' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return new Promise((resolve, reject) => {
    let printed = '';
    const onText = (text: string): void => {
      printed += text;
      const [url, port] = /http:\/\/127\.0\.0\.1:([0-9]+)/.exec(printed) ?? [];
      if (url === undefined) return;
      child.stdout?.off('data', onText).resume();
      child.stderr?.off('data', onText).pipe(process.stderr);
      resolve({ url, port: Number(port), process: child, ended });
    };
    child.stdout?.setEncoding('utf8').on('data', onText);
    child.stderr?.setEncoding('utf8').on('data', onText);
    child.once('error', reject);
    child.once('close', () => reject(new Error(`A node of the cluster did not start: ${printed}`)));
  });
}

/** Ends a node as a supervisor does: with SIGTERM, and for good when it takes too long. */
async function endNode(node: LocalNode): Promise<void> {
  const tooLong = setTimeout(() => node.process.kill('SIGKILL'), 6_000);
  node.process.kill('SIGTERM');
  await node.ended;
  clearTimeout(tooLong);
}
