/**
 * Members of a body that its schema does not know: by the policy `refuse` the body is refused, by
 * `keep` it is parsed without them, and they are put back into what it says.
 *
 * @source docs/wire/sessions.md "Members that nobody knows"
 */

import type * as v from 'valibot';
import { isJsonObject, type Json, type JsonObject } from './json.ts';

export type UnknownMembers = 'refuse' | 'keep';

/** The unknown members of one object, and those of the objects in it, by the key of each. */
export type UnknownTree = {
  readonly own: readonly (readonly [name: string, value: Json])[];
  readonly inner: ReadonlyMap<string | number, UnknownTree>;
};

/** What is read of a valibot schema here: those of shape.ts are made of nothing else. */
type Schema = {
  readonly kind: string;
  readonly type: string;
  readonly pipe?: readonly Schema[];
  readonly wrapped?: Schema;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly item?: Schema;
  readonly value?: Schema;
};

/**
 * `value` without the members that `schema` does not know, and those members; `value` itself when
 * there are none. Whether it fits the schema otherwise is not looked at.
 */
export function splitUnknown(
  schema: v.GenericSchema,
  value: unknown,
): { readonly known: unknown; readonly unknown: UnknownTree | undefined } {
  return split(schema as unknown as Schema, value);
}

type Split = ReturnType<typeof splitUnknown>;

function split(schema: Schema, value: unknown): Split {
  if (typeof value !== 'object' || value === null) return { known: value, unknown: undefined };
  if (schema.pipe) return splitByAll(schema.pipe, value);
  if (schema.wrapped) return split(schema.wrapped, value);
  const { item, value: each, entries } = schema;
  if (schema.type === 'array' && item && Array.isArray(value)) {
    return splitEach(
      value.entries(),
      () => item,
      (known) => known.map(([, one]) => one),
      value,
    );
  }
  if (!isJsonObject(value)) return { known: value, unknown: undefined };
  if (schema.type === 'record' && each) {
    return splitEach(Object.entries(value), () => each, Object.fromEntries, value);
  }
  if (schema.type !== 'strict_object' || !entries) return { known: value, unknown: undefined };
  const schemaOf = (name: string | number): Schema | undefined =>
    Object.hasOwn(entries, name) ? entries[name] : undefined;
  return splitEach(Object.entries(value), schemaOf, Object.fromEntries, value);
}

/** The schemas of a pipe look at the same object: what one of them knows of it holds for all. */
function splitByAll(pipe: readonly Schema[], value: object): Split {
  const looking = pipe.find(
    ({ kind, type, pipe: inner }) => kind === 'schema' && (type !== 'custom' || inner),
  );
  return looking ? split(looking, value) : { known: value, unknown: undefined };
}

function splitEach<Key extends string | number>(
  items: Iterable<readonly [Key, Json]>,
  schemaOf: (key: Key) => Schema | undefined,
  join: (known: readonly (readonly [Key, unknown])[]) => unknown,
  whole: object,
): Split {
  const known: [Key, unknown][] = [];
  const own: [string, Json][] = [];
  const inner = new Map<string | number, UnknownTree>();
  for (const [key, one] of items) {
    const schema = schemaOf(key);
    if (schema === undefined) {
      own.push([String(key), one]);
      continue;
    }
    const parts = split(schema, one);
    known.push([key, parts.known]);
    if (parts.unknown) inner.set(key, parts.unknown);
  }
  return own.length === 0 && inner.size === 0
    ? { known: whole, unknown: undefined }
    : { known: join(known), unknown: { own, inner } };
}

/** An object without the members that its schema does not know, and where these stood. */
export type KnownPart = { readonly known: JsonObject; readonly names: readonly string[] };

/** The body without the members that its schema does not know. */
export function dropUnknown(schema: v.GenericSchema, body: JsonObject): KnownPart {
  const { known, unknown } = splitUnknown(schema, body);
  return { known: known as JsonObject, names: unknown ? namesOf(unknown, '$') : [] };
}

/** `value` with unknown members put back, as far as it has the objects that they were in. */
export function withUnknown<T>(value: T, unknown: UnknownTree): T {
  if (Array.isArray(value)) {
    return value.map((one, i) => {
      const inside = unknown.inner.get(i);
      return inside ? withUnknown(one, inside) : one;
    }) as T;
  }
  if (typeof value !== 'object' || value === null) return value;
  const known = Object.entries(value).map(([name, one]) => {
    const inside = unknown.inner.get(name);
    return [name, inside ? withUnknown(one, inside) : one];
  });
  return Object.fromEntries([...known, ...unknown.own]) as T;
}

/** Names of one request that are reported. */
export const namesMax = 20;

/** Where unknown members stand, items of arrays and keys that clients choose as `*`; some of many. */
export function namesOf(unknown: UnknownTree, path: string): readonly string[] {
  const names = unknown.own.slice(0, namesMax).map(([name]) => `${path}.${name}`);
  for (const [key, inside] of unknown.inner) {
    if (names.length >= namesMax) break;
    const step = typeof key === 'number' || !/^[a-z][A-Za-z]*$/.test(key) ? '*' : key;
    names.push(...namesOf(inside, `${path}.${step}`));
  }
  return [...new Set(names)].slice(0, namesMax);
}
