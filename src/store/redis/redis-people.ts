import type { Xuid } from '../../domain/ids.ts';
import { formatJson } from '../../domain/json.ts';
import type { ListEntry, ListName, PeopleStore } from '../store.ts';
import type { RedisCommands } from './redis-commands.ts';
import { parseStored } from './redis-replies.ts';

/** Lists of people on Redis: see PeopleStore. Those of one user are in one slot. */
export class RedisPeople implements PeopleStore {
  readonly #commands: RedisCommands;

  constructor(commands: RedisCommands) {
    this.#commands = commands;
  }

  async list(owner: Xuid, list: ListName): Promise<readonly ListEntry[]> {
    this.#commands.assertOpen();
    const { entries, order } = this.#commands.keys.list(owner, list);
    const texts = await this.#commands.readScript('valuesInOrder', [entries, order], ['0', '-1']);
    return (texts as readonly string[]).map((text) => parseStored<ListEntry>(text));
  }

  async listEntries(
    owner: Xuid,
    list: ListName,
    xuids: readonly Xuid[],
  ): Promise<readonly ListEntry[]> {
    this.#commands.assertOpen();
    if (xuids.length === 0) return [];
    const { entries } = this.#commands.keys.list(owner, list);
    const texts = await this.#commands.read(entries, ['HMGET', entries, ...xuids]);
    return (texts as readonly (string | null)[]).flatMap((text) =>
      text === null ? [] : parseStored<ListEntry>(text),
    );
  }

  async listSize(owner: Xuid, list: ListName, max: number): Promise<number> {
    this.#commands.assertOpen();
    const { order } = this.#commands.keys.list(owner, list);
    return Math.min(max, Number(await this.#commands.read(order, ['ZCARD', order])));
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
