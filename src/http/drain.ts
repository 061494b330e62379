import { Server, type Socket } from 'node:net';
import { setImmediate as endOfRound, setTimeout as wait } from 'node:timers/promises';
import type { Milliseconds } from '../domain/time.ts';

/** A server and its connections, as an ending server sees them. */
export type ConnectionsToEnd = {
  readonly server: Server;
  readonly connections: ReadonlySet<Socket>;
  /** How many connections have been accepted so far. */
  acceptedCount(): number;
  /** True while a request of this connection has no whole answer. */
  isBusy(socket: Socket): boolean;
  /** Called when nothing more is accepted: from then on an answer should be the last of its connection. */
  onStopped(): void;
};

/** Rounds of the event loop in which no connection has come, before a server stops listening. */
const quietRounds = 3;
const acceptRoundsMax = 1_000;

/** An ending server checks its connections after one millisecond, then more and more seldom. */
const stepMsMax: Milliseconds = 20;

/**
 * Stops listening, and resolves when all connections have ended: with their last answer, or after
 * `idleMs` in which nothing came and nothing was under way. What is left after `withinMs` is cut.
 *
 * So no client is reset that waits for an answer, and none whose connection is in use.
 */
export async function drain(
  ending: ConnectionsToEnd,
  { withinMs, idleMs }: { readonly withinMs: Milliseconds; readonly idleMs: Milliseconds },
): Promise<void> {
  const { server, connections } = ending;
  await acceptWaiting(ending);
  // Not that of Node's HTTP server, which would close idle connections with it.
  Server.prototype.close.call(server);
  // Only now: an earlier client would come back to a server that is about to stop.
  ending.onStopped();

  const startMs = performance.now();
  const ended = new Set<Socket>();
  const quiet = new Map<Socket, { readonly bytes: number; readonly sinceMs: Milliseconds }>();
  for (
    let stepMs = 1;
    connections.size > 0 && performance.now() - startMs < withinMs;
    stepMs = Math.min(2 * stepMs, stepMsMax)
  ) {
    const nowMs = performance.now();
    for (const socket of connections) {
      const isBusy = ending.isBusy(socket);
      if (isBusy || quiet.get(socket)?.bytes !== socket.bytesRead) {
        quiet.set(socket, { bytes: socket.bytesRead, sinceMs: nowMs });
      }
      const sinceMs = quiet.get(socket)?.sinceMs ?? nowMs;
      if (isBusy || nowMs - sinceMs < idleMs || ended.has(socket)) continue;
      ended.add(socket);
      socket.destroySoon();
    }
    if (connections.size > 0) await wait(stepMs);
    // Data of the meantime is read before any connection ends.
    await endOfRound();
  }
  for (const socket of connections) socket.destroy();
}

/**
 * Resolves when the connections that clients have made are accepted: the system resets those that it
 * still keeps for a server that stops listening. A round of the event loop may accept one alone.
 */
async function acceptWaiting({ acceptedCount }: ConnectionsToEnd): Promise<void> {
  let rounds = 0;
  for (let quiet = 0; quiet < quietRounds && rounds < acceptRoundsMax; rounds += 1) {
    const before = acceptedCount();
    await endOfRound();
    quiet = acceptedCount() === before ? quiet + 1 : 0;
  }
}
