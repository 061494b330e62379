/**
 * JSON that never alters title data.
 *
 * `JSON.parse` turns `12345678901234567890`, `1.50` and `1e400` into other numbers. A number that
 * would not be printed again exactly as it was written is kept as a `RawNumber`, which prints its
 * source text; every other value is plain JavaScript. A key named `__proto__` is an ordinary key.
 *
 * @source docs/wire/README.md "Every request", docs/wire/README.md "Every answer"
 */

import { hasEscapedKey, readJson } from './json-reader.ts';
import { createMemo } from './memo.ts';

export type Json = null | boolean | number | string | RawNumber | readonly Json[] | JsonObject;

export type JsonObject = { readonly [key: string]: Json };

/** A number whose exact text is data: an object made by `JSON.rawJSON`. */
export interface RawNumber {
  readonly rawJSON: string;
}

// Missing from the TypeScript library; in every engine this project runs on.
const { rawJSON, isRawJSON } = JSON as unknown as {
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
};

/**
 * A number token, outside a string, that `JSON.parse` might not give back as written: many digits,
 * a fraction that ends in 0, one below 1e-6, an exponent, or -0. Text inside a string may match as
 * well, which costs the slow path and nothing else. The search is for a digit that starts a token,
 * since a document has few digits and many places where a token may start.
 */
const mayLoseDigits =
  /\d(?<=(?:^|[[:,\s])-?\d)(?:[\d.]{15}|\d*\.\d*0(?!\d)|(?<=0)\.0{6}|\d*(?:\.\d+)?[eE]|(?<=-0)(?!\.\d*[1-9]))/;

/** Throws a SyntaxError when `text` is not JSON. */
const parse = JSON.parse as (text: string) => Json;

/**
 * The value that `text` describes, each number exact.
 *
 * Throws a SyntaxError when `text` is not JSON. Nesting is not limited here; see `isDeeperThan`.
 */
export function parseExactJson(text: string): Json {
  const value = parse(text);
  return isReadTruly(text) ? value : (readJson(text, exactNumber) as Json);
}

/**
 * The value that `text` describes, as requests are read: each number under a key named `custom`
 * exact, all others ordinary.
 *
 * Throws as `parseExactJson`.
 */
export function parseRequestJson(text: string): Json {
  const value = parse(text);
  return isReadTruly(text) ? value : (readJson(text, requestNumber) as Json);
}

/** True of a JSON text that the engine's parser reads as it was written. */
function isReadTruly(text: string): boolean {
  return !mayLoseDigits.test(text) && !hasEscapedKey(text);
}

function exactNumber(source: string): number | RawNumber {
  const value = Number(source);
  return String(value) === source ? value : rawJSON(source);
}

function requestNumber(source: string, isTitleData: boolean): number | RawNumber {
  return isTitleData ? exactNumber(source) : plainNumber(source);
}

/** A number beyond all ordinary ones stays exact: as Infinity it would be printed as null. */
function plainNumber(source: string): number | RawNumber {
  const value = Number(source);
  return Number.isFinite(value) ? value : rawJSON(source);
}

/** The text of `value`; the way back from `parseExactJson`. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value);
}

const texts = createMemo<object, string>();

/** `formatJson(value)` of a value that never changes, computed once for each value. */
export function formatJsonOnce(value: object): string {
  return texts.get(value) ?? texts.set(value, formatJson(value));
}

export { isRawJSON as isRawNumber };

/** True of a JSON object: not an array, not null, not a `RawNumber`. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawJSON(value);
}

/**
 * True when arrays and objects of a JSON text are within each other more than `depthMax` deep. Found
 * without parsing it, since the parsers and printers of engines recurse. Costs next to nothing for a
 * text with no more than `depthMax` brackets, as nearly all have.
 */
export function isDeeperThan(text: string, depthMax: number): boolean {
  if (!hasMoreOpenersThan(text, depthMax)) return false;
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > depthMax) return true;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return false;
}

/** How much a JSON text holds. */
export type JsonMeasure = {
  /** Scalars, arrays and objects; each member of an object and each item of an array is one. */
  readonly values: number;
  /** Of the object that has most; a key that is repeated counts each time. */
  readonly members: number;
};

/**
 * The measure of a JSON text, found in one pass without parsing it: a text of many small values costs
 * far more than its bytes.
 */
export function measureJson(text: string): JsonMeasure {
  /** How many items or members each array and object has, around the innermost that is open. */
  const outer: number[] = [];
  let count = 0;
  let values = 0;
  let members = 0;
  let inString = false;
  let isOpened = true;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) inString = false;
      continue;
    }
    if (code <= 0x20) continue;
    const isCloser = code === 0x7d || code === 0x5d;
    if (code === 0x2c || (isOpened && !isCloser)) {
      values += 1;
      count += 1;
    }
    isOpened = code === 0x7b || code === 0x5b;
    if (code === 0x22) inString = true;
    else if (isOpened) {
      outer.push(count);
      count = 0;
    } else if (isCloser) {
      if (code === 0x7d && count > members) members = count;
      count = outer.pop() ?? 0;
    }
  }
  return { values, members };
}

/** How much a JSON text may hold. */
export type JsonBounds = { readonly valuesMax: number; readonly membersMax: number };

/**
 * Of which a text has more than it may: `values` in all, or `members` in one object. Costs nothing for
 * a text that is too short: a value takes two characters, but for the first, and a member five.
 */
export function findExcess(
  text: string,
  { valuesMax, membersMax }: JsonBounds,
): 'values' | 'members' | undefined {
  if (text.length < Math.min(2 * valuesMax, 5 * membersMax)) return undefined;
  const { values, members } = measureJson(text);
  if (values > valuesMax) return 'values';
  return members > membersMax ? 'members' : undefined;
}

function hasMoreOpenersThan(text: string, max: number): boolean {
  let openers = 0;
  for (const opener of ['{', '[']) {
    for (let at = text.indexOf(opener); at >= 0; at = text.indexOf(opener, at + 1)) {
      openers += 1;
      if (openers > max) return true;
    }
  }
  return false;
}

/**
 * True when `a` and `b` are the same JSON value. The order of keys does not count; the spelling of
 * numbers does, since it is title data.
 */
export function jsonEquals(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  // A title may well write {"rawJSON": "1.0"}, which is not the number 1.0.
  if (isRawJSON(a) !== isRawJSON(b)) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, i) => jsonEquals(item, b[i]))
    );
  }
  return hasAllOf(a as ObjectMembers, b as ObjectMembers) && countKeys(a) === countKeys(b);
}

type ObjectMembers = Readonly<Record<string, unknown>>;

function hasAllOf(a: ObjectMembers, b: ObjectMembers): boolean {
  for (const key in a) {
    if (!Object.hasOwn(b, key) || !jsonEquals(a[key], b[key])) return false;
  }
  return true;
}

/** How many; without a list of them, as comparing is what writes do most. */
export function countKeys(object: object): number {
  let count = 0;
  for (const _ in object) count += 1;
  return count;
}

/** Object members that are the title's own: their values are not read. */
const titleKeys: ReadonlySet<string> = new Set(['custom']);

/**
 * `value` with ordinary numbers in place of exact ones everywhere but under a key named `custom`,
 * so that the rules of the protocol see numbers and the title's data stays the same.
 */
export function plainOutsideCustom(value: Json): Json {
  if (isRawJSON(value)) return plainNumber(value.rawJSON);
  if (Array.isArray(value)) return value.map(plainOutsideCustom);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      titleKeys.has(key) ? item : plainOutsideCustom(item),
    ]),
  );
}
