/**
 * The results of one query as texts, as many as an answer may have bytes for. The first one always
 * fits, so that each page goes further than the one before.
 */
export class AnswerBudget {
  #leftBytes: number;
  #isEmpty = true;

  constructor(bytesMax: number) {
    this.#leftBytes = bytesMax;
  }

  /** True when the text fits; it is counted then. */
  takes(text: string): boolean {
    const bytes = Buffer.byteLength(text);
    if (bytes > this.#leftBytes && !this.#isEmpty) return false;
    this.#leftBytes -= bytes;
    this.#isEmpty = false;
    return true;
  }
}
