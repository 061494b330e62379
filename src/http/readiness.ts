import type { Milliseconds } from '../domain/time.ts';
import type { Conditions } from '../platform/conditions.ts';

/** Whether this server should get requests, and if not, why. */
export type Readiness = {
  /** The problem, in a sentence; undefined when there is none. */
  problem(): Promise<string | undefined>;
  /** Problems that are no reason to send it no requests: a sentence each. */
  conditions(): readonly string[];
  /** Whether an operator wants it to get no requests. */
  setDrained(isDrained: boolean): void;
  /** From now on the server is ending, whatever the store answers. */
  end(): void;
};

/** How long the store has to answer. */
const answerWithinMs: Milliseconds = 2_000;

/**
 * The readiness of a server whose store `probe` asks for an answer: it rejects when there is none. One
 * probe at a time.
 */
export function openReadiness(
  probe: () => Promise<void>,
  conditions: Pick<Conditions, 'list'>,
): Readiness {
  let isDrained = false;
  let isEnding = false;
  let probed: Promise<string | undefined> | undefined;
  return {
    async problem() {
      const own = problemOfOwn();
      if (own !== undefined) return own;
      // Requests at the same time share one probe: anybody may ask, and it must cost the store
      // little.
      probed ??= problemOf(probe).finally(() => {
        probed = undefined;
      });
      const problem = await probed;
      return problemOfOwn() ?? problem;
    },
    conditions: () => conditions.list(),
    setDrained(is) {
      isDrained = is;
    },
    end() {
      isEnding = true;
    },
  };

  function problemOfOwn(): string | undefined {
    if (isEnding) return endingProblem;
    return isDrained ? drainedProblem : undefined;
  }
}

const drainedProblem =
  'An operator has drained this server. It still answers, but new requests are to go to others. "openmpsd drain --cancel" ends this.';
const endingProblem = 'This server is ending. New requests are to go to others.';

async function problemOf(probe: () => Promise<void>): Promise<string | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(
    () => resolve(`The store has not answered within ${answerWithinMs} ms.`),
    answerWithinMs,
  );
  const answered = probe().then(
    () => undefined,
    () => 'The store cannot be reached.',
  );
  try {
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
  }
}
