import { LRUCache } from 'lru-cache';
import type { SessionKey } from '../../domain/session/reference.ts';
import type { Session } from '../../domain/session/session.ts';
import { sessionMemoryBytes } from '../session-memory.ts';
import type { SessionRecord } from '../store.ts';
import { parseStoredSession } from '../stored-text.ts';
import type { DamageLog } from './damage-log.ts';

/** 12 characters that no two commits share. */
export type CommitId = string;

/** What this process last knew of a session, and which commit made it. */
export type CachedRecord = { readonly record: SessionRecord; readonly commitId: CommitId };

/** The sessions that this process read or wrote lately, parsed. */
export class RedisSessionCache {
  readonly #records: LRUCache<SessionKey, CachedRecord>;
  readonly #damage: DamageLog;

  constructor(bytesMax: number, damage: DamageLog) {
    this.#damage = damage;
    this.#records = new LRUCache({ maxSize: bytesMax });
  }

  find(key: SessionKey): CachedRecord | undefined {
    return this.#records.get(key);
  }

  /** As `find`, of a reader of many, which must not keep others out of the cache. */
  peek(key: SessionKey): CachedRecord | undefined {
    return this.#records.peek(key);
  }

  /** The commit that made this revision, if it is known; else an empty text. */
  commitIdOf(key: SessionKey, revision: number): CommitId {
    const known = this.#records.peek(key);
    return known?.record.revision === revision ? known.commitId : '';
  }

  /**
   * The record in an answer of a script: its revision, the ids of its commits, its text. Throws
   * DamagedRecord.
   */
  recordOf(key: SessionKey, [revision, , text = '']: readonly string[]): SessionRecord {
    const session = this.#damage.parsed(`the session ${key}`, () =>
      parseStoredSession(key, String(text)),
    );
    return { revision: Number(revision), session };
  }

  /** As `recordOf`, and keeps the record. */
  learn(key: SessionKey, parts: readonly string[]): SessionRecord {
    const [, ids = '', text = ''] = parts;
    const record = this.recordOf(key, parts);
    const size = key.length + sessionMemoryBytes(text);
    this.#records.set(key, { record, commitId: ids.slice(0, 12) }, { size });
    return record;
  }

  /** Stores what a commit of this process made; `revision` 0: others have changed it since. */
  remember(
    key: SessionKey,
    revision: number,
    session: Session,
    commitId: CommitId,
    text: string,
  ): void {
    if (revision === 0) this.forget(key);
    else if (revision >= (this.#records.peek(key)?.record.revision ?? 0)) {
      const size = key.length + sessionMemoryBytes(text);
      this.#records.set(key, { record: { revision, session }, commitId }, { size });
    }
  }

  forget(key: SessionKey): undefined {
    this.#records.delete(key);
    return undefined;
  }

  clear(): void {
    this.#records.clear();
  }
}
