import { parseTexts, valuesOrWildcard } from '../attributes.ts';
import type { CollectionRule } from '../hopper.ts';
import { givenValues, type RuleBody } from '../rule.ts';

type Texts = ReadonlySet<string>;

/**
 * Sets of texts share at least, or at most, so many elements.
 *
 * The whole group must share what is to be shared: a map that all have. What is not to be shared is
 * compared in pairs: none has met another lately.
 *
 * @source docs/wire/matchmaking.md "Rules"
 */
export function collectionRule(rule: CollectionRule): RuleBody<Texts> {
  const { attribute, operation, target } = rule;
  const isIntersection = operation === 'intersection';
  return {
    valueOf(ticket) {
      const values = valuesOrWildcard(ticket, rule, parseTexts);
      if (!values) return values;
      return isIntersection ? sharedBy(values.map(setOf)) : new Set(values.flat());
    },
    admits: (a, b) => (isIntersection ? sharedCount(a, b) >= target : sharedCount(a, b) <= target),
    ...(isIntersection && {
      admitsGroup(group) {
        const values = givenValues(group);
        return values.length < 2 || sharedBy(values).size >= target;
      },
      groupProblem: (group) =>
        `the group shares ${sharedBy(givenValues(group)).size} of ${attribute}, needed ${target}`,
    }),
    closeness(a, b) {
      const share = sharedCount(a, b) / Math.max(1, Math.min(a.size, b.size));
      return isIntersection ? share : 1 - share;
    },
    difference: (a, b) =>
      `${attribute} share ${sharedCount(a, b)}, ${isIntersection ? 'needed' : 'allowed'} ${target}`,
    missing: `${attribute} is not given as an array of texts`,
    words: isIntersection
      ? `all share at least ${target} of ${attribute}`
      : `any two tickets share at most ${target} of ${attribute}`,
  };
}

function setOf(texts: readonly string[]): Texts {
  return new Set(texts);
}

function sharedBy(sets: readonly Texts[]): Texts {
  const [first = new Set<string>(), ...others] = sets;
  return new Set([...first].filter((text) => others.every((other) => other.has(text))));
}

function sharedCount(a: Texts, b: Texts): number {
  const [small, large] = a.size <= b.size ? [a, b] : [b, a];
  let count = 0;
  for (const text of small) if (large.has(text)) count += 1;
  return count;
}
