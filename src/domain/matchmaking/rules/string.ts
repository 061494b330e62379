import { parseText, valuesOrWildcard } from '../attributes.ts';
import type { StringRule } from '../hopper.ts';
import type { RuleBody } from '../rule.ts';

/** Texts are the same, letter case included. @source docs/wire/matchmaking.md "Rules" */
export function stringRule(rule: StringRule): RuleBody<string> {
  const { attribute } = rule;
  return {
    valueOf(ticket) {
      const values = valuesOrWildcard(ticket, rule, parseText);
      if (!values) return values;
      const [first] = values;
      // Players of one ticket who want different things fit to nobody.
      return values.every((value) => value === first) ? first : null;
    },
    admits: (a, b) => a === b,
    closeness: (a, b) => (a === b ? 1 : 0),
    difference: (a, b) => `${attribute} is ${formatText(a)} and ${formatText(b)}`,
    missing: `${attribute} is not given as one text for all its players`,
    words: `${attribute} is the same`,
  };
}

const textCharactersMax = 40;

/** A text in quotes; a long one is cut. */
function formatText(text: string): string {
  const shown = text.length > textCharactersMax ? `${text.slice(0, textCharactersMax)}…` : text;
  return JSON.stringify(shown);
}
