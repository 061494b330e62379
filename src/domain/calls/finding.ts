import type { Milliseconds } from '../time.ts';
import { type Call, endpointOf } from './call.ts';

/** The rules, by their names; each is described in docs/captures.md "What certification looks at". */
export type CallRule =
  | 'frequency'
  | 'throttled'
  | 'burst'
  | 'polling'
  | 'repeat'
  | 'singles'
  | 'smallBatch'
  | 'splitBatch'
  | 'retry'
  | 'sessionWrites';

/** An error fails certification, or the service refuses such calls; a warning deserves a look. */
export type Severity = 'error' | 'warning';

/** Calls that a rule has something to say about. */
export type Finding = {
  readonly rule: CallRule;
  readonly severity: Severity;
  /** The first of the callers. */
  readonly user: string;
  /** How many users made the calls. */
  readonly usersCount: number;
  readonly endpoint: string;
  /** What was seen. */
  readonly sentence: string;
  /** What to do instead. */
  readonly advice: string;
  readonly fromMs: Milliseconds;
  readonly toMs: Milliseconds;
  /** How many calls it is about. */
  readonly count: number;
  /** How many were allowed, in which time. */
  readonly limit?: number;
  readonly windowMs?: Milliseconds;
  /** The first of the calls. */
  readonly callIds: readonly string[];
};

const callIdsMax = 50;

type FindingText = Pick<
  Finding,
  'rule' | 'severity' | 'sentence' | 'advice' | 'limit' | 'windowMs'
> & {
  readonly endpoint?: string;
};

/** A finding about `calls`, of which there is at least one. */
export function findingOf(calls: readonly [Call, ...Call[]], said: FindingText): Finding {
  const [first] = calls;
  const last = calls.at(-1) ?? first;
  return {
    endpoint: endpointOf(first),
    ...said,
    user: first.user,
    usersCount: new Set(calls.map(({ user }) => user)).size,
    fromMs: first.atMs,
    toMs: last.atMs,
    count: calls.length,
    callIds: calls.slice(0, callIdsMax).map(({ id }) => id),
  };
}

/** True of a list with something in it. */
export function isFilled<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0;
}
