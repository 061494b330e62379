type Entry = { changesMax: number; readonly numbers: number[] };

/**
 * Which rows of `recent_change` are kept, by session: of each its newest ones, since older ones are not
 * needed any more. It is in memory, and a few bytes a row.
 */
export class ChangeIndex {
  readonly #entries = new Map<number, Entry>();

  /** Notes a row newer than all others. Of its session `changesMax` are kept from now on. */
  add(session: number, row: number, changesMax: number): void {
    const entry = this.#entries.get(session);
    if (entry === undefined) {
      this.#entries.set(session, { changesMax, numbers: [row] });
      return;
    }
    entry.changesMax = changesMax;
    entry.numbers.push(row);
    // Not each time: that costs as much as there are.
    const extra = entry.numbers.length - changesMax;
    if (extra > changesMax) entry.numbers.splice(0, extra);
  }

  /** The rows of a session that are kept, the oldest first. */
  rowsOf(session: number): readonly number[] {
    return [...this.#keptOf(session)];
  }

  /** How many changes of a session are kept, as its newest change says. */
  changesMaxOf(session: number): number {
    return this.#entries.get(session)?.changesMax ?? 0;
  }

  /** True unless as many newer rows of its session are there as are kept, or it was removed. */
  isKept(session: number, row: number): boolean {
    const entry = this.#entries.get(session);
    if (entry === undefined) return false;
    const { numbers, changesMax } = entry;
    return row >= (numbers[Math.max(0, numbers.length - changesMax)] ?? 0);
  }

  removeRow(session: number, row: number): void {
    const numbers = this.#keptOf(session);
    const at = numbers.indexOf(row);
    if (at >= 0) numbers.splice(at, 1);
    if (numbers.length === 0) this.#entries.delete(session);
  }

  removeSession(session: number): void {
    this.#entries.delete(session);
  }

  clear(): void {
    this.#entries.clear();
  }

  /** For good: when one of them is removed, an older one must not be in its place. */
  #keptOf(session: number): number[] {
    const { numbers = [], changesMax = 0 } = this.#entries.get(session) ?? {};
    numbers.splice(0, Math.max(0, numbers.length - changesMax));
    return numbers;
  }
}
