import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { ActivityHandle, Handle } from '../../domain/handle/handle.ts';
import type { Guid, Xuid } from '../../domain/ids.ts';
import { formatJson, formatJsonOnce, type JsonObject, parseExactJson } from '../../domain/json.ts';
import { keyOf, type SessionKey } from '../../domain/session/reference.ts';
import type { Member, Session } from '../../domain/session/session.ts';
import type { Milliseconds } from '../../domain/time.ts';
import { formatStoredSession } from '../session-text.ts';
import {
  StoreUnavailable,
  type Batch,
  type Committed,
  type Conflict,
  type Durability,
  type Hint,
  type ListEntry,
  type ListName,
  type NodeId,
  type OwedTaps,
  type PendingNotifications,
  type LastKnown,
  type SessionDelete,
  type SessionPut,
  type SessionRecord,
  type Share,
  type Store,
  type Taken,
} from '../store.ts';
import { partitionsCount, type RedisKeys } from './redis-keys.ts';
import type { Reply } from './redis-link.ts';
import type { Lane, RedisShards } from './redis-shards.ts';
import { scripts } from './scripts.ts';

export type RedisStoreParts = {
  readonly shards: RedisShards;
  readonly keys: RedisKeys;
  readonly durability: Durability;
  /** Sessions kept parsed, by the length of their texts. */
  readonly cacheBytesMax: number;
  /** How long a commit may wait to be carried out, by the time of its server. */
  readonly patienceMs: number;
  /** Closed with the store, whose connections it uses. */
  readonly bus: AsyncDisposable;
  /** Hears of records that are damaged. */
  readonly log: (line: string) => void;
};

/** What was last heard of a session, and which commit made it. */
type Known = { readonly record: SessionRecord; readonly commitId: CommitId };

/** 12 characters that no two commits share. */
type CommitId = string;

/**
 * A store on Redis or Valkey, a single server or a cluster, shared by any number of processes.
 *
 * A session is compared and set by one script on the server that has it. What belongs to other
 * slots is written around that step, so that whatever a reader finds leads somewhere:
 *
 *   before   handles, which a session's record confirms; hints, which may hold too many
 *   step     session, due time, member rows, its handles, search change, owed taps
 *   after    pointers of users; removals
 *
 * Nobody waits for removals of what a session no longer confirms: who follows it finds that out.
 *
 * A batch that conflicts takes back what it wrote before. Everything sent may be sent again: a
 * session knows the commits that made it, and the rest says the same when said twice.
 */
export class RedisStore implements Store {
  readonly #shards: RedisShards;
  readonly #keys: RedisKeys;
  readonly #writes: Lane;
  readonly #isStrict: '1' | '0';
  readonly #patienceMs: number;
  readonly #known: LRUCache<SessionKey, Known>;
  readonly #bus: AsyncDisposable;
  readonly #log: (line: string) => void;
  /** Handles that could not be read, and were logged. */
  readonly #damaged = new LRUCache<Guid, true>({ max: 10_000 });
  readonly pendingNotifications: PendingNotifications = {
    read: (...asked) => this.#readPending(...asked),
    forget: (...which) => this.#forgetPending(...which),
  };
  readonly #underway = new Set<Promise<unknown>>();
  readonly #idPrefix = randomBytes(4).toString('base64url').slice(0, 5);
  #idsCount = 0;
  /** Nodes that were there the last time: their leases are asked for along with them. */
  #nodesKnown: readonly NodeId[] = [];
  #disposed: Promise<void> | undefined;

  constructor(parts: RedisStoreParts) {
    const { shards, keys, durability, cacheBytesMax, patienceMs, bus, log } = parts;
    this.#log = log;
    this.#shards = shards;
    this.#keys = keys;
    this.#writes = durability === 'strict' ? 'durable' : 'plain';
    this.#isStrict = durability === 'strict' ? '1' : '0';
    this.#patienceMs = patienceMs;
    this.#bus = bus;
    this.#known = new LRUCache({ maxSize: cacheBytesMax });
  }

  async session(key: SessionKey): Promise<SessionRecord | undefined> {
    return this.#session(key, this.#known.get(key), (parts) => this.#learn(key, parts));
  }

  async sessions(keys: readonly SessionKey[]): Promise<readonly (SessionRecord | undefined)[]> {
    return this.#each(keys, (key) => this.#session(key, this.#known.peek(key), recordOf));
  }

  async #session(
    key: SessionKey,
    known: Known | undefined,
    found: (parts: readonly string[]) => SessionRecord,
  ): Promise<SessionRecord | undefined> {
    this.#refuseIfDisposed();
    const { session, partition } = this.#keys.ofSession(key);
    const values = [known?.commitId ?? '', this.#isStrict];
    const name = this.#writes === 'durable' ? 'sessionFenced' : 'session';
    const reply = await this.#script(name, [session, partition.meta], values, this.#writes);
    const [kind, ...parts] = reply as readonly string[];
    if (kind === 'same' && known) return known.record;
    return kind === 'found' ? found(parts) : this.#forget(key);
  }

  /**
   * Nothing that is still on its way: should that fail, another process may have been given the
   * revision that it was to have, and who built upon the one would be taken to know the other.
   */
  lastKnown(key: SessionKey): LastKnown | undefined {
    const known = this.#known.get(key);
    return known && { record: known.record, isCommitted: false };
  }

  async handle(id: Guid): Promise<Handle | undefined> {
    this.#refuseIfDisposed();
    return this.#handle(id.toLowerCase());
  }

  async activitiesOf(xuids: readonly Xuid[], scid?: Guid): Promise<readonly Handle[]> {
    this.#refuseIfDisposed();
    const ids = await this.#each([...new Set(xuids)], async (xuid) => {
      const key = this.#keys.activities(xuid);
      if (scid !== undefined) {
        const id = await this.#shards.run(key, ['HGET', key, scid.toLowerCase()]);
        return id === null ? [] : [String(id)];
      }
      const pointers = pairsOf(await this.#shards.run(key, ['HGETALL', key]));
      return pointers.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, id]) => id);
    });
    return this.#handles(ids.flat());
  }

  async handlesFor(key: SessionKey): Promise<readonly Handle[]> {
    this.#refuseIfDisposed();
    const { handles } = this.#keys.ofSession(key);
    const ids = (await this.#shards.run(handles, ['SMEMBERS', handles])) as readonly Guid[];
    const found = await this.#handles(ids);
    return found.filter((handle) => handle.type !== 'invite' && keyOf(handle.reference) === key);
  }

  async invitesOf(xuid: Xuid): Promise<readonly Handle[]> {
    this.#refuseIfDisposed();
    const key = this.#keys.invites(xuid);
    return this.#handles((await this.#shards.run(key, ['ZRANGE', key, '0', '-1'])) as string[]);
  }

  async sessionsBy(hint: Hint, limit: number, after?: SessionKey): Promise<readonly SessionKey[]> {
    this.#refuseIfDisposed();
    const set = this.#keys.hint(hint);
    const found = new Set<SessionKey>();
    let from = after === undefined ? '-' : `(${after}${lastOfKey}`;
    while (found.size < limit) {
      const count = String(limit - found.size);
      const range = ['ZRANGE', set, from, '+', 'BYLEX', 'LIMIT', '0', count];
      const members = (await this.#shards.run(set, range)) as readonly string[];
      for (const member of members) found.add(member.slice(0, member.indexOf(separator)));
      const last = members.at(-1);
      if (last === undefined) break;
      from = `(${last.slice(0, last.indexOf(separator))}${lastOfKey}`;
    }
    return [...found];
  }

  async memberRow(key: SessionKey, xuid: Xuid): Promise<Member | undefined> {
    this.#refuseIfDisposed();
    const { rows } = this.#keys.ofSession(key);
    const text = await this.#shards.run(rows, ['HGET', rows, xuid]);
    return text === null ? undefined : parse<Member>(text);
  }

  async memberRows(key: SessionKey, limit: number, after?: Xuid): Promise<readonly Member[]> {
    const from = after === undefined ? '-' : `(${after}`;
    return this.#rowsInOrder(key, 'rowsOrder', [from, '+', 'BYLEX', 'LIMIT', '0', String(limit)]);
  }

  async memberRowsDue(
    key: SessionKey,
    nowMs: Milliseconds,
    limit: number,
  ): Promise<readonly Member[]> {
    const range = ['-inf', score(nowMs), 'BYSCORE', 'LIMIT', '0', String(limit)];
    return this.#rowsInOrder(key, 'rowsDue', range);
  }

  async #rowsInOrder(
    key: SessionKey,
    order: 'rowsOrder' | 'rowsDue',
    range: readonly string[],
  ): Promise<readonly Member[]> {
    this.#refuseIfDisposed();
    const keys = this.#keys.ofSession(key);
    const texts = await this.#script('valuesInOrder', [keys.rows, keys[order]], range);
    return (texts as readonly string[]).map((text) => parse<Member>(text));
  }

  async due(nowMs: Milliseconds, limit: number, share?: Share): Promise<readonly SessionKey[]> {
    return this.#earliest('due', nowMs, limit, share);
  }

  async expired(nowMs: Milliseconds, limit: number, share?: Share): Promise<readonly Guid[]> {
    return this.#earliest('expirations', nowMs, limit, share);
  }

  #partitionsOf({ index, of }: Share = { index: 0, of: 1 }): RedisKeys['partitions'] {
    return this.#keys.partitions.filter((_partition, n) => n % of === index);
  }

  /** The names whose time has come, of these partitions: one round trip to each server. */
  async #earliest(
    what: 'due' | 'expirations',
    nowMs: Milliseconds,
    limit: number,
    share: Share | undefined,
  ): Promise<readonly string[]> {
    this.#refuseIfDisposed();
    const range = ['-inf', score(nowMs), 'BYSCORE', 'LIMIT', '0', String(limit), 'WITHSCORES'];
    const found = await this.#ofThoseThatAnswer(share, async (partition) =>
      pairsOf(await this.#shards.run(partition[what], ['ZRANGE', partition[what], ...range])),
    );
    const inOrder = found.flat().sort(([, a], [, b]) => Number(a) - Number(b));
    return inOrder.slice(0, limit).map(([name]) => name);
  }

  /**
   * What is found in partitions of a share. A shard that is away keeps nobody from what the others
   * have: those who look for what is due look again. Throws when none answers.
   */
  async #ofThoseThatAnswer<R>(
    share: Share | undefined,
    look: (partition: RedisKeys['partitions'][number]) => Promise<readonly R[]>,
  ): Promise<R[][]> {
    const outcomes = await Promise.allSettled(this.#partitionsOf(share).map(look));
    const found = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [[...one.value]] : []));
    const [first] = outcomes;
    if (found.length === 0 && first?.status === 'rejected') throw first.reason;
    return found;
  }

  async commit(batch: Batch): Promise<Committed | Conflict | Taken> {
    this.#refuseIfDisposed();
    return this.#track(this.#commit(batch));
  }

  async searchChanges(
    cursor: string | undefined,
    limit: number,
  ): Promise<{ readonly keys: readonly SessionKey[]; readonly cursor: string }> {
    this.#refuseIfDisposed();
    const read = Array.from({ length: partitionsCount }, () => 0);
    for (const [n, at] of (cursor ?? '').split('.').entries())
      read[n] = Number.parseInt(at, 36) || 0;
    const last = await this.#each(this.#keys.partitions, async ({ meta }) =>
      Number((await this.#shards.run(meta, ['HGET', meta, 'search'])) ?? 0),
    );
    const keys: SessionKey[] = [];
    // Where fewer changes are counted than were read, the server was emptied and begins anew.
    for (const [n, at] of last.entries()) if (at < (read[n] ?? 0)) read[n] = 0;
    const behind = inTurn(last.flatMap((at, n) => (at > (read[n] ?? 0) ? [n] : [])));
    while (behind.length > 0 && keys.length < limit) {
      // So many partitions as may hold what is asked for, all asked at once.
      let expected = 0;
      const wave: number[] = [];
      while (behind.length > 0 && keys.length + expected < limit) {
        const n = behind.shift() ?? 0;
        expected += (last[n] ?? 0) - (read[n] ?? 0);
        wave.push(n);
      }
      const found = await this.#each(wave, (n) => this.#searchChangesIn(n, read[n] ?? 0, limit));
      for (const [at, changes] of found.entries()) {
        const n = wave[at] ?? 0;
        const taken = changes.slice(0, limit - keys.length);
        keys.push(...taken.map(([key]) => key));
        if (taken.length === changes.length && changes.length < limit) {
          read[n] = Math.max(last[n] ?? 0, Number(taken.at(-1)?.[1] ?? 0));
        } else read[n] = Number(taken.at(-1)?.[1] ?? read[n]);
      }
    }
    return { keys, cursor: read.map((at) => at.toString(36)).join('.') };
  }

  async #searchChangesIn(
    n: number,
    after: number,
    limit: number,
  ): Promise<readonly (readonly [SessionKey, string])[]> {
    const search = this.#keys.partitions[n]?.search ?? '';
    const range = [`(${after}`, '+inf', 'BYSCORE', 'LIMIT', '0', String(limit), 'WITHSCORES'];
    return pairsOf(await this.#shards.run(search, ['ZRANGE', search, ...range]));
  }

  async list(owner: Xuid, list: ListName): Promise<readonly ListEntry[]> {
    this.#refuseIfDisposed();
    const { entries, order } = this.#keys.list(owner, list);
    const texts = await this.#script('valuesInOrder', [entries, order], ['0', '-1']);
    return (texts as readonly string[]).map((text) => parse<ListEntry>(text));
  }

  async changeList(
    owner: Xuid,
    list: ListName,
    { put = [], remove = [] }: { put?: readonly ListEntry[]; remove?: readonly Xuid[] },
  ): Promise<void> {
    this.#refuseIfDisposed();
    if (put.length === 0 && remove.length === 0) return;
    const { entries, order } = this.#keys.list(owner, list);
    const puts = put.flatMap((entry) => [entry.xuid, formatJson(entry)]);
    const values = [String(put.length), ...puts, ...remove];
    const name = put.length > 0 ? 'changeList' : 'shortenList';
    await this.#track(this.#script(name, [entries, order], values, this.#writes));
  }

  async #readPending(
    ageMs: Milliseconds,
    limit: number,
    share?: Share,
  ): Promise<readonly OwedTaps[]> {
    this.#refuseIfDisposed();
    const found = await this.#ofThoseThatAnswer(share, async ({ owed, owedTexts }) => {
      const values = [String(ageMs), String(limit)];
      const parts = (await this.#script(
        'untapped',
        [owed, owedTexts],
        values,
      )) as readonly string[];
      return Array.from({ length: parts.length / 3 }, (_, n) => {
        const [name = '', timeMs = '', text = ''] = parts.slice(3 * n);
        const [key = '', revision = ''] = name.split('\n');
        const owedTaps = parseOwedTaps(text);
        return { timeMs: Number(timeMs), owed: { key, revision: Number(revision), owedTaps } };
      });
    });
    const inOrder = found.flat().sort((a, b) => a.timeMs - b.timeMs);
    return inOrder.slice(0, limit).map(({ owed }) => owed);
  }

  async #forgetPending(key: SessionKey, revision: number): Promise<void> {
    this.#refuseIfDisposed();
    const { owed, owedTexts } = this.#keys.ofSession(key).partition;
    await this.#script('tapped', [owed, owedTexts], [`${key}\n${revision}`]);
  }

  async renewNode(node: NodeId, leaseMs: Milliseconds): Promise<'held' | 'lost'> {
    this.#refuseIfDisposed();
    const keys = [this.#keys.nodes, this.#keys.lease(node)];
    const reply = await this.#script('renewNode', keys, [node, String(leaseMs)], this.#writes);
    return reply === 'held' ? 'held' : 'lost';
  }

  async nodes(): Promise<readonly { readonly node: NodeId; readonly isAlive: boolean }[]> {
    this.#refuseIfDisposed();
    const known = this.#nodesKnown;
    const keys = [this.#keys.nodes, ...known.map((node) => this.#keys.lease(node))];
    const found = pairsOf(await this.#script('nodes', keys, known));
    this.#nodesKnown = found.map(([node]) => node);
    return this.#each(found, async ([node, isAlive]) => {
      if (isAlive !== '-1') return { node, isAlive: isAlive === '1' };
      const lease = this.#keys.lease(node);
      return { node, isAlive: (await this.#shards.run(lease, ['EXISTS', lease])) === 1 };
    });
  }

  async noteSeen(
    sightings: readonly (readonly [Xuid, Milliseconds])[],
    forgetBeforeMs: Milliseconds,
  ): Promise<void> {
    this.#refuseIfDisposed();
    const bySet = Map.groupBy(sightings, ([xuid]) => this.#keys.seen(xuid));
    await this.#each([...bySet], async ([seen, ofSet]) => {
      const pairs = ofSet.flatMap(([xuid, seenMs]) => [String(seenMs), xuid]);
      await this.#write(['ZADD', seen, 'GT', ...pairs]);
      await this.#write(['ZREMRANGEBYSCORE', seen, '-inf', `(${forgetBeforeMs}`]);
    });
  }

  async lastSeen(xuids: readonly Xuid[]): Promise<ReadonlyMap<Xuid, Milliseconds>> {
    this.#refuseIfDisposed();
    const bySet = Map.groupBy(new Set(xuids), (xuid) => this.#keys.seen(xuid));
    const found = await this.#each([...bySet], async ([seen, ofSet]) => {
      const scores = (await this.#shards.run(seen, ['ZMSCORE', seen, ...ofSet])) as readonly (
        | string
        | null
      )[];
      return ofSet.flatMap((xuid, i) => {
        const score = scores[i];
        return score == null ? [] : [[xuid, Number(score)] as const];
      });
    });
    return new Map(found.flat());
  }

  async forgetNode(node: NodeId): Promise<void> {
    this.#refuseIfDisposed();
    const { nodes } = this.#keys;
    await this.#write(['DEL', this.#keys.lease(node)]);
    await this.#write(['SREM', nodes, node]);
  }

  async acquireOnce(name: string, nowMs: Milliseconds, untilMs: Milliseconds): Promise<boolean> {
    this.#refuseIfDisposed();
    const key = this.#keys.claim(name);
    const lifetime = String(Math.max(1, Math.ceil(untilMs - nowMs)));
    return (await this.#write(['SET', key, '1', 'NX', 'PX', lifetime])) === 'OK';
  }

  async secret(known?: Uint8Array): Promise<Uint8Array> {
    this.#refuseIfDisposed();
    const { secret } = this.#keys;
    const stored = await this.#shards.run(secret, ['GET', secret]);
    if (stored !== null) return Buffer.from(String(stored), 'base64');
    const proposed = Buffer.from(known ?? randomBytes(32)).toString('base64');
    await this.#write(['SET', secret, proposed, 'NX']);
    const agreed = await this.#shards.run(secret, ['GET', secret]);
    if (agreed === null) throw new StoreUnavailable('The store does not keep its secret.');
    return Buffer.from(String(agreed), 'base64');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#close();
    return this.#disposed;
  }

  async #close(): Promise<void> {
    while (this.#underway.size > 0) await Promise.allSettled(this.#underway);
    await this.#bus[Symbol.asyncDispose]();
    await this.#shards[Symbol.asyncDispose]();
    this.#known.clear();
  }

  #refuseIfDisposed(): void {
    if (this.#disposed) throw new StoreUnavailable('The store has been closed.');
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#underway.add(work);
    try {
      return await work;
    } finally {
      this.#underway.delete(work);
    }
  }

  /** Goes on by itself: nobody waits, and what fails is left to those who come upon it. */
  #later(work: Promise<unknown>): void {
    this.#track(work).catch(() => undefined);
  }

  #each<T, R>(list: readonly T[], work: (one: T, at: number) => Promise<R>): Promise<R[]> {
    return Promise.all(list.map(work));
  }

  #script(
    name: keyof typeof scripts,
    keys: readonly string[],
    values: readonly string[],
    lane: Lane = 'plain',
  ): Promise<Reply> {
    return this.#shards.runScript(scripts[name], keys, values, lane);
  }

  /** A command that writes to the key it names first. */
  #write(command: readonly string[]): Promise<Reply> {
    return this.#shards.run(command[1] ?? '', command, this.#writes);
  }

  async #handle(id: Guid): Promise<Handle | undefined> {
    const { handle } = this.#keys.ofHandle(id);
    const text = await this.#shards.run(handle, ['HGET', handle, 'd']);
    return text === null ? undefined : parse<Handle>(text);
  }

  async #handles(ids: readonly Guid[]): Promise<readonly Handle[]> {
    const found = await this.#each(ids, (id) => this.#readableHandle(id.toLowerCase()));
    return found.filter((handle) => handle !== undefined);
  }

  /** Undefined also for one that is damaged, which is logged once: the others of a list go on. */
  async #readableHandle(id: Guid): Promise<Handle | undefined> {
    try {
      return await this.#handle(id);
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      if (!this.#damaged.has(id)) this.#log(`the handle ${id} cannot be read: ${String(error)}`);
      this.#damaged.set(id, true);
      return undefined;
    }
  }

  async #commit(batch: Batch): Promise<Committed | Conflict | Taken> {
    const { session, handles = [], removeHandles = [] } = batch;
    const commitId = this.#freshId();
    const prepared = await this.#prepare(session, handles, commitId);
    if (prepared.taken) {
      await prepared.undo();
      return { kind: 'taken', handle: prepared.taken };
    }
    if (session) {
      const conflict = await this.#decide(session, commitId, prepared.kept);
      if (conflict) {
        await prepared.undo();
        return conflict;
      }
    }
    for (const handle of prepared.kept) {
      if (handle.type === 'activity') await this.#makeCurrent(handle);
    }
    await this.#each(prepared.kept, async (handle) => {
      if (handle.type !== 'invite') return;
      const { id, invitedXuid, createTimeMs } = handle;
      const invites = this.#keys.invites(invitedXuid);
      await this.#write(['ZADD', invites, String(createTimeMs), id.toLowerCase()]);
    });
    await this.#each([...new Set(removeHandles.map((id) => id.toLowerCase()))], (id) =>
      this.#removeHandle(id),
    );
    return { kind: 'committed', ...(session?.owedTaps && { owesTaps: true }) };
  }

  /** Writes what must be there before the session is, and knows how to take it back. */
  async #prepare(
    session: Batch['session'],
    handles: readonly Handle[],
    commitId: CommitId,
  ): Promise<Prepared> {
    if (handles.length === 0 && !session?.addHints?.length) return nothingPrepared;
    const first = handles.filter(
      ({ id }, at) => handles.findIndex((one) => same(one.id, id)) === at,
    );
    const hinted = (session?.addHints ?? []).map(
      (hint) => [this.#keys.hint(hint), session] as const,
    );
    const member = session && `${session.key}${separator}${commitId}`;
    const [there] = await Promise.all([
      this.#each(first, (handle) => this.#putHandle(handle, session)),
      this.#each(hinted, ([set]) => this.#write(['ZADD', set, '0', member ?? ''])),
    ]);
    const taken = handles
      .map(({ id, requestId }) => {
        const one = there[first.findIndex((each) => same(each.id, id))];
        return one?.requestId === requestId ? undefined : one;
      })
      .find((one) => one !== undefined);
    const undo = async (): Promise<void> => {
      const own = first.filter((_, at) => there[at] === undefined);
      // Too many hints are no harm, and whoever lost a race would lose the next one by waiting.
      this.#later(this.#each(hinted, ([set]) => this.#write(['ZREM', set, member ?? ''])));
      await this.#each(own, (handle) => this.#takeBackHandle(handle, session));
    };
    return { kept: first.map((handle, at) => there[at] ?? handle), taken, undo };
  }

  /** The handle that has the id already; undefined once this one is kept. */
  async #putHandle(handle: Handle, session: Batch['session']): Promise<Handle | undefined> {
    const id = handle.id.toLowerCase();
    if (handle.type !== 'invite' && !livesWith(handle, session)) {
      await this.#write(['SADD', this.#keys.ofSession(keyOf(handle.reference)).handles, id]);
    }
    const { handle: key, expirations } = this.#keys.ofHandle(id);
    const expiration = handle.type === 'invite' ? score(handle.expirationMs) : '';
    const values = [id, formatJson(handle), expiration];
    const there = await this.#script('putHandle', [key, expirations], values, this.#writes);
    return there === null ? undefined : parse<Handle>(there);
  }

  /** Points its owner at an activity, and takes away the one that this was pointed at before. */
  async #makeCurrent({ id, ownerXuid, reference }: ActivityHandle): Promise<void> {
    const values = [reference.scid.toLowerCase(), id.toLowerCase()];
    const former = await this.#script(
      'setPointer',
      [this.#keys.activities(ownerXuid)],
      values,
      this.#writes,
    );
    if (former !== null) this.#later(this.#removeHandle(String(former)));
  }

  /** Takes away what `#putHandle` put. */
  async #takeBackHandle(handle: Handle, session: Batch['session']): Promise<void> {
    const id = handle.id.toLowerCase();
    const { handle: key, expirations } = this.#keys.ofHandle(id);
    await this.#script('removeHandle', [key, expirations], [id], this.#writes);
    if (handle.type === 'invite' || livesWith(handle, session)) return;
    await this.#write(['SREM', this.#keys.ofSession(keyOf(handle.reference)).handles, id]);
  }

  /** Takes away a handle and whatever leads to it, the handle last. */
  async #removeHandle(id: Guid): Promise<void> {
    const { handle: key, expirations } = this.#keys.ofHandle(id);
    const handle = await this.#readableHandle(id);
    if (handle === undefined) {
      // Of one that is damaged it is not known what leads to it; readers find that it is gone.
      if (this.#damaged.has(id))
        await this.#script('removeHandle', [key, expirations], [id], this.#writes);
      return;
    }
    if (handle.type === 'activity') {
      const { ownerXuid, reference } = handle;
      const values = [reference.scid.toLowerCase(), id];
      await this.#script('removePointer', [this.#keys.activities(ownerXuid)], values, this.#writes);
    }
    await (handle.type === 'invite'
      ? this.#write(['ZREM', this.#keys.invites(handle.invitedXuid), id])
      : this.#write(['SREM', this.#keys.ofSession(keyOf(handle.reference)).handles, id]));
    await this.#script('removeHandle', [key, expirations], [id], this.#writes);
  }

  /** Compares and sets the session; undefined once that is done. */
  async #decide(
    change: SessionPut | SessionDelete,
    commitId: CommitId,
    handles: readonly Handle[],
  ): Promise<Conflict | undefined> {
    const { key, expectRevision } = change;
    const text = change.kind === 'put' ? formatStoredSession(change.session) : '';
    const before = this.#commitIdOf(key, expectRevision);
    try {
      const reply = await (change.kind === 'put'
        ? this.#put(change, commitId, before, text, handles)
        : this.#delete(change, commitId, before));
      const [kind, ...parts] = reply as readonly string[];
      if (kind === 'late') {
        throw new StoreUnavailable('The write reached the store too late, and was not made.');
      }
      if (kind === 'conflict') {
        return { kind, current: parts.length > 0 ? this.#learn(key, parts) : this.#forget(key) };
      }
      const [revision = '0', ...dropped] = parts;
      if (change.kind === 'delete') this.#forget(key);
      else this.#remember(key, Number(revision), change.session, commitId, text.length);
      this.#later(this.#dropHints(key, dropped));
      return undefined;
    } catch (error) {
      this.#forget(key);
      throw error;
    }
  }

  /** The commit that made what a change expects, if it was heard of here. */
  #commitIdOf(key: SessionKey, revision: number): CommitId {
    const known = this.#known.peek(key);
    return known?.record.revision === revision ? known.commitId : '';
  }

  #put(
    put: SessionPut,
    commitId: CommitId,
    before: CommitId,
    text: string,
    handles: readonly Handle[],
  ): Promise<Reply> {
    const { addHints = [], removeHints = [], memberRows, isSearchChange, owedTaps } = put;
    const { partition, ...own } = this.#keys.ofSession(put.key);
    const keys = [own.session, partition.due, partition.meta];
    const dueMs = put.dueMs === undefined ? '' : score(put.dueMs);
    const more: string[] = [text, dueMs];
    let letters = '';
    if (addHints.length > 0 || removeHints.length > 0) {
      letters += 'h';
      keys.push(own.hints);
      const counted = [addHints, removeHints].map((hints) => hints.map(this.#keys.hint));
      for (const sets of counted) more.push(String(sets.length), ...sets);
    }
    if (memberRows) {
      letters += 'r';
      keys.push(own.rows, own.rowsDue, own.rowsOrder);
      const { put: rows = [], remove = [] } = memberRows;
      more.push(String(rows.length));
      for (const { member, dueMs } of rows) {
        more.push(member.xuid, dueMs === undefined ? '' : score(dueMs), formatJson(member));
      }
      more.push(String(remove.length), ...remove);
    }
    if (isSearchChange) {
      letters += 's';
      keys.push(partition.search, partition.searchGone);
    }
    const ownHandles = handles
      .filter((one) => livesWith(one, put))
      .map(({ id }) => id.toLowerCase());
    if (ownHandles.length > 0) {
      letters += 'a';
      keys.push(own.handles);
      more.push(String(ownHandles.length), ...ownHandles);
    }
    if (owedTaps !== undefined) {
      letters += 'o';
      keys.push(partition.owed, partition.owedTexts);
      more.push(formatJsonOnce(owedTaps));
    }
    const head = this.#head(letters, put, commitId, before);
    return this.#script(put.frees ? 'putFreeing' : 'put', keys, [...head, ...more], this.#writes);
  }

  #delete(change: SessionDelete, commitId: CommitId, before: CommitId): Promise<Reply> {
    const { isSearchChange, owedTaps } = change;
    const { partition, ...own } = this.#keys.ofSession(change.key);
    const keys = [own.session, partition.due, partition.meta, own.hints];
    keys.push(own.rows, own.rowsDue, own.rowsOrder);
    keys.push(partition.search, partition.searchGone, own.deleter);
    if (owedTaps !== undefined) keys.push(partition.owed, partition.owedTexts);
    const head = this.#head(owedTaps === undefined ? '' : 'o', change, commitId, before);
    const values = [...head, isSearchChange ? '1' : '0', owedTaps ? formatJsonOnce(owedTaps) : ''];
    return this.#script('remove', keys, values, this.#writes);
  }

  #head(
    letters: string,
    { key, expectRevision }: SessionPut | SessionDelete,
    commitId: CommitId,
    before: CommitId,
  ): readonly string[] {
    const nowMs = this.#shards.nowMs(this.#keys.ofSession(key).session);
    const deadlineMs = String(Math.ceil(nowMs + 2 * this.#patienceMs));
    return [letters, key, String(expectRevision), commitId, before, deadlineMs, this.#isStrict];
  }

  /** Takes the session out of hints that it has lost: pairs of one and the commit that added it. */
  async #dropHints(key: SessionKey, dropped: readonly string[]): Promise<void> {
    const pairs = pairsOf(dropped);
    // Too many hints are no harm, so that this one failing is none either.
    await Promise.allSettled(
      pairs.map(([set, commitId]) => this.#write(['ZREM', set, `${key}${separator}${commitId}`])),
    );
  }

  #learn(key: SessionKey, parts: readonly string[]): SessionRecord {
    const [, ids = '', text = ''] = parts;
    const record = recordOf(parts);
    this.#known.set(
      key,
      { record, commitId: ids.slice(0, 12) },
      { size: key.length + text.length },
    );
    return record;
  }

  #forget(key: SessionKey): undefined {
    this.#known.delete(key);
    return undefined;
  }

  #remember(
    key: SessionKey,
    revision: number,
    session: Session,
    commitId: CommitId,
    textLength: number,
  ): void {
    const size = key.length + textLength;
    // 0: others have written upon it since.
    if (revision === 0) this.#forget(key);
    else if (revision >= (this.#known.peek(key)?.record.revision ?? 0)) {
      this.#known.set(key, { record: { revision, session }, commitId }, { size });
    }
  }

  #freshId(): CommitId {
    this.#idsCount += 1;
    return this.#idPrefix + this.#idsCount.toString(36).padStart(7, '0');
  }
}

/** The record that a script tells of: its revision, the ids of its commits, its text. */
function recordOf([revision, , text = '']: readonly string[]): SessionRecord {
  return { revision: Number(revision), session: parse<Session>(text) };
}

/** What a batch has written before its session. */
type Prepared = {
  /** The handles of its ids, which may be there since an earlier attempt. */
  readonly kept: readonly Handle[];
  readonly taken: Handle | undefined;
  readonly undo: () => Promise<void>;
};

const nothingPrepared: Prepared = { kept: [], taken: undefined, undo: async () => undefined };

/** True of a handle that is noted in the same step as the session that it lives with. */
function livesWith(handle: Handle, session: Batch['session']): boolean {
  const isNotedThere = handle.type !== 'invite' && session?.kind === 'put';
  return isNotedThere && keyOf(handle.reference) === session.key;
}

/** Parts a key from what follows it. No key holds it, and no character of a key is below. */
const separator = '\u0000';
const lastOfKey = '\u0001';

function parse<T>(text: Reply): T {
  return parseExactJson(String(text)) as unknown as T;
}

/** What is owed; of a text that is none, an object that says so, since others are not to wait for it. */
function parseOwedTaps(text: string): JsonObject {
  try {
    return parse<JsonObject>(text);
  } catch {
    return { damaged: text };
  }
}

/** The name by which Redis knows a time. */
function score(timeMs: Milliseconds): string {
  return timeMs === Infinity ? '+inf' : String(timeMs);
}

/** The pairs of a reply that lists names and values by turns. */
function pairsOf(reply: Reply): [string, string][] {
  const list = reply as readonly string[];
  return Array.from({ length: list.length / 2 }, (_, n) => [
    String(list[2 * n]),
    String(list[2 * n + 1]),
  ]);
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** The list, begun anywhere, so that those at its end get their turn. */
function inTurn<T>(list: readonly T[]): T[] {
  const start = Math.floor(Math.random() * list.length);
  return [...list.slice(start), ...list.slice(0, start)];
}
