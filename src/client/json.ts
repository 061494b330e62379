/**
 * JSON in which a title's big numbers survive.
 *
 * A number that JavaScript would change (`18446744073709551615`, `1e400`) is read as a `RawNumber`,
 * which is written again as it came. A number that is only spelled otherwise (`1.50`, `1e3`) is an
 * ordinary number, so that titles can calculate with what a game in another language wrote.
 *
 * An engine without `JSON.rawJSON` gets plain JSON: everything works, and only such numbers are
 * rounded.
 *
 * @source docs/wire/README.md "Every answer"
 */

import { hasEscapedKey, readJson } from '../domain/json-reader.ts';
import type { RawNumber } from '../domain/json.ts';

export type { RawNumber };

/** What a title may write: JSON, and whole numbers of any size as `bigint`. */
export type JsonInput =
  | null
  | boolean
  | number
  | bigint
  | string
  | RawNumber
  | readonly JsonInput[]
  | { readonly [key: string]: JsonInput };

// Missing from the TypeScript library, and from older browsers.
const { rawJSON, isRawJSON } = JSON as unknown as {
  readonly rawJSON?: (text: string) => RawNumber;
  readonly isRawJSON?: (value: unknown) => value is RawNumber;
};

/** A number outside a string that a double may not hold: 16 characters or more, or an exponent. */
const mayLoseDigits = /(?:^|[[:,\s])-?(?:[\d.]{16}|[\d.]+[eE])/;

/** The value that `text` describes. Throws a SyntaxError when it is not JSON. */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const mayChange = rawJSON !== undefined && mayLoseDigits.test(text);
  return mayChange || hasEscapedKey(text) ? readJson(text, numberOf) : value;
}

function numberOf(source: string): number | RawNumber {
  const value = Number(source);
  return rawJSON === undefined || isSameNumber(source, value) ? value : rawJSON(source);
}

/** The JSON text of `value`; a `bigint` in it is written as a number. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' && rawJSON !== undefined ? rawJSON(String(item)) : item,
  );
}

/** True of a number that came with more digits than JavaScript holds. */
export function isRawNumber(value: unknown): value is RawNumber {
  return isRawJSON?.(value) ?? false;
}

/**
 * True when `value`, which `source` was parsed to, is the number that was written. They are never
 * a factor of ten apart, so that the digits tell; too large is "Infinity", and too small is none.
 */
function isSameNumber(source: string, value: number): boolean {
  const printed = String(value);
  return source === printed || digitsOf(source) === digitsOf(printed);
}

/** The significant digits of a number text. */
function digitsOf(text: string): string {
  return text
    .replace(/e.*$/i, '')
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '');
}
