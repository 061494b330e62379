import type { Milliseconds } from '../domain/time.ts';

type HeldPart = { bytes: number; readonly sinceMs: Milliseconds; readonly letGo: () => void };

/**
 * Bytes that clients make the server hold in memory: answers that they do not read, or uploads that
 * they do not finish. Each holder has its own limit; here is the limit for all together, and for
 * the time. The oldest holder is released first: honest clients are quick.
 */
export class HeldBytes<Holder extends object> {
  /** In the order in which they began to hold bytes. */
  readonly #held = new Map<Holder, HeldPart>();
  readonly #bytesMax: number;
  readonly #heldMsMax: Milliseconds;
  readonly #elapsedMs: () => Milliseconds;
  #bytes = 0;

  constructor({
    bytesMax,
    heldMsMax,
    elapsedMs,
  }: {
    readonly bytesMax: number;
    readonly heldMsMax: Milliseconds;
    readonly elapsedMs: () => Milliseconds;
  }) {
    this.#bytesMax = bytesMax;
    this.#heldMsMax = heldMsMax;
    this.#elapsedMs = elapsedMs;
  }

  /** The bytes of all holders. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `holder` holds `bytes` more; `letGo`, of the first time, is called when that is too much. */
  add(holder: Holder, bytes: number, letGo: () => void): void {
    const held = this.#held.get(holder);
    if (held === undefined) {
      this.#held.set(holder, { bytes, sinceMs: this.#elapsedMs(), letGo });
    } else {
      held.bytes += bytes;
    }
    this.#bytes += bytes;
    for (const [oldest, { letGo: end }] of this.#held) {
      if (this.#bytes <= this.#bytesMax) break;
      this.delete(oldest);
      end();
    }
  }

  /** `holder` holds no more bytes. */
  delete(holder: Holder): void {
    this.#bytes -= this.#held.get(holder)?.bytes ?? 0;
    this.#held.delete(holder);
  }

  /** Releases holders that have held bytes for too long. */
  endLate(): void {
    const sinceMsMin = this.#elapsedMs() - this.#heldMsMax;
    for (const [holder, { sinceMs, letGo }] of this.#held) {
      if (sinceMs > sinceMsMin) break;
      this.delete(holder);
      letGo();
    }
  }
}
