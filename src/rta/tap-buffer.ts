/**
 * The taps of one connection, from when they arrive until a frame may be sent.
 *
 *     idle ── tap: sent at once ──▶ cooling ── tap: waits ──▶ cooling
 *      ▲                              │ the window ends
 *      └───────── nothing waits ──────┴── something waits: sent, cooling again
 *
 * Of what waits only the newest change of each session is kept, once for each subscription; the
 * change numbers of a branch never go back; and what waits is bounded: past the bound all of it
 * becomes one resync.
 *
 * @source docs/wire/rta.md "Taps"
 */

import type { Guid } from '../domain/ids.ts';
import type { Tap, TapRecipient } from '../domain/tap/tap.ts';
import type { Milliseconds } from '../domain/time.ts';

/** A tap for one member. Most waiting taps are never formatted: a newer one replaces them. */
export type WaitingTap = { readonly tap: Tap; readonly to: TapRecipient };

/** Waiting taps, before all of them become one resync. */
export const waitingTapsMax = 1_000;

/** Sessions whose last change number is remembered. */
const lastNumbersMax = 2_000;

/** The newest change of a branch that was sent or waits, and to which members it goes. */
type LastNumber = { readonly changeNumber: number; readonly members: readonly number[] };

export class TapBuffer {
  /** By branch: the newest tap of each member, their numbers rising. */
  #waiting: Map<Guid, readonly WaitingTap[]> | undefined;
  #waitingCount = 0;
  /** By branch. */
  #lastNumbers: Map<Guid, LastNumber> | undefined;
  /** The last branch of both maps: most taps are of the same session as the one before. */
  #newest: Guid | undefined;
  #needsResync = false;
  /** On the clock by which `take` is called. */
  #windowEndsMs: Milliseconds = Number.NEGATIVE_INFINITY;

  /** When the window ends that the last sent frame began; in the past when none is open. */
  get windowEndsMs(): Milliseconds {
    return this.#windowEndsMs;
  }

  /** True while a resync is to be sent. */
  get needsResync(): boolean {
    return this.#needsResync;
  }

  /** Adds a tap, unless the client already has this change or a newer one. */
  add(waiting: WaitingTap): void {
    // Nothing of a branch comes after the end of its session.
    const { branch, changeNumber = Number.POSITIVE_INFINITY } = waiting.tap;
    const { memberIndex } = waiting.to;
    this.#lastNumbers ??= new Map();
    const last = this.#lastNumbers.get(branch);
    const members = last?.changeNumber === changeNumber ? last.members : [];
    if ((last?.changeNumber ?? 0) > changeNumber || members.includes(memberIndex)) return;
    const former = this.#waiting?.get(branch) ?? [];
    // Moved to the end: the branches without a tap for the longest time are forgotten first.
    if (branch !== this.#newest) {
      this.#lastNumbers.delete(branch);
      this.#waiting?.delete(branch);
      this.#newest = branch;
    }
    this.#lastNumbers.set(branch, { changeNumber, members: [...members, memberIndex] });
    if (this.#lastNumbers.size > lastNumbersMax) {
      const [oldest = ''] = this.#lastNumbers.keys();
      this.#lastNumbers.delete(oldest);
    }
    if (this.#needsResync) return;
    const others = former.filter(({ to }) => to.memberIndex !== memberIndex);
    this.#waiting ??= new Map();
    this.#waiting.set(branch, [...others, waiting]);
    this.#waitingCount += others.length + 1 - former.length;
    if (this.#waitingCount > waitingTapsMax) this.fallBehind();
  }

  /** Drops the waiting taps; a resync is to be sent instead. */
  fallBehind(): void {
    this.#clear();
    this.#needsResync = true;
  }

  /** True once for dropped taps: the caller sends the resync. */
  takeResync(): boolean {
    const needed = this.#needsResync;
    this.#needsResync = false;
    return needed;
  }

  /** The taps to send in one frame now, which begins a window; undefined when none may be sent. */
  take(nowMs: Milliseconds, windowMs: Milliseconds): readonly WaitingTap[] | undefined {
    if (this.#waiting === undefined || nowMs < this.#windowEndsMs) return undefined;
    const taps = [...this.#waiting.values()].flatMap(oneForEachSubscription);
    this.#clear();
    this.#windowEndsMs = nowMs + windowMs;
    return taps;
  }

  #clear(): void {
    this.#waiting = undefined;
    this.#waitingCount = 0;
  }
}

/** Members may share a subscription; their newest tap includes the others. */
function oneForEachSubscription(taps: readonly WaitingTap[]): readonly WaitingTap[] {
  if (taps.length < 2) return taps;
  const newest = new Map(taps.map((one) => [one.to.subscription, one]));
  return newest.size === taps.length
    ? taps
    : taps.filter((one) => newest.get(one.to.subscription) === one);
}
