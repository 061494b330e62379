/** The changes of sessions that are new to a follower of the inspector's stream: each once, and none left out. */

import type { Milliseconds } from '../domain/time.ts';
import type { ChangeList, ChangeRow, LiveEvent } from '../inspector/api-types.ts';

export type NewChange = { readonly key: string; readonly change: ChangeRow };

/** The last change of a session that was given; its cursor finds it in the list of changes. */
type LastChange = { readonly cursor: string; readonly atMs: Milliseconds };

/** Sessions whose last change is remembered, unless said else. */
const rememberedMax = 10_000;

/**
 * An event of the stream stands for all changes of its session since the last event. So the changes are read from
 * the API.
 *
 * The sessions that changed last are remembered. Of a session that was forgotten, changes are news that are
 * later than its last one, or that an event names.
 */
export class ChangeNews {
  readonly #ask: (path: string) => Promise<unknown>;
  readonly #isWanted: (key: string) => boolean;
  readonly #rememberedMax: number;
  /** By session; the one that changed last is the last. */
  readonly #given = new Map<string, LastChange>();
  /** By the server's clock: changes from here on are news. */
  #fromMs: Milliseconds = Number.POSITIVE_INFINITY;

  constructor(
    ask: (path: string) => Promise<unknown>,
    isWanted: (key: string) => boolean,
    sessionsMax = rememberedMax,
  ) {
    this.#ask = ask;
    this.#isWanted = isWanted;
    this.#rememberedMax = sessionsMax;
  }

  /** What is new by this event, the oldest first. To be asked of each event, in their order. */
  async of(event: LiveEvent): Promise<readonly NewChange[]> {
    if (event.kind === 'hello') this.#fromMs = event.info.clock.nowMs;
    // What comes after a move back has an earlier time.
    if (event.kind === 'clock') this.#moveClock(event.clock.nowMs);
    const key =
      event.kind === 'session' ? event.row.key : event.kind === 'sessionGone' ? event.key : '';
    if (key === '' || !this.#isWanted(key)) return [];
    const path = key.split('~').map(encodeURIComponent).join('/');
    const last = this.#given.get(key)?.cursor;
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
    if (newest) this.#remember(key, newest);
    return news.toReversed().map((change) => ({ key, change }));
  }

  #remember(key: string, { cursor, atMs }: ChangeRow): void {
    this.#given.delete(key);
    this.#given.set(key, { cursor, atMs });
    if (this.#given.size <= this.#rememberedMax) return;
    for (const [oldest, forgotten] of this.#given) {
      this.#given.delete(oldest);
      // What was given of it must not be news again.
      this.#fromMs = Math.max(this.#fromMs, forgotten.atMs + 1);
      break;
    }
  }

  #moveClock(nowMs: Milliseconds): void {
    this.#fromMs = Math.min(this.#fromMs, nowMs);
    // So that forgetting them leaves out no change after the move.
    for (const [key, { cursor, atMs }] of this.#given) {
      this.#given.set(key, { cursor, atMs: Math.min(atMs, nowMs - 1) });
    }
  }
}
