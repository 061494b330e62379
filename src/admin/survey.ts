/**
 * Questions to all nodes of a store about their connections: each knows only its own.
 *
 *     admin:all    the question, with its id
 *     admin:<id>   the answers
 */

import type { Context } from '../directory/context.ts';
import { liveNodes } from '../directory/live-nodes.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { OperatedConnection } from './operated-connections.ts';

/** What is asked: of one user or of all; only how many, or which. */
export type Survey = { readonly xuid?: Xuid; readonly what: 'count' | 'list' };

export type SurveyMessage = { readonly kind: 'asked'; readonly id: Guid; readonly survey: Survey };

/** What one node has. */
export type NodeConnections = {
  readonly node: string;
  readonly count: number;
  readonly usersCount: number;
  /** Empty where only the count was asked for; at most 10,000. */
  readonly connections: readonly OperatedConnection[];
};

export type SurveyResult = {
  readonly nodes: readonly NodeConnections[];
  /** Nodes that are alive and have not answered in time. */
  readonly silent: readonly string[];
};

const listedMax = 10_000;
/** Far more than a message takes. */
const answerWithinMs: Milliseconds = 2_000;

/** The answer of the node that has these connections. */
export function answerSurvey(
  node: string,
  all: readonly OperatedConnection[],
  { xuid, what }: Survey,
): NodeConnections {
  const found = xuid === undefined ? all : all.filter((one) => one.xuid === xuid);
  return {
    node,
    count: found.length,
    usersCount: new Set(found.map((one) => one.xuid)).size,
    connections: what === 'list' ? found.slice(0, listedMax) : [],
  };
}

/** What all nodes answer; `own` is the answer of this one. Throws StoreUnavailable. */
export async function askNodes(
  context: Context,
  survey: Survey,
  own: NodeConnections,
): Promise<SurveyResult> {
  const { bus, ids, clock } = context;
  const waited = new Set(await liveNodes(context));
  if (waited.size === 0) return { nodes: [own], silent: [] };
  const id = ids.guid();
  const nodes: NodeConnections[] = [own];
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  const subscription = await bus.subscribe(`admin:${id}`, {
    message(message) {
      const answer = message as unknown as NodeConnections;
      if (!waited.delete(answer.node)) return;
      nodes.push(answer);
      if (waited.size === 0) resolve();
    },
    gap: () => undefined,
  });
  const timer = clock.after(answerWithinMs, resolve);
  try {
    const question: SurveyMessage = { kind: 'asked', id, survey };
    await bus.publish('admin:all', question as unknown as JsonObject);
    await answered;
  } finally {
    timer.cancel();
    await subscription[Symbol.asyncDispose]();
  }
  return { nodes, silent: [...waited] };
}
