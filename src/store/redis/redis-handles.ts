import { LRUCache } from 'lru-cache';
import type { ActivityHandle, Handle, InviteHandle } from '../../domain/handle/handle.ts';
import type { Guid, Xuid } from '../../domain/ids.ts';
import { formatJson } from '../../domain/json.ts';
import { keyOf, type SessionKey } from '../../domain/session/reference.ts';
import { StoreUnavailable, type Batch } from '../store.ts';
import type { RedisCommands } from './redis-commands.ts';
import { formatScore, pairsOf, parseStored } from './redis-replies.ts';

/**
 * Handles, each in a slot of its own, and what leads to them: the activities and invites of a user,
 * the handles of a session.
 */
export class RedisHandles {
  readonly #commands: RedisCommands;
  readonly #log: (line: string) => void;
  /** Those that could not be read, and were logged. */
  readonly #damaged = new LRUCache<Guid, true>({ max: 10_000 });

  constructor(commands: RedisCommands, log: (line: string) => void) {
    this.#commands = commands;
    this.#log = log;
  }

  /** The handle of this id. Throws for one that is damaged. */
  async find(id: Guid): Promise<Handle | undefined> {
    const { handle } = this.#commands.keys.ofHandle(id.toLowerCase());
    const text = await this.#commands.read(handle, ['HGET', handle, 'd']);
    return text === null ? undefined : parseStored<Handle>(text);
  }

  async activitiesOf(xuids: readonly Xuid[], scid?: Guid): Promise<readonly Handle[]> {
    const ids = await Promise.all(
      [...new Set(xuids)].map(async (xuid) => {
        const key = this.#commands.keys.activities(xuid);
        if (scid !== undefined) {
          const id = await this.#commands.read(key, ['HGET', key, scid.toLowerCase()]);
          return id === null ? [] : [String(id)];
        }
        const pointers = pairsOf(await this.#commands.read(key, ['HGETALL', key]));
        return pointers.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, id]) => id);
      }),
    );
    return this.#all(ids.flat());
  }

  async handlesFor(key: SessionKey): Promise<readonly Handle[]> {
    const { handles } = this.#commands.keys.ofSession(key);
    const ids = await this.#commands.read(handles, ['SMEMBERS', handles]);
    const found = await this.#all(ids as readonly Guid[]);
    return found.filter((handle) => handle.type !== 'invite' && keyOf(handle.reference) === key);
  }

  async invitesOf(xuid: Xuid): Promise<readonly Handle[]> {
    const key = this.#commands.keys.invites(xuid);
    return this.#all((await this.#commands.read(key, ['ZRANGE', key, '0', '-1'])) as Guid[]);
  }

  /** Stores a handle. The one that has its id already; undefined once this one is stored. */
  async put(handle: Handle, session: Batch['session']): Promise<Handle | undefined> {
    const id = handle.id.toLowerCase();
    const { keys } = this.#commands;
    if (handle.type !== 'invite' && !isNotedWith(handle, session)) {
      await this.#commands.write(['SADD', keys.ofSession(keyOf(handle.reference)).handles, id]);
    }
    const { handle: key, expirations } = keys.ofHandle(id);
    const expiration = handle.type === 'invite' ? formatScore(handle.expirationMs) : '';
    const values = [id, formatJson(handle), expiration];
    const other = await this.#commands.writeScript('putHandle', [key, expirations], values);
    return other === null ? undefined : parseStored<Handle>(other);
  }

  /** Removes what `put` stored. */
  async takeBack(handle: Handle, session: Batch['session']): Promise<void> {
    const id = handle.id.toLowerCase();
    await this.#drop(id);
    if (handle.type === 'invite' || isNotedWith(handle, session)) return;
    const { handles } = this.#commands.keys.ofSession(keyOf(handle.reference));
    await this.#commands.write(['SREM', handles, id]);
  }

  /** Makes an activity that of its owner. Nobody waits until the former one is removed. */
  async pointTo({ id, ownerXuid, reference }: ActivityHandle): Promise<void> {
    const pointers = this.#commands.keys.activities(ownerXuid);
    const values = [reference.scid.toLowerCase(), id.toLowerCase()];
    const former = await this.#commands.writeScript('setPointer', [pointers], values);
    if (former !== null) this.#commands.later(this.remove(String(former)));
  }

  /** Adds an invite to those of the user who is invited. */
  async addInvite({ id, invitedXuid, createTimeMs }: InviteHandle): Promise<void> {
    const invites = this.#commands.keys.invites(invitedXuid);
    await this.#commands.write(['ZADD', invites, String(createTimeMs), id.toLowerCase()]);
  }

  /** Removes a handle and what leads to it, the handle last. An unknown id is no error. */
  async remove(id: Guid): Promise<void> {
    const handle = await this.#readable(id);
    if (handle === undefined) {
      // What leads to a damaged one is not known; readers find that the handle is gone.
      if (this.#damaged.has(id)) await this.#drop(id);
      return;
    }
    const { keys } = this.#commands;
    if (handle.type === 'activity') {
      const values = [handle.reference.scid.toLowerCase(), id];
      await this.#commands.writeScript(
        'removePointer',
        [keys.activities(handle.ownerXuid)],
        values,
      );
    }
    await this.#commands.write(
      handle.type === 'invite'
        ? ['ZREM', keys.invites(handle.invitedXuid), id]
        : ['SREM', keys.ofSession(keyOf(handle.reference)).handles, id],
    );
    await this.#drop(id);
  }

  async #drop(id: Guid): Promise<void> {
    const { handle, expirations } = this.#commands.keys.ofHandle(id);
    await this.#commands.writeScript('removeHandle', [handle, expirations], [id]);
  }

  /** Those of these ids that are there and can be read, in their order. */
  async #all(ids: readonly Guid[]): Promise<readonly Handle[]> {
    const found = await Promise.all(ids.map((id) => this.#readable(id.toLowerCase())));
    return found.filter((handle) => handle !== undefined);
  }

  /** Undefined also for a damaged one, which is logged once: the others of a list are still read. */
  async #readable(id: Guid): Promise<Handle | undefined> {
    try {
      return await this.find(id);
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      if (!this.#damaged.has(id)) this.#log(`the handle ${id} cannot be read: ${String(error)}`);
      this.#damaged.set(id, true);
      return undefined;
    }
  }
}

/** True of a handle that the step which stores its session notes as well. */
export function isNotedWith(handle: Handle, session: Batch['session']): boolean {
  const isOfSession = handle.type !== 'invite' && session?.kind === 'put';
  return isOfSession && keyOf(handle.reference) === session.key;
}
