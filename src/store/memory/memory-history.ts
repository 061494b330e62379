import type { Guid } from '../../domain/ids.ts';
import { type JsonObject, parseExactJson } from '../../domain/json.ts';
import type { SessionKey } from '../../domain/session/reference.ts';
import type { Milliseconds } from '../../domain/time.ts';
import {
  type HistoryName,
  type HistoryPut,
  historySlack,
  type StoredBranch,
  type StoredChange,
} from '../history-store.ts';

/** A text is smaller than its value, and nothing to look through for the collector. */
type KeptText = Omit<StoredChange, 'change'> & { readonly text: string };

type Branch = StoredBranch & {
  /** The oldest first. */
  changes: KeptText[];
  readonly names: Set<HistoryName>;
};

/** Of the branches that began first, more than these are forgotten: memory has an end. */
const branchesMax = 20_000;

/** The history of a store in memory: see HistoryStore. */
export class MemoryHistory {
  readonly #branches = new Map<SessionKey, Map<Guid, Branch>>();
  /** In the order in which the name was given, the last one last. */
  readonly #names = new Map<HistoryName, Set<Branch>>();
  /** When the oldest change of a branch is to be forgotten, or before that. */
  readonly #checkMs = new Map<Branch, Milliseconds>();

  /** Takes over what another store holds. */
  copyFrom(other: MemoryHistory): void {
    const copies = new Map<Branch, Branch>();
    for (const [key, branches] of other.#branches) {
      const own = [...branches].map(([id, branch]): [Guid, Branch] => {
        const copy = { ...branch, changes: [...branch.changes], names: new Set(branch.names) };
        copies.set(branch, copy);
        return [id, copy];
      });
      this.#branches.set(key, new Map(own));
    }
    const copyOf = (branch: Branch): Branch => copies.get(branch) ?? branch;
    for (const [name, branches] of other.#names) {
      this.#names.set(name, new Set([...branches].map(copyOf)));
    }
    for (const [branch, atMs] of other.#checkMs) this.#checkMs.set(copyOf(branch), atMs);
  }

  branches(key: SessionKey): readonly Guid[] {
    return [...(this.#branches.get(key)?.keys() ?? [])].reverse();
  }

  changes(key: SessionKey, branch: Guid): readonly StoredChange[] {
    const { changes = [] } = this.#branches.get(key)?.get(branch) ?? {};
    return changes.toReversed().map(({ text, ...of }) => ({ ...of, change: parse(text) }));
  }

  by(name: HistoryName, prefix: string, limit: number): readonly StoredBranch[] {
    return [...(this.#names.get(name) ?? [])]
      .filter(({ key }) => key.startsWith(prefix))
      .reverse()
      .slice(0, limit)
      .map(({ key, branch }) => ({ key, branch }));
  }

  put(key: SessionKey, revision: number, put: HistoryPut): void {
    const { atMs, text, addNames, changesMax } = put;
    const branch = this.#branchOf(key, put);
    branch.changes.push({ revision, atMs, text });
    if (branch.changes.length > changesMax + historySlack) {
      branch.changes = branch.changes.slice(-changesMax);
    }
    for (const name of addNames) {
      const branches = this.#names.get(name) ?? new Set();
      this.#names.set(name, branches);
      branches.delete(branch);
      branches.add(branch);
      branch.names.add(name);
    }
  }

  /** Removes what has its age; a branch without changes goes, unless its session is there. */
  forget(
    nowMs: Milliseconds,
    keptMs: Milliseconds,
    limit: number,
    isThere: (key: SessionKey, branch: Guid) => boolean,
  ): 'done' | 'more' {
    const due = [...this.#checkMs].filter(([, atMs]) => atMs <= nowMs).slice(0, limit);
    for (const [branch] of due) {
      branch.changes = branch.changes.filter(({ atMs }) => atMs + keptMs > nowMs);
      const [oldest] = branch.changes;
      if (oldest === undefined && !isThere(branch.key, branch.branch)) this.#remove(branch);
      else this.#checkMs.set(branch, (oldest?.atMs ?? nowMs) + keptMs);
    }
    return due.length === limit ? 'more' : 'done';
  }

  #branchOf(key: SessionKey, { branch: id, atMs, keptMs }: HistoryPut): Branch {
    const branches = this.#branches.get(key) ?? new Map<Guid, Branch>();
    this.#branches.set(key, branches);
    const known = branches.get(id);
    if (known !== undefined) return known;
    const branch = { key, branch: id, changes: [], names: new Set<HistoryName>() };
    branches.set(id, branch);
    this.#checkMs.set(branch, atMs + keptMs);
    const [oldest] = this.#checkMs.keys();
    if (oldest && this.#checkMs.size > branchesMax) this.#remove(oldest);
    return branch;
  }

  #remove(branch: Branch): void {
    const { key } = branch;
    this.#checkMs.delete(branch);
    const branches = this.#branches.get(key);
    branches?.delete(branch.branch);
    if (branches?.size === 0) this.#branches.delete(key);
    for (const name of branch.names) {
      const found = this.#names.get(name);
      found?.delete(branch);
      if (found?.size === 0) this.#names.delete(name);
    }
  }
}

function parse(text: string): JsonObject {
  return parseExactJson(text) as JsonObject;
}
