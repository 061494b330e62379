import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ChangeIndex } from './change-index.ts';
import { type BlockLine, blockLengthMax, formatBlockLine, parseBlock } from './history-block.ts';
import {
  inTransaction,
  isTableDamaged,
  type RecentTable,
  setAsideIfDamaged,
} from './recent-damage.ts';
import { isDamage, isLackOfRoom, type SqliteError } from './sqlite-errors.ts';
import type { HistoryWrite, Write } from './statements.ts';
import type { HistoryFault } from './writer-messages.ts';

export type RecentLimits = {
  /** Beyond so many recent changes, or bytes of theirs, the oldest are sorted in or removed. */
  readonly changesMax: number;
  readonly bytesMax: number;
  /** One step removes so many of them at most. */
  readonly changesOfStep: number;
};

const defaultLimits: RecentLimits = {
  changesMax: 262_144,
  bytesMax: 64 * 1024 * 1024,
  changesOfStep: 1_024,
};

/** One step sorts in changes of so many sessions at most, or of so many bytes about. */
const sessionsOfStep = 64;
const bytesOfStep = 1024 * 1024;

/** New branches and names are sorted in when they are as many rows as that, so many at once. */
const branchesMax = 4_096;
const branchesOfStep = 256;

/** Changes that are indexed at once: a millisecond. */
const changesOfScan = 1_024;

/** Old ones that a sweep removes at once. */
const changesOfForgetting = 8_192;

/** After a failure the next step is made when so many changes have come. */
const pauseChanges = 1_024;

/** Sessions that a report of losses names, of each kind. */
const namedMax = 10;

/** What may fail between groups. */
type Work = 'index' | 'branches' | 'changes';

type Loss = 'the newest changes' | 'new branches' | 'new names';

type AppendedChange = {
  readonly row: number;
  readonly session: number;
  readonly changesMax: number;
  readonly bytes: number;
};

type ForgottenChange = Omit<AppendedChange, 'changesMax'>;

/**
 * The changes of sessions that are not sorted in yet. A commit appends its change to the table
 * `recent_change`, which costs 4 to 5 µs and touches no page of its own (decision 0039): all changes of a
 * group are on one page. The table is long. When it is too long, its oldest rows are removed, some hundred at a
 * time and between groups; before that, each session that needs one of them gets all its recent changes
 * as a block, which is one row of `history_block`:
 *
 *     appended ──▶ oldest ──▶ removed: as many newer ones of its session are kept
 *                        └──▶ in a block with all newer ones of its session ──▶ removed when it is oldest
 *
 * So a session that changes often writes no blocks, and of one that changes rarely many changes are
 * written together. Rows that are removed in the order in which they were written leave whole pages,
 * which costs little. A change may be found in both tables.
 *
 * An index in memory knows the rows of each session. It is made from the table between groups, after the
 * first group or when a reader asks.
 *
 * New branches and names are appended to `recent_branch` for the same reason, and sorted in sooner, since
 * readers look through all of them.
 *
 * Nothing here may stop the commits of sessions: what fails is reported, and damage costs the changes
 * that are on the damaged pages.
 *
 * Used by the thread that writes.
 */
export class RecentChanges {
  readonly #db: DatabaseSync;
  readonly #report: (fault: HistoryFault | undefined) => void;
  readonly #limits: RecentLimits;
  readonly #statements: Statements;
  readonly #index = new ChangeIndex();
  /** Of the row that was appended last; not given again by this process. */
  #row = 0;
  /** `#row` counts what the file has: else a new row may have the number of an old one. */
  #isRowKnown = false;
  /** The index has the rows up to this one. */
  #indexed = 0;
  #isIndexed = false;
  /** In the index; may count some that are gone. */
  #changes = 0;
  #bytes = 0;
  #branches = 0;
  /** Of the transaction that is open. */
  #appended: AppendedChange[] = [];
  #forgotten: ForgottenChange[] = [];
  /** The table in which a write of that transaction met damage. */
  #damaged: RecentTable | undefined;
  /** No step before this row is there: one has failed. */
  #pausedUntil = 0;
  /** Up to this row a step sorts one session in, since a step of more has met damage. */
  #singlyUntil = 0;
  /** Sessions that lost something to damage since the last report, and how SQLite put it. */
  readonly #lost = new Map<Loss, Set<string>>();
  #damage = '';
  /** What has failed, and has not succeeded since. */
  readonly #failed = new Set<Work>();
  /** True after there was no room for recent changes, until there is some for new ones. */
  #isForgotten = false;

  /** `report` hears what happened to changes; undefined: they are sorted in again. */
  constructor(
    db: DatabaseSync,
    report: (fault: HistoryFault | undefined) => void = () => undefined,
    limits = defaultLimits,
  ) {
    this.#db = db;
    this.#report = report;
    this.#limits = limits;
    this.#statements = prepareStatements(db);
    this.#begin();
  }

  /** Writes, within a transaction. */
  write(write: HistoryWrite): void {
    if (write[0] === 'appendChange') this.#append(...write);
    else if (write[0] === 'forgetOldest') this.#forgetOldest(write[1]);
    else if (write[0] === 'forgetChanges') this.#forgetOld(...write);
    else this.#sortAllBranches();
  }

  /** Notes that the transaction with this group is committed. */
  noteCommitted(group: readonly Write[]): void {
    for (const [name] of group) {
      if (name === 'insertRecentBranch') this.#branches += 1;
      else if (name === 'sortBranches') {
        this.#branches = 0;
        this.#noteDone('branches');
      }
    }
    // Those that are not in the index yet will be found by its scan.
    if (this.#isIndexed) {
      for (const { row, session, changesMax, bytes } of this.#appended) {
        this.#index.add(session, row, changesMax);
        this.#changes += 1;
        this.#bytes += bytes;
      }
    }
    for (const { row, session, bytes } of this.#forgotten) {
      this.#index.removeRow(session, row);
      this.#changes -= 1;
      this.#bytes -= bytes;
    }
    this.noteBegun();
    if (this.#isForgotten && this.#changes >= pauseChanges && !this.#isOver) this.#noteWell();
  }

  /** Notes that a transaction begins. What was written in one that was not committed is forgotten. */
  noteBegun(): void {
    if (this.#appended.length > 0) this.#appended = [];
    if (this.#forgotten.length > 0) this.#forgotten = [];
    this.#damaged = undefined;
  }

  /** True once the rows of sessions are known. */
  get isIndexed(): boolean {
    return this.#isIndexed;
  }

  /**
   * The rows of `recent_change` that this session needs, the oldest first; some may be gone. Undefined:
   * it is not known yet.
   */
  rowsOf(session: number): readonly number[] | undefined {
    return this.#isIndexed ? this.#index.rowsOf(session) : undefined;
  }

  /**
   * Does a part of the work that is due, outside of transactions. What fails changes nothing, and is due
   * again after some changes. A step that meets damage is made for one session at a time, until those are
   * known that are lost. Where there is no room, the recent changes are forgotten: sessions need the room.
   */
  workSome(): void {
    const work = this.#workDue();
    try {
      if (work === 'index') this.#scanSome();
      else if (work === 'branches') this.#sortBranches();
      else if (work === 'changes') this.#sortSome();
    } catch (error) {
      this.#noteFailure(work ?? 'changes', error);
    }
  }

  /** Replaces damaged tables, outside of transactions. */
  mend(): void {
    this.#setAside('recent_change');
    this.#setAside('recent_branch');
  }

  /** True when the group, which failed, may now succeed: recent changes were in its way, and are not. */
  makeWayFor(group: readonly Write[], failure: SqliteError): boolean {
    const damaged = this.#damaged;
    this.noteBegun();
    if (isDamage(failure)) {
      if (damaged && this.#setAside(damaged)) return true;
      const hasBranches = group.some(
        ([name]) => name === 'insertRecentBranch' || name === 'sortBranches',
      );
      if (hasBranches && this.#setAside('recent_branch')) return true;
      if (!group.some(([name]) => name === 'sortBranches')) return false;
      // Within a transaction there is no way around damage: SQLite does not commit it then.
      return this.#sortBranchesApart();
    }
    const isOfHistory = group.some(
      ([name]) => name === 'sortBranches' || name === 'forgetOldest' || name === 'forgetChanges',
    );
    return isOfHistory && isLackOfRoom(failure) && this.#forget(failure);
  }

  get #isOver(): boolean {
    return this.#changes > this.#limits.changesMax || this.#bytes > this.#limits.bytesMax;
  }

  /** True when there is work to be done between groups. */
  get isDue(): boolean {
    if (this.#row < this.#pausedUntil) return false;
    return this.#workDue() !== undefined;
  }

  #workDue(): Work | undefined {
    if (!this.#isIndexed) return 'index';
    if (this.#branches >= branchesMax) return 'branches';
    return this.#isOver ? 'changes' : undefined;
  }

  /** Begins with what is in the file: the index is made anew. */
  #begin(): void {
    this.#index.clear();
    this.#indexed = 0;
    this.#isIndexed = false;
    this.#changes = 0;
    this.#bytes = 0;
    this.#isRowKnown = false;
    try {
      this.#findLastRow();
      this.#branches = this.#countBranches();
    } catch (error) {
      this.#noteFailure('index', error);
    }
  }

  #findLastRow(): void {
    if (this.#isRowKnown) return;
    this.#row = Math.max(this.#row, Number(this.#statements.lastRow.get()?.['number'] ?? 0));
    this.#isRowKnown = true;
  }

  #countBranches(): number {
    return Number(this.#statements.branches.get()?.['count']);
  }

  #append(
    _name: string,
    session: number,
    revision: number,
    atMs: number,
    changesMax: number,
    text: string,
  ): void {
    this.#watch(() => this.#findLastRow());
    this.#row += 1;
    this.#watch(() =>
      this.#statements.append.run(this.#row, session, revision, atMs, changesMax, text),
    );
    this.#appended.push({ row: this.#row, session, changesMax, bytes: Buffer.byteLength(text) });
  }

  /** What `query` finds in the recent changes. */
  #watch<T>(query: () => T): T {
    try {
      return query();
    } catch (error) {
      if (isDamage(error)) this.#damaged = 'recent_change';
      throw error;
    }
  }

  /** Brings some more rows into the index. */
  #scanSome(): void {
    const rows = this.#statements.scanned.all(this.#indexed, changesOfScan);
    const orphans = this.#removeOrphansUpTo(Number(rows.at(-1)?.['number'] ?? 0));
    for (const row of rows) {
      this.#indexed = Number(row['number']);
      if (orphans.has(this.#indexed)) continue;
      const kept = Number(row['changes_max']);
      this.#index.add(Number(row['session_number']), this.#indexed, kept);
      this.#changes += 1;
      this.#bytes += Number(row['bytes']);
    }
    this.#isIndexed = rows.length < changesOfScan;
    if (this.#isIndexed) this.#noteDone('index');
  }

  /** Removes changes, not indexed yet, that no session and no branch has any more. Their rows. */
  #removeOrphansUpTo(border: number): ReadonlySet<number> {
    try {
      const removed = this.#statements.removeOrphans.all(this.#indexed, border);
      return new Set(removed.map(({ number }) => Number(number)));
    } catch (error) {
      // Where branches cannot be read, none is known to be gone.
      if (isDamage(error)) return new Set();
      throw error;
    }
  }

  #sortSome(): void {
    this.noteBegun();
    const sorted = new Set<number>();
    let [session, border, count, bytes, written] = [0, 0, 0, 0, 0];
    const isEnough = () =>
      border <= this.#singlyUntil
        ? sorted.size > 0
        : sorted.size >= sessionsOfStep || written >= bytesOfStep;
    try {
      inTransaction(this.#db, () => {
        for (const row of this.#watch(() =>
          this.#statements.oldest.all(this.#limits.changesOfStep),
        )) {
          session = Number(row['session_number']);
          border = Number(row['number']);
          if (!sorted.has(session) && this.#index.isKept(session, border)) {
            written += this.#putInBlocks(session);
            sorted.add(session);
          }
          count += 1;
          bytes += Number(row['bytes']);
          if (isEnough()) break;
        }
        this.#watch(() => this.#statements.removeUpTo.run(border));
      });
    } catch (error) {
      if (!isDamage(error) || this.#damaged) throw error;
      if (border > this.#singlyUntil) this.#singlyUntil = border;
      else {
        this.#noteLost('the newest changes', this.#nameOf(session), error as SqliteError);
        this.#index.removeSession(session);
      }
      return;
    }
    for (const one of sorted) this.#index.removeSession(one);
    this.#changes = count === 0 ? 0 : this.#changes - count;
    this.#bytes = count === 0 ? 0 : this.#bytes - bytes;
    if (border >= this.#singlyUntil) this.#reportLost();
    this.#noteDone('changes');
  }

  /** Copies the recent changes of a session, and drops blocks that it has no need of then. The length. */
  #putInBlocks(session: number): number {
    const former = this.#statements.blocks.all(session);
    const lastRevision = Number(former[0]?.['last_revision'] ?? 0);
    const kept = this.#index.changesMaxOf(session);
    let lines: BlockLine[] = [];
    let [length, written, count] = [0, 0, 0];
    for (const row of this.#index.rowsOf(session)) {
      const line = this.#changeAt(row, session);
      // After a crash some of them are in a block.
      if (line === undefined || line.revision <= lastRevision) continue;
      if (length >= blockLengthMax) {
        this.#addBlock(session, kept, lines);
        lines = [];
        length = 0;
      }
      lines.push(line);
      length += line.text.length;
      written += line.text.length;
      count += 1;
    }
    if (lines.length > 0) this.#addBlock(session, kept, lines);
    for (const block of former) {
      if (count >= kept) {
        this.#statements.removeBlocksUpTo.run(session, Number(block['last_revision']));
        break;
      }
      count += Number(block['changes_count']);
    }
    return written;
  }

  #addBlock(session: number, changesMax: number, lines: readonly BlockLine[]): void {
    const oldestMs = Math.min(...lines.map(({ atMs }) => atMs));
    const last = lines.at(-1)?.revision ?? 0;
    const text = lines.map(formatBlockLine).join('');
    this.#statements.addBlock.run(session, last, lines.length, changesMax, oldestMs, text);
  }

  #changeAt(row: number, session: number): BlockLine | undefined {
    const change = this.#watch(() => this.#statements.change.get(row, session));
    if (change === undefined) return undefined;
    const { revision, at_ms, document } = change;
    return { revision: Number(revision), atMs: Number(at_ms), text: String(document) };
  }

  /** Some at once: the rest is left to the next sweep. */
  #forgetOldest(beforeMs: number): void {
    if (!this.#isIndexed) return;
    const oldest = this.#watch(() => this.#statements.oldest.all(changesOfForgetting));
    const border = Number(oldest.at(-1)?.['number'] ?? 0);
    this.#watch(() => this.#statements.removeOldUpTo.run(border, beforeMs));
    for (const { number, session_number, at_ms, bytes } of oldest) {
      // One that is newer may be before others: the clock was ahead.
      if (Number(at_ms) > beforeMs) continue;
      const [row, session] = [Number(number), Number(session_number)];
      this.#forgotten.push({ row, session, bytes: Number(bytes) });
    }
  }

  #forgetOld(_name: string, session: number, beforeMs: number, keptMs: number): void {
    // Without the index nothing is known of the recent ones. The branch stays due.
    if (!this.#isIndexed) return;
    let oldestMs = Number.POSITIVE_INFINITY;
    const noteLeft = (atMs: number) => (oldestMs = Math.min(oldestMs, atMs));
    for (const { last_revision, oldest_ms } of this.#statements.blocks.all(session)) {
      if (Number(oldest_ms) > beforeMs) noteLeft(Number(oldest_ms));
      else
        for (const { atMs } of this.#shorten(session, Number(last_revision), beforeMs))
          noteLeft(atMs);
    }
    const rows = [
      ...this.#index.rowsOf(session),
      // The index gets them when the transaction is committed.
      ...this.#appended.filter((one) => one.session === session).map(({ row }) => row),
    ];
    for (const row of rows) {
      const change = this.#changeAt(row, session);
      if (change && change.atMs > beforeMs) noteLeft(change.atMs);
      else if (change) {
        this.#watch(() => this.#statements.removeRow.run(row));
        this.#forgotten.push({ row, session, bytes: Buffer.byteLength(change.text) });
      }
    }
    this.#statements.removeNames.run(session, beforeMs);
    const isLeft = oldestMs < Number.POSITIVE_INFINITY;
    this.#statements.checkLater.run(session, keptMs + (isLeft ? oldestMs : beforeMs + keptMs));
    if (isLeft || Number(this.#statements.removeBranch.run(session).changes) === 0) return;
    // Rows of it that the index does not have may stay: no other session must get its number.
    if (Number(this.#statements.keepNumber.run(session).changes) === 0)
      this.#statements.addNumber.run(session);
  }

  /** The changes that are left of a block. */
  #shorten(session: number, lastRevision: number, beforeMs: number): readonly BlockLine[] {
    const block = this.#statements.block.get(session, lastRevision);
    const lines = parseBlock(String(block?.['document'])).filter(({ atMs }) => atMs > beforeMs);
    this.#statements.removeBlock.run(session, lastRevision);
    if (lines.length > 0) this.#addBlock(session, Number(block?.['changes_max']), lines);
    return lines;
  }

  /** All of them, within the transaction that is open. */
  #sortAllBranches(): void {
    while (this.#sortBranchesOfStep());
  }

  /** All of them, outside of transactions; false when that failed, which is noted. */
  #sortBranchesApart(): boolean {
    try {
      this.#branches = this.#countBranches();
      while (this.#branches > 0) this.#sortBranches();
      return true;
    } catch (error) {
      this.#noteFailure('branches', error);
      return false;
    }
  }

  /** As a step, outside of transactions. */
  #sortBranches(): void {
    try {
      inTransaction(this.#db, () => this.#sortBranchesOfStep());
    } catch (error) {
      if (!isDamage(error) || isTableDamaged(this.#db, 'recent_branch')) throw error;
      this.#sortBranchesSingly();
    }
    this.#branches = this.#countBranches();
    if (this.#branches === 0) this.#reportLost();
    this.#noteDone('branches');
  }

  /** A step that costs only those that meet damage: each is added in a transaction of its own. */
  #sortBranchesSingly(): void {
    const { newBranches, addBranches, addNames } = this.#statements;
    const lost: number[] = [];
    for (const { number, session_number, key } of newBranches.all(branchesOfStep)) {
      const [row, session] = [Number(number), Number(session_number)];
      const ofBranch = damageOf(() => addBranches.run(row, row));
      const damage = ofBranch ?? damageOf(() => addNames.run(row, row));
      if (ofBranch) lost.push(session);
      if (!damage) continue;
      const name = key === null ? this.#nameOf(session) : String(key);
      this.#noteLost(ofBranch ? 'new branches' : 'new names', name, damage);
    }
    inTransaction(this.#db, () => {
      this.#statements.removeBranchesUpTo.run(this.#branchBorder());
      // With the branch of a session that is there its changes stay: the next one brings the branch again.
      if (lost.length > 0)
        this.#watch(() => this.#statements.removeChangesOf.run(JSON.stringify(lost)));
    });
    if (lost.length > 0) this.#begin();
  }

  /** Sorts some in; false when there are none. */
  #sortBranchesOfStep(): boolean {
    const border = this.#branchBorder();
    if (border === 0) return false;
    const { addBranches, addNames, removeBranchesUpTo } = this.#statements;
    for (const statement of [addBranches, addNames]) statement.run(0, border);
    removeBranchesUpTo.run(border);
    return true;
  }

  #branchBorder(): number {
    return Number(this.#statements.branchBorder.get(branchesOfStep)?.['number'] ?? 0);
  }

  #noteLost(what: Loss, session: string, { message }: SqliteError): void {
    this.#lost.set(what, (this.#lost.get(what) ?? new Set()).add(session));
    this.#damage = message;
  }

  /** The session with this number, as the operator knows it. */
  #nameOf(number: number): string {
    try {
      return String(this.#statements.key.get(number)?.['key'] ?? number);
    } catch {
      return String(number);
    }
  }

  #reportLost(): void {
    if (this.#lost.size === 0) return;
    const losses = [...this.#lost].map(([what, sessions]) => {
      const named = [...sessions].slice(0, namedMax).join(', ');
      const more = sessions.size > namedMax ? ` and ${sessions.size - namedMax} more` : '';
      return `${what} of these sessions are lost: ${named}${more}`;
    });
    this.#lost.clear();
    const message = `${losses.join('; ')} (${this.#damage})`;
    this.#report({ kind: 'damaged', message });
  }

  #noteDone(work: Work): void {
    const isEnd = this.#isForgotten ? work === 'changes' : this.#failed.has(work);
    this.#failed.delete(work);
    if (isEnd) this.#noteWell();
  }

  /** Reports it, unless something that failed is still to be done. */
  #noteWell(): void {
    if (this.#failed.size > 0) return;
    this.#isForgotten = false;
    this.#report(undefined);
  }

  #noteFailure(work: Work, error: unknown): void {
    this.#reportLost();
    const isMended =
      isDamage(error) && (this.#setAside('recent_change') || this.#setAside('recent_branch'));
    if (isMended) return;
    this.#pausedUntil = this.#row + pauseChanges;
    const { message } = error as SqliteError;
    if (isLackOfRoom(error)) this.#forget(error as SqliteError);
    else {
      this.#failed.add(work);
      this.#report({ kind: 'unsorted', message });
    }
  }

  /** Forgets the recent changes, not the branches and names that came with them. True: some are gone. */
  #forget({ message }: SqliteError): boolean {
    try {
      if (Number(this.#statements.removeAll.run().changes) === 0) return false;
      this.#begin();
      this.#isForgotten = true;
      this.#report({ kind: 'forgotten', message });
      return true;
    } catch {
      // The disk itself is full: tried again later.
      return false;
    }
  }

  /** True when the table was damaged, and is a new one now. */
  #setAside(table: RecentTable): boolean {
    try {
      const fault = setAsideIfDamaged(this.#db, table);
      if (!fault) return false;
      this.#begin();
      this.#report(fault);
      return true;
    } catch {
      // No room for a new one, say. Tried again with the next write that meets the damage.
      return false;
    }
  }
}

/** The damage that `work` met. */
function damageOf(work: () => unknown): SqliteError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return error as SqliteError;
  }
}

type Statements = ReturnType<typeof prepareStatements>;

function prepareStatements(db: DatabaseSync): {
  readonly [Name in keyof typeof sql]: StatementSync;
} {
  return Object.fromEntries(
    Object.entries(sql).map(([name, text]) => [name, db.prepare(text)]),
  ) as never;
}

const sql = {
  append:
    'INSERT INTO recent_change (number, session_number, revision, at_ms, changes_max, document) VALUES (?, ?, ?, ?, ?, ?)',
  lastRow: 'SELECT max(number) AS number FROM recent_change',
  // Without the documents themselves, which may be on other pages.
  scanned:
    'SELECT number, session_number, changes_max, octet_length(document) AS bytes FROM recent_change WHERE number > ? ORDER BY number LIMIT ?',
  oldest:
    'SELECT number, session_number, at_ms, octet_length(document) AS bytes FROM recent_change ORDER BY number LIMIT ?',
  change:
    'SELECT revision, at_ms, document FROM recent_change WHERE number = ? AND session_number = ?',
  removeUpTo: 'DELETE FROM recent_change WHERE number <= ?',
  removeOldUpTo: 'DELETE FROM recent_change WHERE number <= ? AND at_ms <= ?',
  // The table of branches first: its rows are short.
  removeOrphans:
    'DELETE FROM recent_change WHERE number > ? AND number <= ? AND session_number NOT IN (SELECT number FROM history_branch) AND session_number NOT IN (SELECT session_number FROM recent_branch) AND session_number NOT IN (SELECT number FROM session) RETURNING number',
  removeRow: 'DELETE FROM recent_change WHERE number = ?',
  removeAll: 'DELETE FROM recent_change',
  blocks:
    'SELECT last_revision, changes_count, oldest_ms FROM history_block WHERE session_number = ? ORDER BY last_revision DESC',
  block:
    'SELECT changes_max, document FROM history_block WHERE session_number = ? AND last_revision = ?',
  addBlock: 'INSERT OR REPLACE INTO history_block VALUES (?, ?, ?, ?, ?, ?)',
  removeBlock: 'DELETE FROM history_block WHERE session_number = ? AND last_revision = ?',
  removeBlocksUpTo: 'DELETE FROM history_block WHERE session_number = ? AND last_revision <= ?',
  removeNames: 'DELETE FROM history_name WHERE session_number = ? AND at_ms <= ?',
  checkLater: 'UPDATE history_branch SET check_ms = ?2 WHERE number = ?1',
  removeBranch:
    'DELETE FROM history_branch WHERE number = ?1 AND NOT EXISTS (SELECT 1 FROM session WHERE number = ?1)',
  // The highest number that was given: SQLite lets programs write this table.
  keepNumber: "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'session'",
  addNumber: "INSERT INTO sqlite_sequence (name, seq) VALUES ('session', ?)",
  branches: 'SELECT count(*) AS count FROM recent_branch',
  branchBorder:
    'SELECT max(number) AS number FROM (SELECT number FROM recent_branch ORDER BY number LIMIT ?)',
  newBranches: 'SELECT number, session_number, key FROM recent_branch ORDER BY number LIMIT ?',
  addBranches:
    'INSERT INTO history_branch (number, key, branch, check_ms) SELECT session_number, key, branch, check_ms FROM recent_branch WHERE number BETWEEN ? AND ? AND key IS NOT NULL ORDER BY session_number ON CONFLICT DO NOTHING',
  addNames:
    "INSERT OR REPLACE INTO history_name (name, session_number, at_ms) SELECT value, session_number, at_ms FROM recent_branch, json_each(iif(json_valid(names), names, '[]')) WHERE number BETWEEN ? AND ? AND names IS NOT NULL ORDER BY number",
  // Of the sessions that have ended, and have no other branch.
  removeChangesOf:
    'DELETE FROM recent_change WHERE session_number IN (SELECT value FROM json_each(?)) AND session_number NOT IN (SELECT session_number FROM recent_branch WHERE key IS NOT NULL) AND session_number NOT IN (SELECT number FROM session)',
  removeBranchesUpTo: 'DELETE FROM recent_branch WHERE number <= ?',
  key: 'SELECT key FROM session WHERE number = ?1 UNION ALL SELECT key FROM history_branch WHERE number = ?1 LIMIT 1',
} as const;
