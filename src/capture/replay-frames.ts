/**
 * The frames of one socket in a replay beside the captured ones.
 *
 * Answers come in any order and are matched by their sequence. Taps are gathered, in windows that
 * begin at another moment each time: what counts is that a tap for each session's last change came.
 *
 * @source docs/wire/rta.md "Frames", docs/wire/rta.md "Taps"
 */

import { compareValues, type Difference } from './compare.ts';
import type { Translation } from './translation.ts';

/** A tap: which life of a session, and the change; undefined when the session has ended. */
type Tap = { readonly session: string; readonly changeNumber: number | undefined };

/** What a frame of the server says. */
type FrameContent =
  | { readonly kind: 'taps'; readonly taps: readonly Tap[]; readonly value: readonly unknown[] }
  | { readonly kind: 'answer'; readonly key: string; readonly value: readonly unknown[] }
  | { readonly kind: 'other'; readonly value: unknown };

export class ReplayFrames {
  readonly #translation: Translation;
  /** For each session, the last change of which a tap came in the replay; Infinity when it has ended. */
  readonly #tapped = new Map<string, number>();
  readonly #awaited = new Map<string, number>();
  /** Subscription ids of the capture, and what they are now. */
  readonly #subscriptions = new Map<unknown, unknown>();

  constructor(translation: Translation) {
    this.#translation = translation;
  }

  /** The frame of a client, as it is sent now. */
  translate(text: string): string {
    const value = parseFrame(text);
    if (!Array.isArray(value) || value[0] !== 2 || value.length < 3) {
      return this.#translation.body(text);
    }
    const [kind, sequence, subscription, ...rest] = value;
    const present = this.#subscriptions.get(subscription) ?? subscription;
    return JSON.stringify([kind, sequence, present, ...rest]);
  }

  /** Notes the taps in a frame that came. True when it has nothing else, and needs no other beside it. */
  hear(text: string): boolean {
    const said = readFrame(text);
    if (said.kind !== 'taps') return false;
    for (const { session, changeNumber = Number.POSITIVE_INFINITY } of said.taps) {
      this.#tapped.set(session, Math.max(this.#tapped.get(session) ?? 0, changeNumber));
    }
    return true;
  }

  /** True of a frame with taps. */
  hasTaps(text: string): boolean {
    return readFrame(text).kind === 'taps';
  }

  /** Which of `present`, frames that are no taps, belongs to the captured one; -1: none. */
  find(captured: string, present: readonly string[]): number {
    const said = readFrame(captured);
    return present.findIndex((text) => {
      const other = readFrame(text);
      return said.kind === 'answer'
        ? other.kind === 'answer' && other.key === said.key
        : other.kind === 'other';
    });
  }

  /** True when all taps of the captured frame have come in the replay. */
  haveTapsCome(captured: string): boolean {
    const said = readFrame(captured);
    if (said.kind !== 'taps') return false;
    return said.taps.every(({ session, changeNumber = Number.POSITIVE_INFINITY }) => {
      const present = this.#presentOf(session);
      this.#awaited.set(present, Math.max(this.#awaited.get(present) ?? 0, changeNumber));
      return (this.#tapped.get(present) ?? 0) >= changeNumber;
    });
  }

  /** A session and its branch as they are called now. */
  #presentOf(session: string): string {
    return this.#translation.text(session).toLowerCase();
  }

  /** What differs between two frames that belong together. */
  compare(captured: string, present: string): readonly Difference[] {
    const [was, is] = [parseFrame(captured), parseFrame(present)];
    if (Array.isArray(was) && Array.isArray(is) && was[0] === 1 && is[0] === 1) {
      // The id of the subscription is the server's choice.
      if (typeof was[3] === 'number') this.#subscriptions.set(was[3], is[3]);
      const [, , code, , data] = was;
      const [, , presentCode, , presentData] = is;
      return [
        ...compareValues('frame code', code, presentCode, this.#translation),
        ...compareValues('frame data', data, presentData, this.#translation),
      ];
    }
    if (Array.isArray(was) && Array.isArray(is) && was[0] === 3 && is[0] === 3) {
      return compareValues('frame data', was[2], is[2], this.#translation);
    }
    return compareValues('frame', was ?? captured, is ?? present, this.#translation);
  }

  /** Sessions with later taps in the replay than in the capture. */
  surplus(): readonly Difference[] {
    return [...this.#tapped].flatMap(([session, changeNumber]) => {
      const awaited = this.#awaited.get(session) ?? 0;
      return changeNumber <= awaited
        ? []
        : [
            {
              where: `taps of ${session.split(' ')[0]}`,
              captured: awaited === 0 ? 'nothing' : `change ${awaited}`,
              present:
                changeNumber === Number.POSITIVE_INFINITY ? 'its end' : `change ${changeNumber}`,
            },
          ];
    });
  }
}

function readFrame(text: string): FrameContent {
  const value = parseFrame(text);
  if (!Array.isArray(value)) return { kind: 'other', value };
  if (value[0] === 1 || value[0] === 2) {
    return { kind: 'answer', key: `${value[0]} ${value[1]}`, value };
  }
  const taps = (value[2] as { readonly shoulderTaps?: unknown } | null | undefined)?.shoulderTaps;
  if (value[0] !== 3 || !Array.isArray(taps)) return { kind: 'other', value };
  return {
    kind: 'taps',
    value,
    taps: taps.map(({ resource, branch, changeNumber }) => ({
      session: `${resource} ${branch}`.toLowerCase(),
      changeNumber: typeof changeNumber === 'number' ? changeNumber : undefined,
    })),
  };
}

/** Clients of the first version of the protocol pad their frames. */
function parseFrame(text: string): unknown {
  try {
    return JSON.parse(text.replaceAll('\0', ''));
  } catch {
    return undefined;
  }
}
