import { randomBytes } from 'node:crypto';
import type { Handle } from '../../domain/handle/handle.ts';
import { formatJson, formatJsonOnce } from '../../domain/json.ts';
import type { SessionKey } from '../../domain/session/reference.ts';
import type { Milliseconds } from '../../domain/time.ts';
import { formatStoredSession } from '../session-text.ts';
import {
  StoreUnavailable,
  type Batch,
  type CommitSuccess,
  type Conflict,
  type HandleIdConflict,
  type HistoryName,
  type HistoryPut,
  type SessionDelete,
  type SessionPut,
} from '../store.ts';
import type { RedisCommands } from './redis-commands.ts';
import { isNotedWith, type RedisHandles } from './redis-handles.ts';
import type { Reply } from './redis-link.ts';
import { formatScore, pairsOf } from './redis-replies.ts';
import type { CommitId, RedisSessionCache } from './redis-session-cache.ts';

/** What a batch has written before its session. */
type Preparation = {
  /** The handle of the batch, or the one that has its id already. */
  readonly handle: Handle | undefined;
  readonly undo: () => Promise<void>;
};

const nothingPrepared: Preparation = { handle: undefined, undo: async () => undefined };

/** In the members of a hint's set, between a session and the commit that added it; no key has it. */
export const hintSeparator = '\u0000';

/**
 * Commits on Redis. A session is compared and set by one script on the server that has it. Other slots
 * are written around that step, so that what a reader finds leads somewhere:
 *
 *   before   a handle, which a session's record confirms; hints and names, which may hold too many
 *   step     session, due time, member rows, its handle, search change, pending taps, history
 *   after    pointers of users; removals
 *
 * Nobody waits for the removal of what a session no longer confirms: readers ask the session. A batch
 * that conflicts removes what it wrote before. Every command may be sent again: a session knows the
 * commits that made it, and the other commands do the same when they are repeated.
 */
export class RedisCommits {
  readonly #commands: RedisCommands;
  readonly #handles: RedisHandles;
  readonly #cache: RedisSessionCache;
  readonly #deadlineMs: (key: string) => Milliseconds;
  readonly #idPrefix = randomBytes(4).toString('base64url').slice(0, 5);
  #idsCount = 0;

  /** `deadlineMs`: by when a commit must be carried out, in the time of the server with this key. */
  constructor(
    commands: RedisCommands,
    handles: RedisHandles,
    cache: RedisSessionCache,
    deadlineMs: (key: string) => Milliseconds,
  ) {
    this.#commands = commands;
    this.#handles = handles;
    this.#cache = cache;
    this.#deadlineMs = deadlineMs;
  }

  /** @see SessionStore.commit */
  async commit(batch: Batch): Promise<CommitSuccess | Conflict | HandleIdConflict> {
    const { session, removeHandles = [] } = batch;
    const commitId = this.#freshId();
    const prepared = await this.#prepare(batch, commitId);
    const { handle } = prepared;
    if (handle && handle.requestId !== batch.handle?.requestId) {
      await prepared.undo();
      return { kind: 'taken', handle };
    }
    let revision = 0;
    if (session) {
      const decided = await this.#decide(session, commitId, handle);
      if (typeof decided !== 'number') {
        await prepared.undo();
        return decided;
      }
      revision = decided;
    }
    if (handle?.type === 'activity') await this.#handles.pointTo(handle);
    if (handle?.type === 'invite') await this.#handles.addInvite(handle);
    const removed = new Set(removeHandles.map((id) => id.toLowerCase()));
    await Promise.all([...removed].map((id) => this.#handles.remove(id)));
    return {
      kind: 'committed',
      ...(revision > 0 && { revision }),
      ...(session?.pendingTaps && { hasPendingTaps: true }),
    };
  }

  /** Writes what must be there before the session is, and says how to take it back. */
  async #prepare({ session, handle }: Batch, commitId: CommitId): Promise<Preparation> {
    const names = session?.history?.addNames ?? [];
    if (!handle && !session?.addHints?.length && names.length === 0) return nothingPrepared;
    const hinted = (session?.addHints ?? []).map(
      (hint) => [this.#commands.keys.hint(hint), session] as const,
    );
    const member = session && `${session.key}${hintSeparator}${commitId}`;
    const [there] = await Promise.all([
      handle && this.#handles.put(handle, session),
      Promise.all(hinted.map(([set]) => this.#addHint(set, member ?? '', session))),
      // A server without room keeps no history, and goes on without.
      Promise.allSettled(names.map((name) => this.#addName(name, session))),
    ]);
    const undo = async (): Promise<void> => {
      // Too many hints do no harm, and a writer that lost a race must not lose the next by waiting.
      this.#commands.later(
        Promise.all(hinted.map(([set]) => this.#commands.write(['ZREM', set, member ?? '']))),
      );
      if (handle && there === undefined) await this.#handles.takeBack(handle, session);
    };
    return { handle: there ?? handle, undo };
  }

  /** Adds a session to those with a hint: also in a full memory, where its commit is let through. */
  #addHint(set: string, member: string, session: Batch['session']): Promise<Reply> {
    return session?.kind === 'put' && session.frees
      ? this.#commands.writeScript('addHint', [set], [member])
      : this.#commands.write(['ZADD', set, '0', member]);
  }

  async #addName(name: HistoryName, session: Batch['session']): Promise<void> {
    if (session?.history === undefined) return;
    const { branch, atMs, keptMs } = session.history;
    const values = [String(atMs), `${session.key}${hintSeparator}${branch}`, String(keptMs)];
    await this.#commands.writeScript(
      'nameHistory',
      [this.#commands.keys.historyName(name)],
      values,
    );
  }

  /** Compares and sets the session; its revision once that is done; 0: it is not known. */
  async #decide(
    change: SessionPut | SessionDelete,
    commitId: CommitId,
    handle: Handle | undefined,
  ): Promise<Conflict | number> {
    const { key, expectRevision } = change;
    const text = change.kind === 'put' ? formatStoredSession(change.session) : '';
    const before = this.#cache.commitIdOf(key, expectRevision);
    try {
      const reply = await (change.kind === 'put'
        ? this.#put(change, commitId, before, text, handle)
        : this.#delete(change, commitId, before)
      ).catch((error: unknown) => {
        if (change.history === undefined || !frees(change) || !isOutOfMemory(error)) throw error;
        // What makes room takes none for the history.
        const { history: _history, ...bare } = change;
        return bare.kind === 'put'
          ? this.#put(bare, commitId, before, text, handle)
          : this.#delete(bare, commitId, before);
      });
      const [kind, ...parts] = reply as readonly string[];
      if (kind === 'late') {
        throw new StoreUnavailable('The write reached the store too late, and was not made.');
      }
      if (kind === 'conflict') {
        return {
          kind,
          current: parts.length > 0 ? this.#cache.learn(key, parts) : this.#cache.forget(key),
        };
      }
      const [revision = '0', ...dropped] = parts;
      this.#commands.later(this.#dropHints(key, dropped));
      if (change.kind === 'delete') {
        this.#cache.forget(key);
        return expectRevision === 0 ? 0 : expectRevision + 1;
      }
      this.#cache.remember(key, Number(revision), change.session, commitId, text);
      return Number(revision);
    } catch (error) {
      this.#cache.forget(key);
      throw error;
    }
  }

  #put(
    put: SessionPut,
    commitId: CommitId,
    before: CommitId,
    text: string,
    handle: Handle | undefined,
  ): Promise<Reply> {
    const { addHints = [], removeHints = [], memberRows, isSearchChange, pendingTaps } = put;
    const { partition, ...own } = this.#commands.keys.ofSession(put.key);
    const keys = [own.session, partition.due, partition.meta];
    const dueMs = put.dueMs === undefined ? '' : formatScore(put.dueMs);
    const more: string[] = [text, dueMs];
    let letters = '';
    if (addHints.length > 0 || removeHints.length > 0) {
      letters += 'h';
      keys.push(own.hints);
      const counted = [addHints, removeHints].map((hints) => hints.map(this.#commands.keys.hint));
      for (const sets of counted) more.push(String(sets.length), ...sets);
    }
    if (memberRows) {
      letters += 'r';
      keys.push(own.rows, own.rowsDue, own.rowsOrder);
      const { put: rows = [], remove = [] } = memberRows;
      more.push(String(rows.length));
      for (const { member, dueMs } of rows) {
        more.push(member.xuid, dueMs === undefined ? '' : formatScore(dueMs), formatJson(member));
      }
      more.push(String(remove.length), ...remove);
    }
    if (isSearchChange) {
      letters += 's';
      keys.push(partition.search, partition.searchGone);
    }
    if (handle && isNotedWith(handle, put)) {
      letters += 'a';
      keys.push(own.handles);
      more.push(handle.id.toLowerCase());
    }
    if (pendingTaps !== undefined) {
      letters += 'o';
      keys.push(partition.pendingTaps, partition.pendingTexts);
      more.push(formatJsonOnce(pendingTaps));
    }
    if (put.history) {
      letters += 't';
      keys.push(...this.#historyKeys(put.key, put.history));
      more.push(...historyValues(put.history));
    }
    const head = this.#head(letters, put, commitId, before);
    const name = put.frees && put.history === undefined ? 'putFreeing' : 'put';
    return this.#commands.writeScript(name, keys, [...head, ...more]);
  }

  #delete(change: SessionDelete, commitId: CommitId, before: CommitId): Promise<Reply> {
    const { isSearchChange, pendingTaps } = change;
    const { partition, ...own } = this.#commands.keys.ofSession(change.key);
    const keys = [own.session, partition.due, partition.meta, own.hints];
    keys.push(own.rows, own.rowsDue, own.rowsOrder);
    keys.push(partition.search, partition.searchGone, own.deleter);
    if (pendingTaps !== undefined) keys.push(partition.pendingTaps, partition.pendingTexts);
    const { history } = change;
    if (history) keys.push(...this.#historyKeys(change.key, history));
    const letters = (pendingTaps === undefined ? '' : 'o') + (history ? 't' : '');
    const values = [
      ...this.#head(letters, change, commitId, before),
      isSearchChange ? '1' : '0',
      pendingTaps ? formatJsonOnce(pendingTaps) : '',
      ...(history ? historyValues(history) : []),
    ];
    return this.#commands.writeScript(history ? 'removeKeeping' : 'remove', keys, values);
  }

  #historyKeys(key: SessionKey, { branch }: HistoryPut): readonly string[] {
    const { changesOf, branches } = this.#commands.keys.ofSession(key);
    return [changesOf(branch), branches];
  }

  #head(
    letters: string,
    { key, expectRevision }: SessionPut | SessionDelete,
    commitId: CommitId,
    before: CommitId,
  ): readonly string[] {
    const deadlineMs = String(this.#deadlineMs(this.#commands.keys.ofSession(key).session));
    const strict = this.#commands.isStrict ? '1' : '0';
    return [letters, key, String(expectRevision), commitId, before, deadlineMs, strict];
  }

  /** Removes the session from hints that it has lost: pairs of a hint and the commit that added it. */
  async #dropHints(key: SessionKey, dropped: readonly string[]): Promise<void> {
    const pairs = pairsOf(dropped);
    // A hint too many does no harm, so a failure does none either.
    await Promise.allSettled(
      pairs.map(([set, commitId]) =>
        this.#commands.write(['ZREM', set, `${key}${hintSeparator}${commitId}`]),
      ),
    );
  }

  #freshId(): CommitId {
    this.#idsCount += 1;
    return this.#idPrefix + this.#idsCount.toString(36).padStart(7, '0');
  }
}

/** Branch, time, text, how many are kept, for how long: as the script reads them. */
function historyValues({ branch, atMs, text, changesMax, keptMs }: HistoryPut): readonly string[] {
  return [branch, String(atMs), text, String(changesMax), String(keptMs)];
}

function frees(change: SessionPut | SessionDelete): boolean {
  return change.kind === 'delete' || change.frees === true;
}

/** True of the refusal of a server without room: the command was not carried out. */
function isOutOfMemory(error: unknown): boolean {
  const { cause } = error as Error;
  return cause instanceof Error && cause.message.startsWith('OOM');
}
