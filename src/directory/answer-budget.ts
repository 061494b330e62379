/**
 * The results of one query as texts, as many as fit into the bytes of an answer. The first one
 * always fits, so that every page makes progress.
 */
export class AnswerBudget {
  #leftBytes: number;
  #isEmpty = true;

  constructor(bytesMax: number) {
    this.#leftBytes = bytesMax;
  }

  /** Counts the text and returns true when it fits. */
  takes(text: string): boolean {
    const bytes = Buffer.byteLength(text);
    if (bytes > this.#leftBytes && !this.#isEmpty) return false;
    this.#leftBytes -= bytes;
    this.#isEmpty = false;
    return true;
  }
}
