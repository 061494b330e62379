import type { Hopper } from './hopper.ts';
import { hopperRules } from './hopper-rules.ts';

/** The hopper in words, a line each. */
export function describeHopper(hopper: Hopper): readonly string[] {
  const { minGroupSize: min, maxGroupSize: max, expansionCycles, cycleMs } = hopper;
  const players = `${min === max ? '' : `${min} to `}${max} ${max === 1 ? 'player' : 'players'}`;
  const hasShould = hopper.rules.some(({ type }) => type === 'should');
  const seconds = (milliseconds: number): string => `${milliseconds / 1_000} s`;
  return [
    `matches ${players} in a session of template ${hopper.sessionTemplate}`,
    ...(min < max
      ? [`a match of fewer than ${max} is made after ${seconds(cycleMs)} at the earliest`]
      : []),
    ...hopperRules(hopper).rules.map(
      ({ rule, body }) =>
        `${rule.type.toUpperCase()} ${rule.name}: ${body.words}${
          'allowWildcards' in rule && rule.allowWildcards ? '; a ticket without it matches any' : ''
        }${'defaultValue' in rule && rule.defaultValue !== undefined ? `; without it ${JSON.stringify(rule.defaultValue)} counts` : ''}${
          rule.weight === 1 ? '' : `; weight ${rule.weight}`
        }`,
    ),
    ...(hasShould
      ? [
          `SHOULD rules are relaxed every ${seconds(cycleMs)} and no longer asked after ${seconds(cycleMs * (expansionCycles + 1))}`,
        ]
      : []),
    hopper.isRanked
      ? 'players who block each other may meet'
      : 'players who block each other never meet',
    ...(hopper.followsSession ? ['tickets follow the members of their session'] : []),
  ];
}
