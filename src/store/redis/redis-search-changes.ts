import type { SessionKey } from '../../domain/session/reference.ts';
import type { DamageLog } from './damage-log.ts';
import { isDamagedKey, type RedisCommands } from './redis-commands.ts';
import { partitionsCount } from './redis-keys.ts';
import { pairsOf } from './redis-replies.ts';
import { crc16 } from './slots.ts';

/** Of several partitions that are asked at once, each is asked for so many changes at least. */
const pageMin = 10;

/** A page of changes, and where the next one goes on. */
export type SearchChanges = { readonly keys: readonly SessionKey[]; readonly cursor: string };

/**
 * Which sessions have changed for the search, on Redis. A partition with a damaged key does not stop the
 * others: its sessions are missing from searches until the key is mended, which one line of the log says,
 * and then it is read from its beginning.
 */
export class RedisSearchChanges {
  readonly #commands: RedisCommands;
  readonly #damage: DamageLog;

  constructor(commands: RedisCommands, damage: DamageLog) {
    this.#commands = commands;
    this.#damage = damage;
  }

  /**
   * Sessions whose search handle has changed, as `SessionFinder.searchChanges` says. The cursor is, for
   * each partition, the number of the last change that was read, and a mark of the run of the server that had
   * it. What another server has now, or the same one after a start, is read from its beginning: it may not have
   * all that was read.
   *
   * Throws StoreUnavailable when a shard is away: a search that misses its sessions would seem complete.
   */
  async read(cursor: string | undefined, limit: number): Promise<SearchChanges> {
    // Before the counts are read: a server that starts in between keeps the mark of the former one.
    const runs = this.#commands.keys.partitions.map(({ meta }) => this.#commands.runOf(meta));
    const last = await this.#lastChanges();
    const { read, marks } = parseCursor(cursor);
    for (const [n, at] of last.entries()) {
      const run = runs[n];
      const former = marks[n] ?? '';
      if (run !== undefined) marks[n] = markOf(run);
      const isElsewhere = former !== '' && former !== marks[n];
      // Where fewer changes are counted than were read, the server was emptied and began again.
      if (isElsewhere || at < (read[n] ?? 0)) read[n] = 0;
    }

    const keys: SessionKey[] = [];
    const behind = rotated(last.flatMap((at, n) => (at > (read[n] ?? 0) ? [n] : [])));
    while (behind.length > 0 && keys.length < limit) {
      const room = limit - keys.length;
      const asked = behind.splice(0, Math.ceil(room / pageMin));
      const pageMax = Math.ceil(room / asked.length);
      const found = await Promise.all(asked.map((n) => this.#changesIn(n, read[n] ?? 0, pageMax)));
      for (const [at, changes] of found.entries()) {
        const n = asked[at] ?? 0;
        if (changes === undefined) {
          read[n] = 0;
          continue;
        }
        const page = changes.slice(0, limit - keys.length);
        keys.push(...page.map(([key]) => key));
        const lastRead = Number(page.at(-1)?.[1] ?? read[n]);
        const isWhole = page.length === changes.length && changes.length < pageMax;
        read[n] = isWhole ? Math.max(last[n] ?? 0, lastRead) : lastRead;
        if (!isWhole) behind.push(n);
      }
    }
    return { keys, cursor: read.map((at, n) => `${at.toString(36)}-${marks[n]}`).join('.') };
  }

  /** The number of the last change of each partition; 0: there is none, or the key is damaged. */
  async #lastChanges(): Promise<readonly number[]> {
    const metas = this.#commands.keys.partitions.map(({ meta }) => meta);
    const damaged = new Set<string>();
    const counted = await this.#commands.readEach(metas, ['HGET', 'search'], (key) =>
      damaged.add(key),
    );
    for (const key of metas) this.#note(key, damaged.has(key));
    return counted.map((at) => Number(at ?? 0) || 0);
  }

  /** Undefined: the list is damaged. */
  async #changesIn(
    n: number,
    after: number,
    limit: number,
  ): Promise<readonly (readonly [SessionKey, string])[] | undefined> {
    const search = this.#commands.keys.partitions[n]?.search ?? '';
    const range = [`(${after}`, '+inf', 'BYSCORE', 'LIMIT', '0', String(limit), 'WITHSCORES'];
    try {
      const changes = pairsOf(await this.#commands.read(search, ['ZRANGE', search, ...range]));
      this.#note(search, false);
      return changes;
    } catch (error) {
      if (!isDamagedKey(error)) throw error;
      this.#note(search, true);
      return undefined;
    }
  }

  #note(key: string, isDamaged: boolean): void {
    if (!isDamaged) {
      this.#damage.noteWhole(key);
      return;
    }
    this.#damage.note(
      key,
      `the key ${key} holds something else than the store puts there. Sessions of its partition may be missing from searches until it is restored or deleted.`,
    );
  }
}

/** By partition. */
type Cursor = { readonly read: number[]; readonly marks: string[] };

function parseCursor(cursor = ''): Cursor {
  const entries = cursor.split('.').map((entry) => entry.split('-'));
  const all = Array.from({ length: partitionsCount }, (_, n) => entries[n] ?? []);
  return {
    read: all.map(([at = '']) => Number.parseInt(at, 36) || 0),
    marks: all.map(([, mark = '']) => mark),
  };
}

/** A few characters that most likely no other run of a server of the store has. */
function markOf(run: string): string {
  return crc16(Buffer.from(run)).toString(36);
}

/** The list begun at a random place, so that those at its end are read too. */
function rotated<T>(list: readonly T[]): T[] {
  const start = Math.floor(Math.random() * list.length);
  return [...list.slice(start), ...list.slice(0, start)];
}
