/**
 * Hoppers: pools of match tickets, each with the rules by which its tickets are matched.
 *
 * @source docs/wire/matchmaking.md "Hoppers"
 */

import type { Milliseconds } from '../time.ts';

export type Hopper = {
  readonly name: string;
  /** The template of target sessions. */
  readonly sessionTemplate: string;
  /** Players of a match, not tickets. */
  readonly minGroupSize: number;
  readonly maxGroupSize: number;
  /** How often SHOULD rules are relaxed before they no longer prevent a match. */
  readonly expansionCycles: number;
  readonly cycleMs: Milliseconds;
  /** True: players who block each other may meet. */
  readonly isRanked: boolean;
  /** True: a ticket follows the members of its session and their properties. */
  readonly followsSession: boolean;
  /** What clients read while nobody has been matched yet. */
  readonly typicalWaitMs: Milliseconds;
  readonly rules: readonly Rule[];
};

/** What all rules have. */
type RuleBase = {
  readonly name: string;
  /** MUST holds in every match; SHOULD is relaxed cycle by cycle, then dropped. */
  readonly type: 'must' | 'should';
  /** Above 0. */
  readonly weight: number;
};

/** A rule about an attribute of tickets or of their players. */
type AttributeRule = RuleBase & {
  readonly attribute: string;
  /** True: without the attribute a ticket goes with every other one. */
  readonly allowWildcards: boolean;
};

export type NumberRule = AttributeRule & {
  readonly dataType: 'number';
  readonly flatten: 'minMax' | 'average';
  readonly maxDiff: number;
  /** Added to `maxDiff` with each cycle; only whole steps count. */
  readonly expansionDelta: number;
  readonly defaultValue?: number | undefined;
};

export type StringRule = AttributeRule & {
  readonly dataType: 'string';
  readonly defaultValue?: string | undefined;
};

export type CollectionRule = AttributeRule & {
  readonly dataType: 'collection';
  readonly operation: 'intersection' | 'difference';
  /** Elements that must be shared, or that may be shared. */
  readonly target: number;
  readonly defaultValue?: readonly string[] | undefined;
};

export type RoleRule = AttributeRule & {
  readonly dataType: 'collection';
  readonly operation: 'rolePreference';
  /** How many players each role takes; together `maxGroupSize`. */
  readonly roles: Readonly<Record<string, number>>;
  /** True: there is no match before every role is filled. */
  readonly allowWaiting: boolean;
  readonly defaultValue?: readonly string[] | undefined;
};

export type TotalRule = AttributeRule & {
  readonly dataType: 'totalValue';
  readonly min: number;
  readonly max: number;
  readonly defaultValue?: number | undefined;
};

export type QualityRule = RuleBase & {
  readonly dataType: 'qualityOfService';
  readonly topology: 'peerToPeer' | 'peerToHost' | 'clientServer';
  /** Between peers, or between a player and the server. */
  readonly latencyMaximum: Milliseconds;
  /** Of a SHOULD rule for servers: how much worse than the best server of a ticket is accepted at last. */
  readonly scalingMaximum: Milliseconds;
};

export type TeamRule = RuleBase & {
  readonly dataType: 'team';
  readonly teams: readonly Team[];
};

export type Team = {
  readonly name: string;
  readonly minSize: number;
  readonly maxSize: number;
};

export type Rule =
  | NumberRule
  | StringRule
  | CollectionRule
  | RoleRule
  | TotalRule
  | QualityRule
  | TeamRule;

export const hopperDefaults = {
  expansionCycles: 3,
  cycleMs: 5_000,
  typicalWaitMs: 60_000,
} as const;
