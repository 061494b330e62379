import type { SessionKeys } from '../session-finder.ts';
import type { RedisCommands } from './redis-commands.ts';

/** Names that a server looks at in one step: some tenths of a millisecond, in which others wait. */
const scannedMax = 1_000;

/**
 * A page of the keys of all sessions, as `SessionFinder.sessionKeys` says.
 *
 * No index has them all: one would cost each write, and few ask. Each server is gone through by `SCAN`, as
 * the server of the first partition that it has. The cursor is that partition and the cursor of the server.
 */
export async function readSessionKeys(
  commands: RedisCommands,
  cursor: string | undefined,
  limit: number,
): Promise<SessionKeys> {
  const found: string[] = [];
  let next = cursor;
  do {
    const page = await scan(commands, commands.keys.sessionsPattern, next);
    found.push(...page.names.flatMap((name) => commands.keys.sessionOfName(name) ?? []));
    next = page.cursor;
  } while (found.length < limit && next !== undefined);
  return { keys: found, cursor: next };
}

type Names = { readonly names: readonly string[]; readonly cursor: string | undefined };

/** Some names that match; `cursor` leads to more, and is undefined when all servers were gone through. */
export async function scan(
  commands: RedisCommands,
  pattern: string,
  cursor: string | undefined,
): Promise<Names> {
  const [first = '0', scanned = '0'] = cursor?.split(' ') ?? [];
  const n = Number(first);
  const partition = commands.keys.partitions[n]?.base ?? '';
  const command = ['SCAN', scanned, 'MATCH', pattern, 'COUNT', String(scannedMax)];
  const [next, names] = (await commands.read(partition, command)) as readonly [
    string,
    readonly string[],
  ];
  if (next !== '0') return { names, cursor: `${n} ${next}` };
  const other = nextOnAnotherServer(commands, n);
  return { names, cursor: other < commands.keys.partitions.length ? `${other} 0` : undefined };
}

/** The next partition on a server that has none of the partitions up to this one. */
function nextOnAnotherServer(commands: RedisCommands, n: number): number {
  const servers = commands.keys.partitions.map(({ base }) => commands.serverOf(base));
  const seen = new Set(servers.slice(0, n + 1));
  const next = servers.findIndex((server, at) => at > n && !seen.has(server));
  return next < 0 ? servers.length : next;
}
