import type { SessionKeys } from '../session-store.ts';
import type { RedisCommands } from './redis-commands.ts';

/** Names that a server looks at in one step: some tenths of a millisecond, in which others wait. */
const scannedMax = 1_000;

/**
 * A page of the keys of all sessions, as `SessionStore.sessionKeys` says.
 *
 * No index has them all: one would cost each write, and few ask. Each server is gone through by `SCAN`, as
 * the server of the first partition that it has. The cursor is that partition and the cursor of the server.
 */
export async function readSessionKeys(
  commands: RedisCommands,
  cursor: string | undefined,
  limit: number,
): Promise<SessionKeys> {
  const { partitions } = commands.keys;
  const [first = '0', scanCursor = '0'] = cursor?.split(' ') ?? [];
  let n = Number(first);
  let scanned = scanCursor;
  const found: string[] = [];
  while (n < partitions.length) {
    const partition = partitions[n]?.base ?? '';
    const [next, names] = (await commands.read(partition, [
      'SCAN',
      scanned,
      'MATCH',
      commands.keys.sessionsPattern,
      'COUNT',
      String(scannedMax),
    ])) as readonly [string, readonly string[]];
    found.push(...names.flatMap((name) => commands.keys.sessionOfName(name) ?? []));
    scanned = next;
    if (scanned === '0') n = nextOnAnotherServer(commands, n);
    if (found.length >= limit && n < partitions.length) {
      return { keys: found, cursor: `${n} ${scanned}` };
    }
  }
  return { keys: found, cursor: undefined };
}

/** The next partition on a server that has none of the partitions up to this one. */
function nextOnAnotherServer(commands: RedisCommands, n: number): number {
  const servers = commands.keys.partitions.map(({ base }) => commands.serverOf(base));
  const seen = new Set(servers.slice(0, n + 1));
  const next = servers.findIndex((server, at) => at > n && !seen.has(server));
  return next < 0 ? servers.length : next;
}
