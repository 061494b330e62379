/**
 * Shapes of input, as valibot schemas, and the one way to refuse a value that does not fit: with
 * its JSON path and what was expected there.
 */

import * as v from 'valibot';
import { formatJson, isJsonObject, type Json, type JsonObject } from './json.ts';
import { Refusal } from './refusal.ts';

type Entries = v.ObjectEntries;
type ExactObject<E extends Entries> = v.GenericSchema<
  JsonObject,
  v.InferOutput<v.StrictObjectSchema<E, undefined>>
>;

/** Any JSON object, unchanged: title data. */
export const titleObject = v.custom<JsonObject>(isJsonObject, 'Expected an object');

/**
 * An object with these members and no others; no array. The entries lose their prototype, so that a
 * member named `constructor` is as unknown as any other.
 */
export function exactObject<const E extends Entries>(entries: E): ExactObject<E> {
  const known = { __proto__: null, ...entries } as E;
  const members = v.strictObject(known, (issue) => {
    if (issue.expected === 'never') return 'This member is not known here; remove it';
    const missing = known[String(issue.path?.at(-1)?.key)];
    const [first] = missing === undefined ? [] : (v.safeParse(missing, undefined).issues ?? []);
    return `This member is missing. ${first?.message ?? ''}`;
  });
  return v.pipe(titleObject, members as unknown as ExactObject<E>) as ExactObject<E>;
}

/**
 * An array of `item` of a bounded length; `expected` completes "Expected …". The length is checked
 * first: items of a longer array are not checked.
 */
export function list<const Item extends v.GenericSchema>(
  item: Item,
  {
    lengthMin = 0,
    lengthMax,
  }: { readonly lengthMin?: number | undefined; readonly lengthMax: number },
  expected: string,
) {
  const fits = (value: unknown): boolean =>
    Array.isArray(value) && value.length >= lengthMin && value.length <= lengthMax;
  return v.pipe(v.custom<unknown[]>(fits, `Expected ${expected}`), v.array(item));
}

/** Any JSON value, unchanged: title data. */
export const titleValue = v.custom<Json>(() => true);

/** An integer of at least `min` and at most `max`. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  const expected = min === max ? `Expected ${min}` : `Expected an integer ${range}`;
  return v.pipe(
    v.number(expected),
    v.safeInteger(expected),
    v.minValue(min, expected),
    v.maxValue(max, expected),
  );
}

/** A string for which `holds`; `expected` completes "Expected …". */
export function text(holds: (text: string) => boolean, expected: string) {
  return v.pipe(v.string(`Expected ${expected}`), v.check(holds, `Expected ${expected}`));
}

/** One of these words, compared without regard to case; answered as listed. */
export function word<const W extends readonly [string, ...string[]]>(words: W) {
  const expected = `Expected one of ${words.map((one) => `"${one}"`).join(', ')}`;
  const find = (given: string): string | undefined =>
    words.find((one) => one.toLowerCase() === given.toLowerCase());
  return v.pipe(
    v.string(expected),
    v.check((given) => find(given) !== undefined, expected),
    v.transform((given) => find(given) as W[number]),
    v.metadata({ words }),
  );
}

/** One problem: where, and what was expected. */
export type ShapeProblem = { readonly path: string; readonly expected: string };

/**
 * All problems of `value` in `schema`, or the value itself. For configuration. A request is checked
 * by `parseShape`: only its first problem is read, and finding all problems of a hostile one takes
 * seconds.
 */
export function checkShape<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  root = '$',
): { readonly value: v.InferOutput<S> } | { readonly problems: readonly ShapeProblem[] } {
  const result = v.safeParse(schema, value);
  if (result.success) return { value: result.output };
  return { problems: result.issues.map((issue) => problemOf(issue, root)) };
}

/**
 * `value` as the type of `schema`. Stops at the first place that does not fit.
 *
 * Refuses: requestInvalid, naming that place and what was expected there.
 */
export function parseShape<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  root = '$',
): v.InferOutput<S> | Refusal {
  const result = v.safeParse(schema, value, stopAtFirst);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const { path, expected } = problemOf(issue, root);
  return new Refusal('requestInvalid', `${path}: ${expected}.`, {
    detail: path,
    accepted: acceptedAt(schema as unknown as Schema, issue.path?.map(({ key }) => key) ?? []),
  });
}

/** What is read of a valibot schema here. */
type Schema = {
  readonly type: string;
  readonly pipe?: readonly Schema[];
  readonly wrapped?: Schema;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly item?: Schema;
  readonly value?: Schema;
  readonly options?: readonly unknown[];
  readonly metadata?: { readonly words?: readonly string[] };
};

/**
 * What a schema accepts at a place: the words of a list, or, for a member that it does not know, the members
 * that it knows.
 */
function acceptedAt(schema: Schema, path: readonly unknown[]): readonly string[] | undefined {
  if (schema.pipe) {
    for (const part of schema.pipe) {
      const found = acceptedAt(part, path);
      if (found) return found;
    }
    return undefined;
  }
  if (schema.wrapped) return acceptedAt(schema.wrapped, path);
  const { type, entries, item, value, options = [], metadata } = schema;
  const [key, ...rest] = path;
  if (path.length === 0) {
    return metadata?.words ?? (type === 'picklist' ? options.map(String) : undefined);
  }
  if (entries) {
    const entry = Object.hasOwn(entries, String(key)) ? entries[String(key)] : undefined;
    return entry ? acceptedAt(entry, rest) : Object.keys(entries);
  }
  const inner = item ?? value;
  return inner && acceptedAt(inner, rest);
}

const stopAtFirst = { abortEarly: true } as const;

function problemOf(issue: v.BaseIssue<unknown>, root: string): ShapeProblem {
  return { path: formatPath(root, issue.path ?? []), expected: expectationOf(issue) };
}

function formatPath(root: string, path: readonly { readonly key?: unknown }[]): string {
  return path.reduce((at, { key }) => `${at}${formatStep(key)}`, root);
}

const stepCharactersMax = 200;

/** One step of a JSON path: `.name`, `["another name"]` or `[0]`. A long name is cut. */
export function formatStep(key: unknown): string {
  if (typeof key === 'number') return `[${key}]`;
  const name = String(key);
  if (name.length > stepCharactersMax) return `[${formatJson(name.slice(0, stepCharactersMax))}…]`;
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${formatJson(name)}]`;
}

function expectationOf(issue: v.BaseIssue<unknown>): string {
  return issue.message.replace(/^Invalid [a-z]+: /, '');
}
