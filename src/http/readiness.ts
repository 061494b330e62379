import type { Context } from '../directory/context.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Conditions } from '../platform/conditions.ts';

/** Whether this server should be sent requests, and if not, why. */
export type Readiness = {
  /** What is wrong, in a sentence; undefined when nothing is. */
  problem(): Promise<string | undefined>;
  /** What is wrong and no reason to send it none: a sentence each. */
  conditions(): readonly string[];
  /** From now on the server is ending, whatever the store says. */
  drain(): void;
};

/** How long the store has to answer. */
const answerWithinMs: Milliseconds = 2_000;

/**
 * Keys that no session has, spread over the partitions of a store that has some: a store of which
 * any part answers is worth being asked, since turning every node away would help nobody.
 */
const probedKeys: readonly SessionKey[] = Array.from({ length: 8 }, (_, n) => `~~readiness-${n}`);

/** The readiness of a server that keeps its sessions in `store`; one look at it at a time. */
export function openReadiness(
  store: Context['store'],
  conditions: Pick<Conditions, 'list'>,
): Readiness {
  let isDraining = false;
  let look: Promise<string | undefined> | undefined;
  return {
    async problem() {
      if (isDraining) return endingProblem;
      // Whoever asks meanwhile shares the answer: this is open to all, and must cost the store little.
      look ??= lookAt(store).finally(() => {
        look = undefined;
      });
      const problem = await look;
      return isDraining ? endingProblem : problem;
    },
    conditions: () => conditions.list(),
    drain() {
      isDraining = true;
    },
  };
}

const endingProblem = 'This server is ending; another must be asked.';

async function lookAt(store: Context['store']): Promise<string | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(
    () => resolve(`The store has not answered within ${answerWithinMs} ms.`),
    answerWithinMs,
  );
  const answered = Promise.any(probedKeys.map((key) => store.session(key))).then(
    () => undefined,
    () => 'The store cannot be reached.',
  );
  try {
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
  }
}
