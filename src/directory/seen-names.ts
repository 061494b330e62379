import type { Xuid } from '../domain/ids.ts';

/** Users whose gamertag is remembered at most; of others it is noted again. */
const usersMax = 200_000;
/** Gamertags that wait to be stored. */
const waitingMax = 50_000;

/**
 * Gamertags that this process has seen in tokens: those that may not be stored yet wait
 * until they are stored. One that is seen again costs a look into a map.
 */
export class SeenNames {
  #recent = new Map<Xuid, string>();
  #former: ReadonlyMap<Xuid, string> = new Map();
  #waiting = new Map<Xuid, string>();
  readonly #usersMax: number;

  constructor(rememberedMax = usersMax) {
    this.#usersMax = rememberedMax;
  }

  /** Notes the gamertag of a token. */
  note(xuid: Xuid, gamertag: string | undefined): void {
    if (gamertag === undefined || this.#recent.get(xuid) === gamertag) return;
    const isKnown = this.#former.get(xuid) === gamertag;
    if (!isKnown && this.#waiting.size >= waitingMax) return;
    this.#recent.set(xuid, gamertag);
    if (!isKnown) this.#waiting.set(xuid, gamertag);
    if (this.#recent.size < this.#usersMax / 2) return;
    this.#former = this.#recent;
    this.#recent = new Map();
  }

  /** The gamertag of a user, as a token said here; undefined: the store may know it. */
  of(xuid: Xuid): string | undefined {
    return this.#recent.get(xuid) ?? this.#former.get(xuid);
  }

  /** Some of those that wait to be stored, which then wait no more. */
  take(max: number): readonly (readonly [Xuid, string])[] {
    const taken = [...this.#waiting].slice(0, max);
    for (const [xuid] of taken) this.#waiting.delete(xuid);
    return taken;
  }

  /** Lets one wait again that could not be stored, unless there is a newer one. */
  putBack(xuid: Xuid, gamertag: string): void {
    if (!this.#waiting.has(xuid)) this.#waiting.set(xuid, gamertag);
  }
}
