/**
 * Bans of users, kept in the store. Each node has all of them in memory, since every request is checked.
 *
 *     bans   group "all", id xuid   a Ban; removed when it is over
 */

import type { Ban } from '../domain/ban.ts';
import type { Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Share } from '../store/store.ts';
import { sweepRecords } from './change-record.ts';
import type { Context } from './context.ts';

const table = 'bans';
/** The group of all records of bans. */
export const bansGroup = 'all';
const pageMax = 500;

/** @source docs/admin.md "Bans" */
export class Bans {
  readonly #context: Pick<Context, 'store' | 'clock' | 'setAside'>;
  #bans: ReadonlyMap<Xuid, Ban> = new Map();
  /** What is noted while the store is read, for each reading: it may be newer than what is read. */
  readonly #readings = new Set<Map<Xuid, Ban | undefined>>();

  constructor(context: Pick<Context, 'store' | 'clock' | 'setAside'>) {
    this.#context = context;
  }

  /** The ban of this user now. */
  of(xuid: Xuid): Ban | undefined {
    if (this.#bans.size === 0) return undefined;
    const ban = this.#bans.get(xuid);
    return ban !== undefined && this.#context.clock.nowMs() < ban.untilMs ? ban : undefined;
  }

  /** Those that are not over, the ones that end first before others. */
  list(): readonly Ban[] {
    const nowMs = this.#context.clock.nowMs();
    return [...this.#bans.values()]
      .filter(({ untilMs }) => nowMs < untilMs)
      .sort((a, b) => a.untilMs - b.untilMs || (a.xuid < b.xuid ? -1 : 1));
  }

  /** Reads all bans from the store. Throws StoreUnavailable. */
  async read(): Promise<void> {
    const meanwhile = new Map<Xuid, Ban | undefined>();
    this.#readings.add(meanwhile);
    try {
      const bans = new Map<Xuid, Ban>();
      let after: string | undefined;
      do {
        const page = await this.#context.store.records(table, bansGroup, pageMax, after);
        for (const { id, value } of page) bans.set(id, value as unknown as Ban);
        after = page.length === pageMax ? page.at(-1)?.id : undefined;
      } while (after !== undefined);
      this.#bans = bans;
    } finally {
      this.#readings.delete(meanwhile);
    }
    for (const [xuid, ban] of meanwhile) this.note(xuid, ban);
  }

  /** Stores a ban, in place of a former one of the user. Throws StoreUnavailable. */
  async put(ban: Ban): Promise<void> {
    const value = { ...ban } as unknown as JsonObject;
    const change = { id: ban.xuid, value, dueMs: ban.untilMs };
    await this.#context.store.commitRecords(table, bansGroup, [change]);
    this.note(ban.xuid, ban);
  }

  /** Removes the ban of a user; false when there is none. Throws StoreUnavailable. */
  async lift(xuid: Xuid): Promise<boolean> {
    const stored = await this.#context.store.record(table, bansGroup, xuid);
    await this.#context.store.commitRecords(table, bansGroup, [{ id: xuid }]);
    this.note(xuid, undefined);
    return stored !== undefined;
  }

  /** Notes what another node has stored. */
  note(xuid: Xuid, ban: Ban | undefined): void {
    for (const meanwhile of this.#readings) meanwhile.set(xuid, ban);
    const bans = new Map(this.#bans);
    if (ban === undefined) bans.delete(xuid);
    else bans.set(xuid, ban);
    this.#bans = bans;
  }

  /** Removes what is over, and reads all again. */
  async sweep(share: Share | undefined): Promise<'done' | 'more'> {
    const outcome = await sweepRecords(this.#context, table, share);
    if (outcome === 'done') await this.read();
    return outcome;
  }
}
