/**
 * The words of a search filter.
 *
 *     path    letter or _, then letters, digits, _ - and / between parts: numbers/rank, and, d; blanks
 *             around a / are left out, as in session / templateName
 *     string  '…', a quote within it written twice
 *     number  -1.5e3
 *     symbol  any other character: ( ) :
 */

import { Refusal } from '../refusal.ts';

export type Token = {
  readonly kind: 'path' | 'string' | 'number' | 'symbol' | 'end';
  /** As written; of a string, its content; of a path, without blanks. */
  readonly text: string;
  /** Of the first character, from 0. */
  readonly at: number;
};

const spaces = /\s*/y;
const patterns = [
  ['path', /[a-z_][\w-]*(?:\s*\/\s*[\w-]+)*/iy],
  ['string', /'(?:[^']|'')*'/y],
  ['number', /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])/iy],
  // Also characters that fit nowhere: the parser knows best what was expected.
  ['symbol', /[^'\d]/uy],
] as const;

/**
 * The tokens of `text`, the last of which is its end.
 *
 * Refuses: filterInvalid, at a string without an end and at what only begins like a number.
 */
export function lexFilter(text: string): readonly Token[] | Refusal {
  const tokens: Token[] = [];
  for (let at = skipSpaces(text, 0); at < text.length; at = skipSpaces(text, at)) {
    const token = tokenAt(text, at);
    if (token === undefined) return unreadable(text, at);
    tokens.push({ ...token, text: meaningOf(token) });
    at += token.text.length;
  }
  return [...tokens, { kind: 'end', text: '', at: text.length }];
}

function skipSpaces(text: string, at: number): number {
  spaces.lastIndex = at;
  return at + (spaces.exec(text)?.[0].length ?? 0);
}

function tokenAt(text: string, at: number): Token | undefined {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) return { kind, text: found[0], at };
  }
  return undefined;
}

function meaningOf({ kind, text }: Token): string {
  switch (kind) {
    case 'string':
      return text.slice(1, -1).replaceAll("''", "'");
    case 'path':
      return text.replaceAll(/\s+/g, '');
    default:
      return text;
  }
}

function unreadable(text: string, at: number): Refusal {
  const rest = text.slice(at);
  if (rest.startsWith("'")) {
    return filterInvalid(
      text.length,
      `the quote (') that ends the string begun at character ${at + 1}`,
      show(''),
    );
  }
  return filterInvalid(at, 'a number such as 15 or -1.5', show(/^\S{1,20}/.exec(rest)?.[0] ?? ''));
}

/** A token, or the rest of one, as an error shows it. */
export function show(text: string): string {
  return text === '' ? 'the end' : `"${text}"`;
}

/** The refusal of a filter, with what was expected. `at` counts from 0. */
export function filterInvalid(at: number, expected: string, found: string): Refusal {
  return new Refusal(
    'filterInvalid',
    `$.filter, character ${at + 1}: Expected ${expected}; found ${found}.`,
    { detail: `$.filter character ${at + 1}` },
  );
}
