/** Tickets, matches and statistics of hoppers, as records of the store. */

import { digest, type Guid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type {
  MatchRecord,
  StatisticsRecord,
  TicketRecord,
} from '../domain/matchmaking/ticket-record.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { RecordChange, RecordName, Share, Store, StoredRecord } from '../store/store.ts';

/** A hopper: the group of its records, which change together. */
export type HopperKey = string;

/** The key of a hopper, whose name may be any text. */
export function hopperKeyOf(scid: Guid, hopper: string): HopperKey {
  return `${scid.toLowerCase()}.${digest(hopper.toLowerCase())}`;
}

const table = 'matchmaking';
const statisticsId = 'statistics';

/** Records that are read at once. */
const pageMax = 1_000;

/** A record with the revision that a change of it must name. */
export type Stored<Value> = {
  readonly value: Value;
  readonly revision: number;
  readonly dueMs: Milliseconds | undefined;
};

/** The next value of a ticket or a match, and when somebody must look at it. */
export type TicketChange = {
  readonly id: string;
  readonly expectRevision: number;
  /** Undefined: the record goes. */
  readonly value: TicketRecord | MatchRecord | undefined;
  readonly dueMs?: Milliseconds | undefined;
};

export class TicketStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async ticket(hopper: HopperKey, id: Guid): Promise<Stored<TicketRecord> | undefined> {
    const found = await this.#store.record(table, hopper, id.toLowerCase());
    return found && storedAs(found, 'ticket');
  }

  async match(hopper: HopperKey, id: Guid): Promise<Stored<MatchRecord> | undefined> {
    const found = await this.#store.record(table, hopper, id);
    return found && storedAs(found, 'match');
  }

  async statistics(hopper: HopperKey): Promise<StatisticsRecord | undefined> {
    const found = await this.#store.record(table, hopper, statisticsId);
    return found && storedAs<StatisticsRecord>(found, 'statistics')?.value;
  }

  async putStatistics(hopper: HopperKey, value: StatisticsRecord): Promise<void> {
    await this.#store.commitRecords(table, hopper, [{ id: statisticsId, value: { ...value } }]);
  }

  /** All tickets of a hopper. */
  async *tickets(hopper: HopperKey): AsyncGenerator<Stored<TicketRecord>> {
    let after: string | undefined;
    for (;;) {
      const page: readonly StoredRecord[] = await this.#store.records(
        table,
        hopper,
        pageMax,
        after,
      );
      for (const record of page) {
        const ticket = storedAs<TicketRecord>(record, 'ticket');
        if (ticket) yield ticket;
      }
      after = page.at(-1)?.id;
      if (page.length < pageMax) return;
    }
  }

  /** Tickets and matches that somebody must look at. */
  due(nowMs: Milliseconds, limit: number, share?: Share): Promise<readonly RecordName[]> {
    return this.#store.dueRecords(table, nowMs, limit, share);
  }

  /** The new revision; undefined when a record is not as its change expects. */
  async commit(hopper: HopperKey, changes: readonly TicketChange[]): Promise<number | undefined> {
    const outcome = await this.#store.commitRecords(
      table,
      hopper,
      changes.map(
        ({ value, ...change }): RecordChange => ({
          ...change,
          ...(value && { value: value as JsonObject }),
        }),
      ),
    );
    return outcome.kind === 'committed' ? outcome.revision : undefined;
  }
}

function storedAs<Value extends { readonly kind: string }>(
  { value, revision, dueMs }: StoredRecord,
  kind: Value['kind'],
): Stored<Value> | undefined {
  return value.kind === kind ? { value: value as unknown as Value, revision, dueMs } : undefined;
}
