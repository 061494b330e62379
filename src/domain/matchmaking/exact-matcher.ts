import type { Milliseconds } from '../time.ts';
import { cycleOf } from './expansion.ts';
import {
  type Candidate,
  closenessOf,
  type HopperRules,
  isMatch,
  mayGroup,
  mayPair,
} from './hopper-rules.ts';
import { worthOf } from './match.ts';

/** A group of tickets, by the bits of their places in the pool. */
type Group = { readonly bits: number; readonly worth: number };

/** The best that can be made of some tickets. */
type Best = { readonly groups: readonly Group[]; readonly worth: number };

/** Groups that are looked at. Where nearly all tickets go together there are more, and no need to. */
const groupsMax = 8_000;

/**
 * The groups that are worth the most in all, found by looking at all of them; undefined when that are too
 * many. `tickets` are in the order of their wait. The work doubles with each ticket.
 */
export function bestPartition(
  rules: HopperRules,
  tickets: readonly Candidate[],
  nowMs: Milliseconds,
): readonly (readonly Candidate[])[] | undefined {
  const cycles = tickets.map(({ ticket }) => cycleOf(rules.hopper, ticket.sinceMs, nowMs));
  const budget = { groupsLeft: groupsMax };
  const groups = tickets.map((_, first) => groupsFrom(rules, tickets, cycles, first, budget));
  if (budget.groupsLeft <= 0) return undefined;
  const known = new Map<number, Best>();

  /** The best of the tickets from `first` on that are in `free`. */
  const bestOf = (first: number, free: number): Best => {
    if (first === tickets.length) return { groups: [], worth: 0 };
    const left = free & ~((1 << first) - 1);
    const found = known.get(left);
    if (found !== undefined) return found;
    const without = free & ~(1 << first);
    let best: Best = { groups: [], worth: 0 };
    for (const group of (free & (1 << first)) === 0 ? [] : (groups[first] ?? [])) {
      if ((group.bits & free) !== group.bits) continue;
      const rest = bestOf(first + 1, free & ~group.bits);
      const worth = group.worth + rest.worth;
      if (worth > best.worth) best = { groups: [group, ...rest.groups], worth };
    }
    // Of two choices that are worth the same, who waits the longest is matched.
    const others = bestOf(first + 1, without);
    if (others.worth > best.worth) best = others;
    known.set(left, best);
    return best;
  };
  const { groups: chosen } = bestOf(0, (1 << tickets.length) - 1);
  return chosen.map(({ bits }) => tickets.filter((_, i) => (bits & (1 << i)) !== 0));
}

/** All matches in which `first` is the ticket that waits the longest. */
function groupsFrom(
  rules: HopperRules,
  tickets: readonly Candidate[],
  cycles: readonly number[],
  first: number,
  budget: { groupsLeft: number },
): readonly Group[] {
  const cycle = cycles[first] ?? 0;
  const seed = tickets[first];
  if (seed === undefined) return [];
  const found: Group[] = [];
  const members: Candidate[] = [seed];
  const extend = (from: number, sum: Sum): void => {
    budget.groupsLeft -= 1;
    if (budget.groupsLeft <= 0) return;
    if (isMatch(rules, members, sum.places, cycle)) {
      const pairs = (members.length * (members.length - 1)) / 2;
      const quality = pairs === 0 ? 1 : sum.closeness / pairs;
      found.push({ bits: sum.bits, worth: worthOf(rules.hopper, { ...sum, quality }) });
    }
    for (let i = from; i < tickets.length; i += 1) {
      const next = tickets[i];
      if (next === undefined || sum.places + next.places > rules.hopper.maxGroupSize) continue;
      if (!members.every((one) => mayPair(rules, one, next, cycle))) continue;
      const closeness = members.reduce((all, one) => all + closenessOf(rules, one, next), 0);
      members.push(next);
      if (mayGroup(rules, members, cycle, false)) {
        extend(i + 1, {
          bits: sum.bits | (1 << i),
          places: sum.places + next.places,
          closeness: sum.closeness + closeness,
          waitedCycles: sum.waitedCycles + next.places * (cycles[i] ?? 0),
        });
      }
      members.pop();
    }
  };
  extend(first + 1, {
    bits: 1 << first,
    places: seed.places,
    closeness: 0,
    waitedCycles: seed.places * cycle,
  });
  return found;
}

type Sum = {
  readonly bits: number;
  readonly places: number;
  readonly closeness: number;
  readonly waitedCycles: number;
};
