/**
 * The sessions of the store as a list that stays current while somebody looks at it: read once, then kept by
 * the changes that this node commits. Where other nodes change sessions too, it is read again when it is
 * older than a moment. Nobody asked for a while: it is forgotten.
 */

import { allSessions } from '../directory/list-sessions.ts';
import type { Context } from '../directory/context.ts';
import { anyCandidateOf } from '../domain/search/candidate.ts';
import { type Filter, matches } from '../domain/search/filter.ts';
import { keyOf, type SessionKey } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import type { SessionChange } from '../domain/session/session-change.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { SessionList, SessionRow } from './api-types.ts';
import type { SessionQuery } from './query.ts';
import { type GamertagOf, viewPerson, viewRow } from './session-rows.ts';

/** Rows that are kept. A store may have far more sessions. */
const rowsMax = 100_000;

/** How old a list of a shared store may be, and how much of the time it may be read. */
const sharedMsMax: Milliseconds = 2_000;
const readShareMax = 0.05;

/** After so long without a request the list is forgotten. */
const unusedMsMax: Milliseconds = 60_000;

type Person = SessionRow['people'][number];

type ListedSession = {
  readonly row: SessionRow;
  readonly text: string;
  readonly people: readonly Person[];
};

export class LiveSessionList {
  readonly #context: Context;
  readonly #gamertagOf: GamertagOf;
  readonly #isShared: boolean;
  readonly #elapsedMs: () => Milliseconds;
  #rows: Map<SessionKey, ListedSession> | undefined;
  #reading: Promise<Map<SessionKey, ListedSession>> | undefined;
  /** What was committed while the store was read. */
  #meanwhile: Map<SessionKey, Session | undefined> | undefined;
  #readMs: Milliseconds = Number.NEGATIVE_INFINITY;
  #readingMs: Milliseconds = 0;
  #usedMs: Milliseconds = Number.NEGATIVE_INFINITY;
  readonly #changedMs = new Map<SessionKey, Milliseconds>();

  /** `elapsedMs` measures how old the list is; tests of games do not move it. */
  constructor(context: Context, isShared: boolean, elapsedMs: () => Milliseconds) {
    this.#context = context;
    this.#gamertagOf = (xuid) => context.names.of(xuid);
    this.#isShared = isShared;
    this.#elapsedMs = elapsedMs;
  }

  /** Takes a change that this node has committed. */
  note({ before, next }: SessionChange): void {
    const reference = (next ?? before)?.reference;
    if (reference === undefined) return;
    if (this.#elapsedMs() - this.#usedMs > unusedMsMax) {
      this.#forget();
      return;
    }
    const key = keyOf(reference);
    if (next === undefined) this.#changedMs.delete(key);
    else this.#changedMs.set(key, this.#context.clock.nowMs());
    this.#meanwhile?.set(key, next);
    if (this.#rows) this.#put(this.#rows, key, next);
  }

  /** The row of a session as it is now. */
  rowOf(session: Session): SessionRow {
    return viewRow(session, this.#changedMs.get(keyOf(session.reference)), this.#gamertagOf);
  }

  /** How many sessions there are. */
  async count(): Promise<number> {
    return (await this.#current()).size;
  }

  /** The members of all sessions, once for each session; of large sessions none. */
  async people(): Promise<Iterable<Person>> {
    return [...(await this.#current()).values()].flatMap(({ people }) => people);
  }

  /** Somebody looks: the list is kept for a while. */
  touch(): void {
    if (this.#rows) this.#usedMs = this.#elapsedMs();
  }

  /** The part of the list that is asked for. */
  async query(query: SessionQuery): Promise<SessionList> {
    const rows = await this.#current();
    const chosen = query.filter && (await this.#chosenBy(query.filter));
    const found: SessionRow[] = [];
    for (const { row, text } of rows.values()) {
      if (
        (query.scid === undefined || row.scid.toLowerCase() === query.scid) &&
        (query.template === undefined || row.template.toLowerCase() === query.template) &&
        (query.text === undefined || text.includes(query.text)) &&
        (chosen === undefined || chosen.has(row.key))
      ) {
        found.push(row);
      }
    }
    const { skip, take } = query;
    return {
      nowMs: this.#context.clock.nowMs(),
      totalCount: rows.size,
      isCut: rows.size >= rowsMax,
      matchedCount: found.length,
      skip,
      sessions: sorted(found, query).slice(skip, skip + take),
    };
  }

  async #chosenBy(filter: Filter): Promise<ReadonlySet<SessionKey>> {
    const chosen = new Set<SessionKey>();
    for await (const sessions of allSessions(this.#context)) {
      for (const session of sessions) {
        if (matches(filter, anyCandidateOf(session))) chosen.add(keyOf(session.reference));
      }
    }
    return chosen;
  }

  async #current(): Promise<Map<SessionKey, ListedSession>> {
    this.#usedMs = this.#elapsedMs();
    if (this.#rows && !this.#isOld()) return this.#rows;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  #isOld(): boolean {
    const mayBeMs = Math.max(sharedMsMax, this.#readingMs / readShareMax);
    return this.#isShared && this.#elapsedMs() - this.#readMs > mayBeMs;
  }

  /**
   * What other nodes have changed since the list was last read, where they can and it is old: rows that are
   * new or differ, and keys of those that are gone.
   */
  async differences(): Promise<{
    readonly rows: readonly SessionRow[];
    readonly gone: readonly SessionKey[];
  }> {
    const former = this.#rows;
    if (former === undefined || !this.#isOld()) return { rows: [], gone: [] };
    const current = await this.#current();
    const rows: SessionRow[] = [];
    for (const [key, { row }] of current) {
      const known = former.get(key)?.row;
      if (known?.branch !== row.branch || known.changeNumber !== row.changeNumber) rows.push(row);
    }
    return { rows, gone: [...former.keys()].filter((key) => !current.has(key)) };
  }

  async #read(): Promise<Map<SessionKey, ListedSession>> {
    const startMs = this.#elapsedMs();
    const rows = new Map<SessionKey, ListedSession>();
    const meanwhile = new Map<SessionKey, Session | undefined>();
    this.#meanwhile = meanwhile;
    try {
      for await (const sessions of allSessions(this.#context)) {
        for (const session of sessions) this.#put(rows, keyOf(session.reference), session);
        if (rows.size >= rowsMax) break;
      }
    } finally {
      this.#meanwhile = undefined;
    }
    for (const [key, session] of meanwhile) this.#put(rows, key, session);
    this.#rows = rows;
    this.#readMs = this.#elapsedMs();
    this.#readingMs = this.#readMs - startMs;
    return rows;
  }

  #put(rows: Map<SessionKey, ListedSession>, key: SessionKey, session: Session | undefined): void {
    if (session === undefined) {
      rows.delete(key);
      return;
    }
    if (!rows.has(key) && rows.size >= rowsMax) return;
    const row = this.rowOf(session);
    const people = session.members.map((member) => viewPerson(member, this.#gamertagOf));
    const words = people.map(({ xuid, gamertag = '' }) => `${xuid} ${gamertag}`);
    const text = [row.name, ...words, ...row.keywords].join('\n').toLowerCase();
    rows.set(key, { row, text, people });
  }

  #forget(): void {
    this.#rows = undefined;
    this.#changedMs.clear();
  }
}

/** In the order that is asked for; rows that are equal in it by name. */
function sorted(
  rows: readonly SessionRow[],
  { order, isReversed }: Pick<SessionQuery, 'order' | 'isReversed'>,
): readonly SessionRow[] {
  const sortedBy = valueIn[order];
  const sign = isReversed ? -1 : 1;
  const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...rows].sort(
    (a, b) => sign * compare(sortedBy(a), sortedBy(b)) || compare(a.key, b.key),
  );
}

const valueIn: Readonly<Record<SessionQuery['order'], (row: SessionRow) => string | number>> = {
  name: ({ name }) => name.toLowerCase(),
  changed: ({ changedMs, createdMs }) => changedMs ?? createdMs,
  created: ({ createdMs }) => createdMs,
  members: ({ members }) => members.total,
  due: ({ dueMs = Number.POSITIVE_INFINITY }) => dueMs,
};
