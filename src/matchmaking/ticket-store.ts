/** Tickets, matches and statistics of hoppers, as records of the store. */

import { digest, type Guid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type {
  MatchRecord,
  StatisticsRecord,
  TicketRecord,
} from '../domain/matchmaking/ticket-record.ts';
import type { Milliseconds } from '../domain/time.ts';
import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import type { RecordChange, RecordName, RecordStore, StoredRecord } from '../store/store.ts';

/** A hopper: the group of its records, which change together. */
export type HopperKey = string;

/** The key of a hopper, whose name may be any text. */
export function hopperKeyOf(scid: Guid, hopper: string): HopperKey {
  return `${scid.toLowerCase()}.${digest(hopper.toLowerCase())}`;
}

const table = 'matchmaking';
const statisticsId = 'statistics';

/**
 * News of a hopper: which tickets somebody has changed. They are stored in one step with the tickets, so
 * that the node that works the hopper reads what is new, and not all that waits. Their ids come after
 * those of all other records.
 */
const newsPrefix = '~';

/** News that nobody has taken go after this time: their hopper was removed. */
const newsMs: Milliseconds = 3_600_000;

/** Tickets that one record names: some tens of kilobytes. */
const ticketsInNewsMax = 500;

/** News that are read, and removed, at once. */
const newsMax = 500;

/** Records that are read in a turn of the event loop: a few milliseconds of work. */
const pageMax = 250;

/** A record with the revision that a change of it must name. */
export type StoredValue<Value> = {
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

type NewsSource = {
  readonly ids: { guid(): Guid };
  readonly clock: { nowMs(): Milliseconds };
};

export class TicketStore {
  readonly #store: RecordStore;
  readonly #news: NewsSource | undefined;

  /** `news` is given where other nodes must learn of changed tickets. */
  constructor(store: RecordStore, news?: NewsSource) {
    this.#store = store;
    this.#news = news;
  }

  async ticket(hopper: HopperKey, id: Guid): Promise<StoredValue<TicketRecord> | undefined> {
    const found = await this.#store.record(table, hopper, id.toLowerCase());
    return found && storedAs(found, 'ticket');
  }

  async match(hopper: HopperKey, id: Guid): Promise<StoredValue<MatchRecord> | undefined> {
    const found = await this.#store.record(table, hopper, id);
    return found && storedAs(found, 'match');
  }

  /** The ticket or the match with this id. */
  async ticketOrMatch(
    hopper: HopperKey,
    id: Guid,
  ): Promise<StoredValue<TicketRecord> | StoredValue<MatchRecord> | undefined> {
    const found = await this.#store.record(table, hopper, id);
    return (
      found && (storedAs<TicketRecord>(found, 'ticket') ?? storedAs<MatchRecord>(found, 'match'))
    );
  }

  async statistics(hopper: HopperKey): Promise<StatisticsRecord | undefined> {
    const found = await this.#store.record(table, hopper, statisticsId);
    return found && storedAs<StatisticsRecord>(found, 'statistics')?.value;
  }

  async putStatistics(hopper: HopperKey, value: StatisticsRecord): Promise<void> {
    await this.#store.commitRecords(table, hopper, [{ id: statisticsId, value: { ...value } }]);
  }

  /** All tickets of a hopper. Others get in between: there may be many. */
  async *tickets(hopper: HopperKey): AsyncGenerator<StoredValue<TicketRecord>> {
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
      await yieldToEventLoop();
    }
  }

  /** Tickets and matches that somebody must look at: of one hopper, or of all. */
  async due(
    nowMs: Milliseconds,
    limit: number,
    hopper: HopperKey | undefined,
  ): Promise<readonly RecordName[]> {
    if (hopper === undefined) return this.#store.dueRecords(table, nowMs, limit);
    const found = await this.#store.dueRecords(table, nowMs, limit, { group: hopper });
    return found.filter(({ group }) => group === hopper);
  }

  /** The new revision; undefined when a record is not as its change expects. */
  async commit(hopper: HopperKey, changes: readonly TicketChange[]): Promise<number | undefined> {
    const outcome = await this.#store.commitRecords(table, hopper, [
      ...changes.map(
        ({ value, ...change }): RecordChange => ({
          ...change,
          ...(value && { value: value as JsonObject }),
        }),
      ),
      ...this.#newsOf(changes),
    ]);
    return outcome.kind === 'committed' ? outcome.revision : undefined;
  }

  /** Who makes a match works the hopper, and knows of it. */
  #newsOf(changes: readonly TicketChange[]): readonly RecordChange[] {
    return this.#newsOfTickets(
      changes.flatMap(({ id, value }) =>
        value === undefined || value.kind === 'match' || value.status === 'found' ? [] : [id],
      ),
    );
  }

  #newsOfTickets(ticketIds: readonly string[]): readonly RecordChange[] {
    if (this.#news === undefined) return [];
    const { ids, clock } = this.#news;
    const changes: RecordChange[] = [];
    for (let at = 0; at < ticketIds.length; at += ticketsInNewsMax) {
      const value = { kind: 'news', ticketIds: ticketIds.slice(at, at + ticketsInNewsMax) };
      changes.push({ id: newsPrefix + ids.guid(), value, dueMs: clock.nowMs() + newsMs });
    }
    return changes;
  }

  /** Lets other nodes know that these tickets have changed. */
  async announce(hopper: HopperKey, ticketIds: readonly string[]): Promise<void> {
    for (const change of this.#newsOfTickets(ticketIds)) {
      await this.#store.commitRecords(table, hopper, [change]);
    }
  }

  /** The first news of a hopper: tickets that some node has changed. `remove` them once they are read. */
  async news(hopper: HopperKey): Promise<News> {
    const page = await this.#store.records(table, hopper, newsMax, newsPrefix);
    const ticketIds = new Set(
      page.flatMap(({ value }) => (Array.isArray(value.ticketIds) ? value.ticketIds : [])),
    );
    return {
      ids: page.map(({ id }) => id),
      ticketIds: [...ticketIds].map(String),
      isLast: page.length < newsMax,
    };
  }

  /** Removes records, whatever they are by now. */
  async remove(hopper: HopperKey, ids: readonly string[]): Promise<void> {
    await this.#store.commitRecords(
      table,
      hopper,
      ids.map((id) => ({ id })),
    );
  }
}

export type News = {
  readonly ids: readonly string[];
  readonly ticketIds: readonly Guid[];
  readonly isLast: boolean;
};

function storedAs<Value extends { readonly kind: string }>(
  { value, revision, dueMs }: StoredRecord,
  kind: Value['kind'],
): StoredValue<Value> | undefined {
  return value.kind === kind ? { value: value as unknown as Value, revision, dueMs } : undefined;
}
