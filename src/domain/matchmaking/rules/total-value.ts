import { attributeValues, parseNumber } from '../attributes.ts';
import type { TotalRule } from '../hopper.ts';
import { type GroupValues, givenValues, type RuleBody } from '../rule.ts';
import { formatNumber } from './number.ts';

/** The sum over the group lies within bounds. @source docs/wire/matchmaking.md "Rules" */
export function totalRule(rule: TotalRule): RuleBody<number> {
  const { attribute, min, max } = rule;
  const bounds = min === max ? formatNumber(min) : `${formatNumber(min)} to ${formatNumber(max)}`;
  const sumOf = (group: GroupValues<number>): number =>
    givenValues(group).reduce((sum, value) => sum + value, 0);
  return {
    valueOf(ticket) {
      const { ofTicket, ofPlayers, missing } = attributeValues(ticket, attribute, parseNumber);
      if (ofTicket !== undefined) return ofTicket;
      if (missing > 0 && !rule.allowWildcards && rule.defaultValue === undefined) return null;
      const standIn = rule.allowWildcards ? 0 : (rule.defaultValue ?? 0);
      return ofPlayers.reduce((sum, value) => sum + value, missing * standIn);
    },
    // A group that is not complete may come to any sum: values may be negative.
    admitsGroup(group) {
      if (!group.isComplete) return true;
      const sum = sumOf(group);
      return sum >= min && sum <= max;
    },
    groupProblem: (group) =>
      `${attribute} is ${formatNumber(sumOf(group))} in all, needed ${bounds}`,
    missing: `${attribute} is not given as a number`,
    words: `${attribute} of all players together is ${bounds}`,
  };
}
