import type { ActivityHandle, Handle, InviteHandle } from '../../domain/handle/handle.ts';
import type { Guid, Xuid } from '../../domain/ids.ts';
import { formatJson } from '../../domain/json.ts';
import { keyOf, type SessionKey } from '../../domain/session/reference.ts';
import { unlessDamaged, type Batch } from '../store.ts';
import type { DamageLog } from './damage-log.ts';
import type { RedisCommands } from './redis-commands.ts';
import { formatScore, pairsOf, parseStored } from './redis-replies.ts';

/**
 * Handles, each in a slot of its own, and their pointers: the activities and invites of a user, the
 * handles of a session.
 */
export class RedisHandles {
  readonly #commands: RedisCommands;
  readonly #damage: DamageLog;
  /** Removals of former activities. A use of the same id waits for them. */
  readonly #removals = new Map<Guid, Promise<void>>();

  constructor(commands: RedisCommands, damage: DamageLog) {
    this.#commands = commands;
    this.#damage = damage;
  }

  /** The handle of this id. Throws DamagedRecord. */
  async find(id: Guid): Promise<Handle | undefined> {
    const key = id.toLowerCase();
    const text = await this.#text(key);
    return text === null ? undefined : this.#damage.parsed(...handleOf(key, text));
  }

  async activitiesOf(xuids: readonly Xuid[], scid?: Guid): Promise<readonly Handle[]> {
    const ids = await Promise.all(
      [...new Set(xuids)].map((xuid) => unlessDamaged(this.#activityIds(xuid, scid))),
    );
    return this.#all(ids.flatMap((some) => some ?? []));
  }

  /** By service config. Throws DamagedRecord. */
  async #activityIds(xuid: Xuid, scid: Guid | undefined): Promise<readonly Guid[]> {
    const key = this.#commands.keys.activities(xuid);
    const read = (command: readonly string[]) =>
      this.#damage.read(`the activities of ${xuid}`, this.#commands.read(key, command));
    if (scid !== undefined) {
      const id = await read(['HGET', key, scid.toLowerCase()]);
      return id === null ? [] : [String(id)];
    }
    const pointers = pairsOf(await read(['HGETALL', key]));
    return pointers.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, id]) => id);
  }

  async handlesFor(key: SessionKey): Promise<readonly Handle[]> {
    const { handles } = this.#commands.keys.ofSession(key);
    const reading = this.#commands.read(handles, ['SMEMBERS', handles]);
    const ids = await this.#damage.read(`the handles of the session ${key}`, reading);
    const found = await this.#all(ids as readonly Guid[]);
    return found.filter((handle) => handle.type !== 'invite' && keyOf(handle.reference) === key);
  }

  async invitesOf(xuid: Xuid): Promise<readonly Handle[]> {
    const key = this.#commands.keys.invites(xuid);
    const reading = this.#commands.read(key, ['ZRANGE', key, '0', '-1']);
    const ids = await this.#damage.read(`the invites of ${xuid}`, reading);
    return this.#all(ids as readonly Guid[]);
  }

  /** Stores a handle. The one that has its id already; undefined once this one is stored. */
  async put(handle: Handle, session: Batch['session']): Promise<Handle | undefined> {
    const id = handle.id.toLowerCase();
    const { keys } = this.#commands;
    await this.#removals.get(id);
    if (handle.type !== 'invite' && !isNotedWith(handle, session)) {
      await this.#commands.write(['SADD', keys.ofSession(keyOf(handle.reference)).handles, id]);
    }
    const { handle: key, expirations } = keys.ofHandle(id);
    const expiration = handle.type === 'invite' ? formatScore(handle.expirationMs) : '';
    const values = [id, formatJson(handle), expiration];
    const other = await this.#commands.writeScript('putHandle', [key, expirations], values);
    return other === null ? undefined : this.#damage.parsed(...handleOf(id, String(other)));
  }

  /** Removes what `put` stored. */
  async takeBack(handle: Handle, session: Batch['session']): Promise<void> {
    const id = handle.id.toLowerCase();
    await this.#drop(id, formatJson(handle));
    if (handle.type === 'invite' || isNotedWith(handle, session)) return;
    const { handles } = this.#commands.keys.ofSession(keyOf(handle.reference));
    await this.#commands.write(['SREM', handles, id]);
  }

  /** Makes an activity its owner's current one. Nobody waits until the former one is removed. */
  async pointTo({ id, ownerXuid, reference }: ActivityHandle): Promise<void> {
    const pointers = this.#commands.keys.activities(ownerXuid);
    const values = [reference.scid.toLowerCase(), id.toLowerCase()];
    const former = await this.#commands.writeScript('setPointer', [pointers], values);
    if (former === null) return;
    const formerId = String(former);
    const removal = this.remove(formerId)
      .catch(() => undefined)
      .finally(() => {
        // A later removal of the same id is not forgotten.
        if (this.#removals.get(formerId) === removal) this.#removals.delete(formerId);
      });
    this.#removals.set(formerId, removal);
    this.#commands.later(removal);
  }

  /** Adds an invite to those of the user who is invited. */
  async addInvite({ id, invitedXuid, createTimeMs }: InviteHandle): Promise<void> {
    const invites = this.#commands.keys.invites(invitedXuid);
    await this.#commands.write(['ZADD', invites, String(createTimeMs), id.toLowerCase()]);
  }

  /**
   * Removes a handle and its pointers, the handle last. An unknown id is no error. Another handle
   * that gets the id meanwhile stays.
   */
  async remove(id: Guid): Promise<void> {
    const text = await this.#text(id);
    if (text === null) return;
    const handle = this.#damage.parsedUnlessDamaged(...handleOf(id, text));
    if (handle === undefined) {
      // The pointers to a damaged one are unknown; readers find that the handle is gone.
      await this.#drop(id, text);
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
    await this.#drop(id, text);
  }

  async #drop(id: Guid, text: string): Promise<void> {
    const { handle, expirations } = this.#commands.keys.ofHandle(id);
    await this.#commands.writeScript('removeHandle', [handle, expirations], [id, text]);
  }

  async #text(id: Guid): Promise<string | null> {
    await this.#removals.get(id);
    const { handle } = this.#commands.keys.ofHandle(id);
    const reading = this.#commands.read(handle, ['HGET', handle, 'd']);
    const text = await this.#damage.read(`the handle ${id}`, reading);
    return text === null ? null : String(text);
  }

  /** Those of these ids that are there and can be read, in their order. */
  async #all(ids: readonly Guid[]): Promise<readonly Handle[]> {
    const found = await Promise.all(ids.map((id) => unlessDamaged(this.find(id))));
    return found.filter((handle) => handle !== undefined);
  }
}

/** A handle for the damage log: its name, and how it is read. */
function handleOf(id: Guid, text: string): [name: string, parse: () => Handle] {
  return [`the handle ${id}`, () => parseStored<Handle>(text)];
}

/** True of a handle that is noted in the step that stores its session. */
export function isNotedWith(handle: Handle, session: Batch['session']): boolean {
  const isOfSession = handle.type !== 'invite' && session?.kind === 'put';
  return isOfSession && keyOf(handle.reference) === session.key;
}
