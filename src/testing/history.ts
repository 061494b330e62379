/**
 * What clients of one session have done and seen, and whether a session that is written one change
 * after the other could have shown it to them.
 *
 * Each client writes a count of its own, higher each time, beside those of the others: so that a
 * document says which writes it stands on.
 */

import type { Milliseconds } from '../domain/time.ts';

/** The document of a session as a client saw it. */
export type SeenDocument = {
  readonly branch: string;
  readonly changeNumber: number;
  readonly etag: string;
  /** By client. */
  readonly counts: ReadonlyMap<string, number>;
};

export type Operation = {
  readonly client: string;
  /** What it writes; a read writes nothing. */
  readonly count?: number;
  /** The document of a write's condition. */
  readonly ifMatch?: SeenDocument;
  readonly invokedMs: Milliseconds;
  /** Infinity when nothing came back: it may be carried out at any time. */
  readonly returnedMs: Milliseconds;
  readonly outcome:
    | { readonly kind: 'done'; readonly seen: SeenDocument }
    /** The condition did not hold. */
    | { readonly kind: 'refused'; readonly seen: SeenDocument }
    | { readonly kind: 'unknown' };
};

/** The faults of a history, a sentence each; an empty list: it is linearizable. */
export function historyProblems(history: readonly Operation[]): readonly string[] {
  const problems: string[] = [];
  const answered = history.flatMap((operation) =>
    operation.outcome.kind === 'unknown' ? [] : [{ operation, seen: operation.outcome.seen }],
  );
  const writes = answered.filter(({ operation }) => isWrite(operation));
  checkDocuments(answered, problems);
  checkWriters(writes, problems);
  checkOrder(answered, problems);
  checkCounts(history, answered, problems);
  return problems;
}

type AnsweredOperation = { readonly operation: Operation; readonly seen: SeenDocument };

function isWrite({ count, outcome }: Operation): boolean {
  return count !== undefined && outcome.kind === 'done';
}

/** One branch, and one document for each change number. */
function checkDocuments(answered: readonly AnsweredOperation[], problems: string[]): void {
  const documents = new Map<number, SeenDocument>();
  for (const { seen } of answered) {
    const other = documents.get(seen.changeNumber) ?? seen;
    documents.set(seen.changeNumber, other);
    if (other.branch !== seen.branch) problems.push(`two branches at ${seen.changeNumber}`);
    if (other.etag !== seen.etag || textOf(other) !== textOf(seen)) {
      problems.push(`two documents at ${seen.changeNumber}: ${textOf(other)} and ${textOf(seen)}`);
    }
  }
}

/** Each change number is of one writer, whose count is there from then on and not before. */
function checkWriters(writes: readonly AnsweredOperation[], problems: string[]): void {
  const writers = new Map<number, Operation>();
  for (const { operation, seen } of writes) {
    const { client, count = 0, ifMatch } = operation;
    const other = writers.get(seen.changeNumber);
    if (other) problems.push(`${other.client} and ${client} both wrote ${seen.changeNumber}`);
    writers.set(seen.changeNumber, operation);
    if (seen.counts.get(client) !== count) {
      problems.push(`${client} wrote ${count} and was shown ${seen.counts.get(client)}`);
    }
    if (ifMatch && seen.changeNumber !== ifMatch.changeNumber + 1) {
      problems.push(`${client} wrote ${seen.changeNumber} on ${ifMatch.changeNumber}`);
    }
  }
}

/** A client that asks after another was answered sees no less, and writes later. */
function checkOrder(answered: readonly AnsweredOperation[], problems: string[]): void {
  const byReturn = [...answered].sort((a, b) => a.operation.returnedMs - b.operation.returnedMs);
  const byInvocation = [...answered].sort((a, b) => a.operation.invokedMs - b.operation.invokedMs);
  let newest = 0;
  let at = 0;
  for (const { operation, seen } of byInvocation) {
    for (; at < byReturn.length; at += 1) {
      const before = byReturn[at];
      if (before === undefined || before.operation.returnedMs >= operation.invokedMs) break;
      newest = Math.max(newest, before.seen.changeNumber);
    }
    const isTooOld = isWrite(operation) ? seen.changeNumber <= newest : seen.changeNumber < newest;
    if (isTooOld) {
      problems.push(`${operation.client} was shown ${seen.changeNumber} when ${newest} was known`);
    }
    const { ifMatch, outcome } = operation;
    if (outcome.kind === 'refused' && ifMatch && seen.changeNumber <= ifMatch.changeNumber) {
      problems.push(`${operation.client} was refused on ${ifMatch.changeNumber}, the newest`);
    }
  }
}

/** Counts never go back, and none is shown before somebody began to write it. */
function checkCounts(
  history: readonly Operation[],
  answered: readonly AnsweredOperation[],
  problems: string[],
): void {
  const begunMs = new Map(
    history.map(({ client, count, invokedMs }) => [`${client} ${count}`, invokedMs]),
  );
  const highest = new Map<string, number>();
  const inOrder = [...answered].sort((a, b) => a.seen.changeNumber - b.seen.changeNumber);
  for (const { operation, seen } of inOrder) {
    for (const [client, former] of highest) {
      const count = seen.counts.get(client) ?? 0;
      if (count < former) {
        problems.push(`${client} ${former} was undone at ${seen.changeNumber}: ${count}`);
      }
    }
    for (const [client, count] of seen.counts) {
      highest.set(client, count);
      if ((begunMs.get(`${client} ${count}`) ?? Infinity) > operation.returnedMs) {
        problems.push(`${client} ${count} was shown before it was written`);
      }
    }
  }
}

function textOf({ counts }: SeenDocument): string {
  return [...counts]
    .map(([client, count]) => `${client}=${count}`)
    .sort()
    .join(' ');
}
