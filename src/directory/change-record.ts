import type { JsonObject } from '../domain/json.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { RecordName, Share } from '../store/store.ts';
import type { Context } from './context.ts';

/** Where a record of a service beside the sessions is. */
export type RecordPlace = {
  readonly table: string;
  readonly group: string;
  readonly id: string;
};

/** What becomes of a record; undefined: it stays as it is. */
export type RecordDecision =
  | { readonly value: JsonObject; readonly dueMs?: Milliseconds }
  | undefined;

/**
 * Nothing once the record is as `decide` says of what is stored; decided again when others have
 * changed it meanwhile.
 *
 * Refuses: tooBusy after commitAttemptsMax attempts.
 */
export async function changeRecord(
  { store }: Pick<Context, 'store'>,
  { table, group, id }: RecordPlace,
  decide: (value: JsonObject | undefined) => RecordDecision,
): Promise<Refusal | undefined> {
  let stored = await store.record(table, group, id);
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt += 1) {
    const decision = decide(stored?.value);
    if (decision === undefined) return undefined;
    const change = { id, expectRevision: stored?.revision ?? 0, ...decision };
    const outcome = await store.commitRecords(table, group, [change]);
    if (outcome.kind === 'committed') return undefined;
    stored = outcome.current;
  }
  return new Refusal(
    'tooBusy',
    `Others changed the same record ${limits.commitAttemptsMax} times in a row; send the request again.`,
  );
}

/** Records that one sweep of a table looks at. */
const sweptMax = 100;

/**
 * Does what time does with the records of a table that are due: by default they are removed. `next`
 * says what becomes of one, and `done` is called after it. The result says whether there may be more.
 */
export async function sweepRecords(
  { store, clock, setAside }: Pick<Context, 'store' | 'clock' | 'setAside'>,
  table: string,
  share: Share | undefined,
  next: (value: JsonObject, nowMs: Milliseconds) => RecordDecision = () => undefined,
  done: (group: string) => void = () => undefined,
): Promise<'done' | 'more'> {
  const nowMs = clock.nowMs();
  const due = await setAside.firstOthers(
    sweptMax,
    ({ group, id }: RecordName) => nameOf({ table, group, id }),
    (limit) => store.dueRecords(table, nowMs, limit, share),
  );
  const outcomes = await Promise.allSettled(
    due.map(({ group, id }) =>
      setAside.attempt('the sweep', nameOf({ table, group, id }), async () => {
        const stored = await store.record(table, group, id);
        if (stored?.dueMs === undefined || stored.dueMs > nowMs) return;
        const change = { id, expectRevision: stored.revision, ...next(stored.value, nowMs) };
        // Of a conflict: who changed it meanwhile knows better.
        await store.commitRecords(table, group, [change]);
        done(group);
      }),
    ),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  return due.length === sweptMax ? 'more' : 'done';
}

function nameOf({ table, group, id }: RecordPlace): string {
  return `${table} ${group} ${id}`;
}
