import type { CountedPart } from '../session-finder.ts';
import type { RedisCommands } from './redis-commands.ts';
import type { CountedKind } from './redis-keys.ts';
import { scan } from './redis-session-keys.ts';

/** How the entries of a collection are counted. */
const countCommands = { joined: 'ZCARD', reserved: 'ZCARD', activities: 'HLEN' } as const;

/**
 * Counts what some of the names hold, as `SessionFinder.countPart` says: no total is kept, which would
 * cost each write. Invites are counted by their expirations, in the first part.
 */
export async function readCountPart(
  commands: RedisCommands,
  cursor: string | undefined,
): Promise<CountedPart> {
  const counts = { sessions: 0, handles: 0, joined: 0, reserved: 0, activities: 0, invites: 0 };
  const sum = async (kind: CountedKind | 'invites', name: string, command: string) => {
    const count = Number(await commands.read(name, [command, name]));
    counts[kind] += count;
  };
  if (cursor === undefined) {
    const { partitions } = commands.keys;
    await Promise.all(partitions.map(({ expirations }) => sum('invites', expirations, 'ZCARD')));
  }
  const page = await scan(commands, commands.keys.pattern, cursor);
  await Promise.all(
    page.names.map((name) => {
      const kind = commands.keys.kindOfName(name);
      if (kind === undefined) return undefined;
      if (kind !== 'sessions' && kind !== 'handles') return sum(kind, name, countCommands[kind]);
      counts[kind] += 1;
      return undefined;
    }),
  );
  return { counts, cursor: page.cursor };
}
