/**
 * Why a ticket is not matched.
 *
 * @source docs/wire/matchmaking.md "Why not"
 */

import type { Guid } from '../ids.ts';
import type { Milliseconds } from '../time.ts';
import { cycleOf, isBinding } from './expansion.ts';
import {
  type Candidate,
  closenessOf,
  type HopperRules,
  type PairProblem,
  pairProblems,
} from './hopper-rules.ts';

export type WhyNot = {
  /** Other tickets that were looked at. */
  readonly comparedCount: number;
  /** Players of tickets that go with this one, itself included; and how many a match needs. */
  readonly compatiblePlayers: number;
  readonly neededPlayers: number;
  /** How many tickets each rule keeps from this one, the strictest rule first. */
  readonly keptBy: readonly { readonly rule: string; readonly tickets: number }[];
  /** The tickets that come closest, each with everything that is in the way. */
  readonly nearest: readonly { readonly ticketId: Guid; readonly because: readonly string[] }[];
  /** One sentence. */
  readonly text: string;
};

/** Tickets that are named. */
const nearestMax = 3;

/** Tickets that one explanation compares with. */
const comparedMax = 2_000;

/** Why the ticket has not been matched with those of the pool so far. */
export function explainTicket(
  rules: HopperRules,
  ticket: Candidate,
  pool: Iterable<Candidate>,
  nowMs: Milliseconds,
): WhyNot {
  const { hopper } = rules;
  const own = cycleOf(hopper, ticket.ticket.sinceMs, nowMs);
  const kept = new Map<string, number>();
  const apart: {
    one: Candidate;
    problems: readonly PairProblem[];
    closeness: number;
    waitMs: number;
  }[] = [];
  let comparedCount = 0;
  let compatiblePlayers = ticket.places;
  for (const one of pool) {
    if (one.ticket.id === ticket.ticket.id) continue;
    if (comparedCount >= comparedMax) break;
    comparedCount += 1;
    const waitMs = nowMs - Math.min(one.ticket.sinceMs, ticket.ticket.sinceMs);
    const cycle = Math.max(own, cycleOf(hopper, one.ticket.sinceMs, nowMs));
    const problems = pairProblems(rules, ticket, one, cycle);
    if (problems.length === 0) {
      compatiblePlayers += one.places;
      continue;
    }
    for (const name of new Set(problems.map((problem) => nameOf(rules, problem)))) {
      kept.set(name, (kept.get(name) ?? 0) + 1);
    }
    apart.push({ one, problems, closeness: closenessOf(rules, ticket, one), waitMs });
  }
  const nearest = apart
    .sort((a, b) => a.problems.length - b.problems.length || b.closeness - a.closeness)
    .slice(0, nearestMax)
    .map(({ one, problems, waitMs }) => ({
      ticketId: one.ticket.id,
      because: problems.map((problem) => formatProblem(rules, ticket, one, problem, waitMs)),
    }));
  const keptBy = [...kept]
    .map(([rule, tickets]) => ({ rule, tickets }))
    .sort((a, b) => b.tickets - a.tickets || (a.rule < b.rule ? -1 : 1));
  return {
    comparedCount,
    compatiblePlayers,
    neededPlayers: hopper.minGroupSize,
    keptBy,
    nearest,
    text: textOf({ comparedCount, compatiblePlayers, keptBy, nearest }, hopper.minGroupSize),
  };
}

function textOf(
  {
    comparedCount,
    compatiblePlayers,
    keptBy,
    nearest,
  }: Pick<WhyNot, 'comparedCount' | 'compatiblePlayers' | 'keptBy' | 'nearest'>,
  needed: number,
): string {
  if (comparedCount === 0) return 'No other ticket waits in this hopper.';
  if (compatiblePlayers >= needed) {
    return `${compatiblePlayers} players go with this ticket, needed ${needed}; together they are no match yet.`;
  }
  const [first] = keptBy;
  const [closest] = nearest;
  const why = first
    ? ` ${first.rule} keeps ${first.tickets} of ${comparedCount} tickets apart.`
    : '';
  const near = closest ? ` The nearest: ${closest.because.join('; ')}.` : '';
  return `${compatiblePlayers} of ${needed} players.${why}${near}`;
}

function nameOf({ rules }: HopperRules, problem: PairProblem): string {
  if (problem.kind === 'rule') return rules[problem.index]?.rule.name ?? '';
  return wordsOf[problem.kind];
}

const wordsOf: Record<Exclude<PairProblem['kind'], 'rule'>, string> = {
  avoided: 'players block each other',
  bothPreserved: 'both keep their session',
  constantsDiffer: 'targetSessionConstants differ',
  samePlayer: 'a player is in both',
  tooLarge: 'together they are too many',
};

/** "skill differs by 31, allowed 20 now, 40 in 10 s" */
function formatProblem(
  { rules, hopper }: HopperRules,
  a: Candidate,
  b: Candidate,
  problem: PairProblem,
  waitMs: Milliseconds,
): string {
  if (problem.kind !== 'rule') return wordsOf[problem.kind];
  const { index } = problem;
  const one = rules[index];
  if (one === undefined) return '';
  const { rule, body } = one;
  const [left, right] = [a.values[index], b.values[index]];
  const isMissing = left === null || right === null;
  if (left === undefined || right === undefined) return rule.name;
  const said = isMissing ? body.missing : (body.difference?.(left, right) ?? rule.name);
  const cycle = Math.floor(waitMs / hopper.cycleMs);
  const now = body.allowance && !isMissing ? `, allowed ${body.allowance(cycle)} now` : '';
  const last = hopper.expansionCycles + 1;
  for (let later = cycle + 1; later <= last; later += 1) {
    const seconds = Math.ceil((later * hopper.cycleMs - waitMs) / 1_000);
    if (!isBinding(rule, hopper, later)) return `${said}${now}, no longer asked in ${seconds} s`;
    if (!isMissing && body.admits?.(left, right, later)) {
      const what = body.allowance ? body.allowance(later) : 'enough';
      return `${said}${now}, ${what} in ${seconds} s`;
    }
  }
  return `${said}${now}`;
}
