/** Taps as a title gets them: each change once, the newest of each session, in order. */

import type { MultiplayerError } from './multiplayer-error.ts';
import type { SessionReference } from './reference.ts';
import type { Guid, TimeText } from './session-document.ts';

/** What `taps` gives. A reader that must be right handles every kind. */
export type Tap = SessionTap | Resync | FollowEnd;

/** A session has changed: read it, when `changeNumber` is above that of the document at hand. */
export type SessionTap = {
  /** `ended`: this life of the session is over. */
  readonly kind: 'changed' | 'ended';
  /** As it was given to `follow`; else lower-case. */
  readonly reference: SessionReference;
  readonly branch: Guid;
  /** 0 of a session that ended. */
  readonly changeNumber: number;
  /** The id of the subscription, lower-case. */
  readonly subscription: Guid;
  readonly timestamp: TimeText;
};

/** Taps may be missing here: read every followed session again. */
export type Resync = {
  readonly kind: 'resync';
  /** `reconnected`: the connection was lost for a while; `missed`: the server left some out. */
  readonly why: 'reconnected' | 'missed';
};

/** After a reconnect the user could not go back into this session. */
export type FollowEnd = {
  readonly kind: 'unfollowed';
  readonly reference: SessionReference;
  /** Why not; undefined when the session does not exist any more. */
  readonly error: MultiplayerError | undefined;
};

/**
 * The key by which sessions are the same: what taps call the resource.
 *
 * @source docs/wire/rta.md "Taps"
 */
export function resourceOf({ scid, templateName, name }: SessionReference): string {
  return `${scid}~${templateName}~${name}`.toLowerCase();
}

/**
 * The taps in the data of an event, in their order; none when it is something else. `knownAs` gives
 * the reference that the title uses, if any.
 *
 * @source docs/wire/rta.md "Taps"
 */
export function parseTaps(
  data: unknown,
  knownAs: (resource: string) => SessionReference | undefined,
): readonly SessionTap[] {
  const { shoulderTaps } = (data ?? {}) as { readonly shoulderTaps?: unknown };
  if (!Array.isArray(shoulderTaps)) return [];
  return shoulderTaps.flatMap((tap: Partial<Record<string, unknown>>) => {
    const { resource, branch, changeNumber, subscription, timestamp } = tap;
    if (typeof resource !== 'string' || typeof branch !== 'string') return [];
    const [scid, templateName, name, ...more] = resource.split('~');
    if (!scid || !templateName || !name || more.length > 0) return [];
    const isChange = typeof changeNumber === 'number';
    return [
      {
        kind: isChange ? 'changed' : 'ended',
        reference: knownAs(resource.toLowerCase()) ?? { scid, templateName, name },
        branch,
        changeNumber: isChange ? changeNumber : 0,
        subscription: String(subscription ?? ''),
        timestamp: String(timestamp ?? ''),
      },
    ];
  });
}

/** Sessions of which the last tap is remembered. */
const rememberedMax = 1_000;

type Reader = {
  readonly resolve: (result: IteratorResult<Tap>) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * Taps that wait for a reader; each goes to one. Of a session with another tap before the first was read,
 * only the newest tap waits, so that a slow reader costs little.
 */
export class TapQueue {
  readonly #pending = new Map<string, Tap>();
  readonly #readers: Reader[] = [];
  /** Branch and number of the last tap of each session. */
  readonly #last = new Map<string, { readonly branch: Guid; readonly changeNumber: number }>();
  #end: { readonly error: unknown } | undefined;

  /** Puts a tap, unless the same or a newer one of its session was put before. */
  put(tap: Tap): void {
    if (this.#end !== undefined) return;
    if (tap.kind === 'resync') this.#give('resync', tap);
    else {
      const resource = resourceOf(tap.reference);
      if (tap.kind === 'unfollowed') this.#give(`unfollowed ${resource}`, tap);
      else if (this.#isNews(resource, tap)) this.#give(resource, tap);
    }
  }

  /** The next tap, as soon as there is one; done at the end, or the error that ended it. */
  next(): Promise<IteratorResult<Tap>> {
    const [first] = this.#pending;
    if (first !== undefined) {
      this.#pending.delete(first[0]);
      return Promise.resolve({ value: first[1], done: false });
    }
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
      if (this.#end !== undefined) this.#endReaders();
    });
  }

  /** Ends it once what is pending is read: with `error`, or without as done. */
  end(error?: unknown): void {
    this.#end ??= { error };
    this.#endReaders();
  }

  #isNews(resource: string, { kind, branch, changeNumber: number }: SessionTap): boolean {
    const changeNumber = kind === 'ended' ? Number.POSITIVE_INFINITY : number;
    const last = this.#last.get(resource);
    if (last?.branch === branch && last.changeNumber >= changeNumber) return false;
    this.#last.delete(resource);
    this.#last.set(resource, { branch, changeNumber });
    if (this.#last.size > rememberedMax) {
      const [oldest = ''] = this.#last.keys();
      this.#last.delete(oldest);
    }
    return true;
  }

  #give(key: string, tap: Tap): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.#pending.set(key, tap);
    else reader.resolve({ value: tap, done: false });
  }

  #endReaders(): void {
    const error = this.#end?.error;
    for (const { resolve, reject } of this.#readers.splice(0)) {
      if (error === undefined) resolve({ value: undefined, done: true });
      else reject(error);
    }
  }
}
