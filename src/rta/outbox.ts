/**
 * The taps of one connection, from when they come in until a frame may go out.
 *
 *     idle ── tap: sent at once ──▶ cooling ── tap: waits ──▶ cooling
 *      ▲                              │ the window ends
 *      └───────── nothing waits ──────┴── something waits: sent, cooling again
 *
 * Of what waits only the newest change of each session is left; the numbers of a branch never go
 * back; and what waits is bounded: past the limit it all becomes one resync.
 *
 * @source contract 9, wire 6.6
 */

import type { Guid } from '../domain/ids.ts';
import { formatTap, type Tap, type TapRecipient } from '../domain/tap/tap.ts';
import type { Milliseconds } from '../domain/time.ts';

/** A tap for one member. Of most that wait no text is ever made: a newer one takes their place. */
export type WaitingTap = { readonly tap: Tap; readonly to: TapRecipient };

/** Sessions of which taps wait, before all of it becomes one resync. */
export const waitingTapsMax = 1_000;

/** Sessions whose last number is remembered. */
const toldMax = 2_000;

export class Outbox {
  /** By branch: the newest tap of each member here, their numbers rising. */
  #waiting: Map<Guid, readonly WaitingTap[]> | undefined;
  #waitingCount = 0;
  /** By branch: the newest change that was sent or waits, and to which of the members here. */
  #told:
    | Map<Guid, { readonly changeNumber: number; readonly members: readonly number[] }>
    | undefined;
  /** The branch that is the last of both: most taps are of the same session as the one before. */
  #newest: Guid | undefined;
  /** Something was lost, and a resync is owed for it. */
  #isBehind = false;
  /** When the next frame may go out. */
  #openMs: Milliseconds = Number.NEGATIVE_INFINITY;

  get openMs(): Milliseconds {
    return this.#openMs;
  }

  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Takes a tap in, unless it tells nothing new. */
  add(waiting: WaitingTap): void {
    // Nothing of a branch comes after the end of its session.
    const { branch, changeNumber = Number.POSITIVE_INFINITY } = waiting.tap;
    const { memberIndex } = waiting.to;
    this.#told ??= new Map();
    const told = this.#told.get(branch);
    const members = told?.changeNumber === changeNumber ? told.members : [];
    if ((told?.changeNumber ?? 0) > changeNumber || members.includes(memberIndex)) return;
    const former = this.#waiting?.get(branch) ?? [];
    // Put anew at the end: those of which nothing was heard for longest are forgotten first.
    if (branch !== this.#newest) {
      this.#told.delete(branch);
      this.#waiting?.delete(branch);
      this.#newest = branch;
    }
    this.#told.set(branch, { changeNumber, members: [...members, memberIndex] });
    if (this.#told.size > toldMax) {
      const [longestAgo = ''] = this.#told.keys();
      this.#told.delete(longestAgo);
    }
    if (this.#isBehind) return;
    const others = former.filter(({ to }) => to.memberIndex !== memberIndex);
    this.#waiting ??= new Map();
    this.#waiting.set(branch, [...others, waiting]);
    this.#waitingCount += others.length + 1 - former.length;
    if (this.#waitingCount > waitingTapsMax) this.fallBehind();
  }

  /** Gives up what waits and owes a resync in its place. */
  fallBehind(): void {
    this.#forget();
    this.#isBehind = true;
  }

  /** True once for what was given up: the resync goes out now. */
  takeResync(): boolean {
    const wasBehind = this.#isBehind;
    this.#isBehind = false;
    return wasBehind;
  }

  /** What is to go out in one frame now, if anything; then the window begins anew. */
  take(nowMs: Milliseconds, windowMs: Milliseconds): readonly string[] | undefined {
    if (this.#waiting === undefined || nowMs < this.#openMs) return undefined;
    const taps = [...this.#waiting.values()].flat();
    this.#forget();
    this.#openMs = nowMs + windowMs;
    return taps.map(({ tap, to }) => formatTap(tap, to.subscription));
  }

  #forget(): void {
    this.#waiting = undefined;
    this.#waitingCount = 0;
  }
}
