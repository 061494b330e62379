import type { SessionKey } from '../../domain/session/reference.ts';
import { isDamagedKey, type RedisCommands } from './redis-commands.ts';
import { partitionsCount } from './redis-keys.ts';
import { pairsOf } from './redis-replies.ts';

/** A page of changes, and where the next one goes on. */
export type SearchChanges = { readonly keys: readonly SessionKey[]; readonly cursor: string };

/**
 * Sessions whose search handle has changed, as `SessionStore.searchChanges` says. The cursor is, for
 * each partition, the number of the last change that was read. A partition with a damaged key does not
 * stop the others: it is read from its beginning once the key is mended.
 *
 * Throws StoreUnavailable when a shard is away: a search that misses its sessions would seem complete.
 */
export async function readSearchChanges(
  commands: RedisCommands,
  cursor: string | undefined,
  limit: number,
): Promise<SearchChanges> {
  const { partitions } = commands.keys;
  const metas = partitions.map(({ meta }) => meta);
  const counted = await commands.readEach(metas, ['HGET', 'search']);
  const last = counted.map((at) => Number(at ?? 0) || 0);
  const read = parseCursor(cursor);
  // Where fewer changes are counted than were read, the server was emptied and began again.
  for (const [n, at] of last.entries()) if (at < (read[n] ?? 0)) read[n] = 0;

  const keys: SessionKey[] = [];
  const behind = rotated(last.flatMap((at, n) => (at > (read[n] ?? 0) ? [n] : [])));
  while (behind.length > 0 && keys.length < limit) {
    // As many partitions as may hold what is asked for, all asked at once.
    let expected = 0;
    const asked: number[] = [];
    while (behind.length > 0 && keys.length + expected < limit) {
      const n = behind.shift() ?? 0;
      expected += (last[n] ?? 0) - (read[n] ?? 0);
      asked.push(n);
    }
    const found = await Promise.all(asked.map((n) => changesIn(commands, n, read[n] ?? 0, limit)));
    for (const [at, changes] of found.entries()) {
      const n = asked[at] ?? 0;
      if (changes === undefined) {
        read[n] = 0;
        continue;
      }
      const page = changes.slice(0, limit - keys.length);
      keys.push(...page.map(([key]) => key));
      const lastRead = Number(page.at(-1)?.[1] ?? read[n]);
      const isWhole = page.length === changes.length && changes.length < limit;
      read[n] = isWhole ? Math.max(last[n] ?? 0, lastRead) : lastRead;
    }
  }
  return { keys, cursor: read.map((at) => at.toString(36)).join('.') };
}

function parseCursor(cursor = ''): number[] {
  const read = Array.from({ length: partitionsCount }, () => 0);
  for (const [n, at] of cursor.split('.').entries()) read[n] = Number.parseInt(at, 36) || 0;
  return read;
}

/** Undefined: the list is damaged. */
async function changesIn(
  commands: RedisCommands,
  n: number,
  after: number,
  limit: number,
): Promise<readonly (readonly [SessionKey, string])[] | undefined> {
  const search = commands.keys.partitions[n]?.search ?? '';
  const range = [`(${after}`, '+inf', 'BYSCORE', 'LIMIT', '0', String(limit), 'WITHSCORES'];
  try {
    return pairsOf(await commands.read(search, ['ZRANGE', search, ...range]));
  } catch (error) {
    if (isDamagedKey(error)) return undefined;
    throw error;
  }
}

/** The list begun at a random place, so that those at its end are read too. */
function rotated<T>(list: readonly T[]): T[] {
  const start = Math.floor(Math.random() * list.length);
  return [...list.slice(start), ...list.slice(0, start)];
}
