import type { Hopper } from '../domain/matchmaking/hopper.ts';
import {
  type Candidate,
  candidateOf,
  type HopperRules,
  hopperRules,
} from '../domain/matchmaking/hopper-rules.ts';
import type { Guid } from '../domain/ids.ts';
import {
  isWaiting,
  matchTicketOf,
  type TicketRecord,
} from '../domain/matchmaking/ticket-record.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { HopperKey, Stored, TicketStore } from './ticket-store.ts';

type Entry = { readonly stored: Stored<TicketRecord>; readonly candidate: Candidate };

/** How much the wait of one ticket counts in the mean of those matched lately. */
const waitWeight = 0.1;

/** The tickets of one hopper that wait, as this process knows them. */
export class HopperPool {
  readonly key: HopperKey;
  #rules: HopperRules;
  #entries = new Map<Guid, Entry>();
  /** The mean wait of those who were matched lately; undefined while nobody was. */
  waitMs: Milliseconds | undefined;
  /** When it was read from the store; undefined: never. */
  loadedMs: Milliseconds | undefined;

  constructor(key: HopperKey, hopper: Hopper) {
    this.key = key;
    this.#rules = hopperRules(hopper);
  }

  get rules(): HopperRules {
    return this.#rules;
  }

  /** The hopper as it is configured now. */
  configure(hopper: Hopper): void {
    if (hopper === this.#rules.hopper) return;
    this.#rules = hopperRules(hopper);
    for (const { stored } of [...this.#entries.values()]) this.put(stored);
  }

  /** Takes what the store has in place of what was known. */
  async load(tickets: TicketStore, nowMs: Milliseconds): Promise<void> {
    const former = this.#entries;
    this.#entries = new Map();
    for await (const stored of tickets.tickets(this.key)) {
      const known = former.get(stored.value.id);
      if (known && known.stored.revision === stored.revision) {
        this.#entries.set(stored.value.id, known);
      } else this.put(stored);
    }
    this.loadedMs = nowMs;
  }

  /** The ticket as it is stored now; one that does not wait is not kept. */
  put(stored: Stored<TicketRecord>): void {
    const { value } = stored;
    if (!isWaiting(value)) this.#entries.delete(value.id);
    else {
      const candidate = candidateOf(this.#rules, matchTicketOf(value));
      this.#entries.set(value.id, { stored, candidate });
    }
  }

  remove(id: Guid): void {
    this.#entries.delete(id);
  }

  stored(id: Guid): Stored<TicketRecord> | undefined {
    return this.#entries.get(id)?.stored;
  }

  candidate(id: Guid): Candidate | undefined {
    return this.#entries.get(id)?.candidate;
  }

  /** Tickets that may be matched now. */
  candidates(nowMs: Milliseconds): readonly Candidate[] {
    return [...this.#entries.values()]
      .filter(({ stored: { value } }) => !value.isPending && value.expiresMs > nowMs)
      .map(({ candidate }) => candidate);
  }

  /** People who wait, not tickets. */
  get population(): number {
    let count = 0;
    for (const { candidate } of this.#entries.values()) count += candidate.ticket.players.length;
    return count;
  }

  noteWait(waitMs: Milliseconds): void {
    this.waitMs =
      this.waitMs === undefined ? waitMs : this.waitMs + waitWeight * (waitMs - this.waitMs);
  }
}
