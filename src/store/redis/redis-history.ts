import type { Guid } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { SessionKey } from '../../domain/session/reference.ts';
import type { HistoryName, StoredBranch, StoredChange } from '../store.ts';
import type { DamageLog } from './damage-log.ts';
import type { RedisCommands } from './redis-commands.ts';
import { hintSeparator } from './redis-commits.ts';
import { parseStored } from './redis-replies.ts';

/** Branches that are read at once. */
const pageMax = 500;

/** The history on Redis: see HistoryStore. Commits write it and forget what is too old. */
export class RedisHistory {
  readonly #commands: RedisCommands;
  readonly #damage: DamageLog;

  constructor(commands: RedisCommands, damage: DamageLog) {
    this.#commands = commands;
    this.#damage = damage;
  }

  async branches(key: SessionKey): Promise<readonly Guid[]> {
    const { branches } = this.#commands.keys.ofSession(key);
    const reading = this.#commands.read(branches, ['ZRANGE', branches, '0', '-1', 'REV']);
    const found = await this.#damage.read(`the history of the session ${key}`, reading);
    return found as readonly string[];
  }

  async changes(key: SessionKey, branch: Guid): Promise<readonly StoredChange[]> {
    const list = this.#commands.keys.ofSession(key).changesOf(branch);
    const reading = this.#commands.read(list, ['LRANGE', list, '0', '-1']);
    const name = `the history ${branch} of the session ${key}`;
    const texts = (await this.#damage.read(name, reading)) as readonly string[];
    return texts.toReversed().flatMap((text) => {
      const change = parseChange(text);
      if (change === undefined) {
        this.#damage.note(list, `a change of the session ${key} cannot be read`);
      }
      return change ?? [];
    });
  }

  async by(name: HistoryName, prefix: string, limit: number): Promise<readonly StoredBranch[]> {
    const set = this.#commands.keys.historyName(name);
    const found: StoredBranch[] = [];
    for (let from = 0; found.length < limit; from += pageMax) {
      const range = ['ZRANGE', set, String(from), String(from + pageMax - 1), 'REV'];
      const reading = this.#commands.read(set, range);
      const members = (await this.#damage.read(
        `the history of ${name}`,
        reading,
      )) as readonly string[];
      for (const member of members) {
        const [key = '', branch = ''] = member.split(hintSeparator);
        if (key.startsWith(prefix)) found.push({ key, branch });
      }
      if (members.length < pageMax) break;
    }
    return found.slice(0, limit);
  }
}

/** A change as the script writes it: revision, time, text. Undefined of another text. */
function parseChange(text: string): StoredChange | undefined {
  const [head, revision, atMs] = /^(\d+) (\S+) /.exec(text) ?? [];
  if (head === undefined) return undefined;
  try {
    const change = parseStored<JsonObject>(text.slice(head.length));
    return { revision: Number(revision), atMs: Number(atMs), change };
  } catch {
    return undefined;
  }
}
