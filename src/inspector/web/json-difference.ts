/** The difference between two JSON values, as one tree that a page can show. */

import { isRawNumber, type Json, type JsonObject } from '../../domain/json.ts';

/**
 * `inside`: the value has members that differ. `before` and `after` are what stands on each side;
 * the one that is missing is undefined.
 */
export type DifferenceNode = {
  readonly key: string;
  readonly kind: 'same' | 'added' | 'removed' | 'changed' | 'inside';
  readonly before: Json | undefined;
  readonly after: Json | undefined;
  readonly children: readonly DifferenceNode[];
  /** How many leaves below it, or it itself, differ. */
  readonly count: number;
};

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value);

/** The text of a value that has no members, by which two of them are compared. */
const scalarText = (value: Json): string => JSON.stringify(value);

/** The members of an object or an array by their names; undefined of any other value. */
export function entriesOf(
  value: Json | undefined,
): readonly (readonly [string, Json])[] | undefined {
  if (Array.isArray(value)) return value.map((item, index) => [String(index), item] as const);
  return isObject(value) ? Object.entries(value) : undefined;
}

/**
 * Compares two values; members of objects by name and of arrays by index.
 *
 * Members stand in the order of `after`; removed ones follow at the end. A value that has become one
 * of another kind is `changed` and has no children.
 */
export function differenceOf(
  before: Json | undefined,
  after: Json | undefined,
  key = '',
): DifferenceNode {
  if (before === undefined || after === undefined) {
    const kind = before === undefined ? (after === undefined ? 'same' : 'added') : 'removed';
    return { key, kind, before, after, children: [], count: kind === 'same' ? 0 : 1 };
  }
  const isSameShape =
    (Array.isArray(before) && Array.isArray(after)) || (isObject(before) && isObject(after));
  if (!isSameShape) {
    const kind = scalarText(before) === scalarText(after) ? 'same' : 'changed';
    return { key, kind, before, after, children: [], count: kind === 'same' ? 0 : 1 };
  }
  const old = new Map(entriesOf(before));
  const fresh = entriesOf(after) ?? [];
  const names = new Set(fresh.map(([name]) => name));
  const children = [
    ...fresh.map(([name, value]) => differenceOf(old.get(name), value, name)),
    ...[...old]
      .filter(([name]) => !names.has(name))
      .map(([name, value]) => differenceOf(value, undefined, name)),
  ];
  const count = children.reduce((sum, child) => sum + child.count, 0);
  return { key, kind: count === 0 ? 'same' : 'inside', before, after, children, count };
}
