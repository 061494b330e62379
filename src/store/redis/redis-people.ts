import type { Xuid } from '../../domain/ids.ts';
import { formatJson } from '../../domain/json.ts';
import type { ListEntry, ListName, PeopleStore } from '../store.ts';
import type { DamageLog } from './damage-log.ts';
import type { RedisCommands } from './redis-commands.ts';
import type { Reply } from './redis-link.ts';
import { parseStored } from './redis-replies.ts';

/** Lists of people on Redis: see PeopleStore. Those of one user are in one slot. */
export class RedisPeople implements PeopleStore {
  readonly #commands: RedisCommands;
  readonly #damage: DamageLog;

  constructor(commands: RedisCommands, damage: DamageLog) {
    this.#commands = commands;
    this.#damage = damage;
  }

  async list(owner: Xuid, list: ListName): Promise<readonly ListEntry[]> {
    this.#commands.assertOpen();
    const { entries, order } = this.#commands.keys.list(owner, list);
    const reading = this.#commands.readScript('valuesInOrder', [entries, order], ['0', '-1']);
    const texts = await this.#damage.read(listOf(owner, list), reading);
    return this.#parsed(owner, list, (texts as readonly Reply[]).map(String));
  }

  async listEntries(
    owner: Xuid,
    list: ListName,
    xuids: readonly Xuid[],
  ): Promise<readonly ListEntry[]> {
    this.#commands.assertOpen();
    if (xuids.length === 0) return [];
    const { entries } = this.#commands.keys.list(owner, list);
    const reading = this.#commands.read(entries, ['HMGET', entries, ...xuids]);
    const texts = await this.#damage.read(listOf(owner, list), reading);
    const there = (texts as readonly (string | null)[]).filter((text) => text !== null);
    return this.#parsed(owner, list, there);
  }

  #parsed(owner: Xuid, list: ListName, texts: readonly string[]): readonly ListEntry[] {
    const name = `an entry of ${listOf(owner, list)}`;
    return texts.flatMap((text) => {
      const thing = `entry ${list} ${owner} ${text.slice(0, 512)}`;
      return (
        this.#damage.parsedUnlessDamaged(name, () => parseStored<ListEntry>(text), thing) ?? []
      );
    });
  }

  async listSize(owner: Xuid, list: ListName, max: number): Promise<number> {
    this.#commands.assertOpen();
    const { order } = this.#commands.keys.list(owner, list);
    const reading = this.#commands.read(order, ['ZCARD', order]);
    return Math.min(max, Number(await this.#damage.read(listOf(owner, list), reading)));
  }

  async changeList(
    owner: Xuid,
    list: ListName,
    { put = [], remove = [] }: { put?: readonly ListEntry[]; remove?: readonly Xuid[] },
  ): Promise<void> {
    this.#commands.assertOpen();
    if (put.length === 0 && remove.length === 0) return;
    const { entries, order } = this.#commands.keys.list(owner, list);
    const puts = put.flatMap((entry) => [entry.xuid, formatJson(entry)]);
    const values = [String(put.length), ...puts, ...remove];
    const name = put.length > 0 ? 'changeList' : 'shortenList';
    await this.#commands.track(this.#commands.writeScript(name, [entries, order], values));
  }
}

/** A list for the damage log. */
function listOf(owner: Xuid, list: ListName): string {
  return `the list ${list} of ${owner}`;
}
