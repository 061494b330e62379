/**
 * What the matcher knows of a rule, whatever its type: one value for each ticket, and how values go
 * together. Each type of rule is a file in `rules/`.
 */

import type { MatchTicket } from './ticket.ts';

/** A group of tickets as a rule sees it: the values in the order of the tickets. */
export type GroupValues<Value> = {
  /** Undefined: the ticket goes with every other one. */
  readonly values: readonly (Value | undefined)[];
  readonly tickets: readonly MatchTicket[];
  /** That of the ticket that waits the longest. */
  readonly cycle: number;
  /** False while more tickets may be added. */
  readonly isComplete: boolean;
};

/** The values of tickets that have one. */
export function givenValues<Value>({ values }: GroupValues<Value>): readonly Value[] {
  return values.filter((value) => value !== undefined);
}

/** A rule whose values are of one type. */
export type RuleBody<Value> = {
  /**
   * What the rule looks at. Undefined: the ticket goes with every other one. Null: with none while the
   * rule prevents matches.
   */
  valueOf(ticket: MatchTicket): Value | undefined | null;
  /**
   * True when two tickets may be in one match. A group of which two may not is never a match.
   * `cycle` is that of the ticket that waits the longest; a later cycle allows no less.
   */
  admits?(a: Value, b: Value, cycle: number): boolean;
  /** True when the group may be, or may become, a match. Asked for groups whose pairs are admitted. */
  admitsGroup?(group: GroupValues<Value>): boolean;
  /**
   * `admitsGroup` by the sum of the codes of the values, which is faster; undefined: the sum is not
   * enough. A rule has both or neither.
   */
  admitsSum?(codesSum: number, isComplete: boolean): boolean | undefined;
  codeOf?(value: Value): number;
  /** How near two values are: 1 the same, 0 as far as can be. */
  closeness?(a: Value, b: Value): number;
  /** Why two tickets may not be in one match, as "skill differs by 31". */
  difference?(a: Value, b: Value): string;
  /** How much of that difference a cycle allows, where it allows some: "20". */
  allowance?(cycle: number): string;
  /** Why the complete group is not a match. */
  groupProblem?(group: GroupValues<Value>): string;
  /** Why a ticket without a value goes with no other. */
  readonly missing: string;
  /** The rule as a sentence. */
  readonly words: string;
};
