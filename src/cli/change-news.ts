/** The changes of sessions that are new to who follows the inspector's stream: each once, and none left out. */

import type { Milliseconds } from '../domain/time.ts';
import type { ChangeList, ChangeRow, LiveEvent } from '../inspector/api-types.ts';

export type NewChange = { readonly key: string; readonly change: ChangeRow };

/**
 * An event of the stream stands for all changes of its session since the last event. So the changes are read from
 * the API.
 */
export class ChangeNews {
  readonly #ask: (path: string) => Promise<unknown>;
  readonly #isWanted: (key: string) => boolean;
  /** The last change that was given, by session. */
  readonly #given = new Map<string, string>();
  /** By the server's clock: changes from here on are news. */
  #fromMs: Milliseconds = Number.POSITIVE_INFINITY;

  constructor(ask: (path: string) => Promise<unknown>, isWanted: (key: string) => boolean) {
    this.#ask = ask;
    this.#isWanted = isWanted;
  }

  /** What is new by this event, the oldest first. To be asked of each event, in their order. */
  async of(event: LiveEvent): Promise<readonly NewChange[]> {
    if (event.kind === 'hello') this.#fromMs = event.info.clock.nowMs;
    // What comes after a move back has an earlier time.
    if (event.kind === 'clock') this.#fromMs = Math.min(this.#fromMs, event.clock.nowMs);
    const key =
      event.kind === 'session' ? event.row.key : event.kind === 'sessionGone' ? event.key : '';
    if (key === '' || !this.#isWanted(key)) return [];
    const path = key.split('~').map(encodeURIComponent).join('/');
    const last = this.#given.get(key);
    const news: ChangeRow[] = [];
    let before = '';
    for (;;) {
      const { changes, nextBefore } = (await this.#ask(
        `/sessions/${path}/changes?take=100&differences=true${before}`,
      )) as ChangeList;
      const old = changes.findIndex(({ cursor, atMs }, at) =>
        // The newest change of a session that is seen for the first time is the one of the event.
        last === undefined ? atMs < this.#fromMs && news.length + at > 0 : cursor === last,
      );
      news.push(...(old < 0 ? changes : changes.slice(0, old)));
      if (old >= 0 || nextBefore === undefined) break;
      before = `&before=${encodeURIComponent(nextBefore)}`;
    }
    const [newest] = news;
    if (newest) this.#given.set(key, newest.cursor);
    return news.toReversed().map((change) => ({ key, change }));
  }
}
