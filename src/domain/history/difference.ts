/**
 * Differences between JSON values.
 *
 *     [["members", 0, "status"], "active"]          this is the value there
 *     [["properties", "custom", "map"]]             nothing is there
 *     [["members"], 2, 1, [{…}]]                    from item 2 on, 1 item makes room for these
 *
 * Edits are made one after another. Values that both sides share are not looked into, so that the
 * difference of two states of a session costs what has changed.
 */

import { isJsonObject, type Json, jsonEquals, type JsonObject } from '../json.ts';

type Path = readonly (string | number)[];

type Edit =
  | readonly [path: Path, value: Json]
  | readonly [path: Path]
  | readonly [path: Path, at: number, count: number, items: readonly Json[]];

export type Difference = readonly Edit[];

/** The edits that make `to` of `from`. The order of the members of an object is not kept. */
export function differenceOf(from: Json | undefined, to: Json | undefined): Difference {
  const edits: Edit[] = [];
  compare(from, to, [], edits);
  return edits;
}

function compare(from: Json | undefined, to: Json | undefined, path: Path, edits: Edit[]): void {
  if (from === to) return;
  if (to === undefined) edits.push([path]);
  else if (isJsonObject(from) && isJsonObject(to)) compareObjects(from, to, path, edits);
  else if (Array.isArray(from) && Array.isArray(to)) compareArrays(from, to, path, edits);
  else if (!jsonEquals(from, to)) edits.push([path, to]);
}

function compareObjects(from: JsonObject, to: JsonObject, path: Path, edits: Edit[]): void {
  for (const key in from) {
    const former = ownOf(from, key);
    const value = ownOf(to, key);
    if (former !== value) compare(former, value, [...path, key], edits);
  }
  for (const key in to) {
    if (!Object.hasOwn(from, key)) compare(undefined, ownOf(to, key), [...path, key], edits);
  }
}

/** Items at both ends that are shared stay; those between are compared side by side. */
function compareArrays(
  from: readonly Json[],
  to: readonly Json[],
  path: Path,
  edits: Edit[],
): void {
  const shorter = Math.min(from.length, to.length);
  let first = 0;
  while (first < shorter && from[first] === to[first]) first += 1;
  let last = 0;
  while (last < shorter - first && from[from.length - 1 - last] === to[to.length - 1 - last]) {
    last += 1;
  }
  const both = shorter - last;
  for (let at = first; at < both; at += 1) compare(from[at], to[at], [...path, at], edits);
  const count = from.length - last - both;
  const items = to.slice(both, to.length - last);
  if (count > 0 || items.length > 0) edits.push([path, both, count, items]);
}

function ownOf(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** `value` after these edits. Throws an Error when they are not made for it. */
export function withDifference(value: Json | undefined, edits: Difference): Json | undefined {
  return edits.reduce((edited, edit) => withEdit(edited, edit, 0), value);
}

function withEdit(value: Json | undefined, edit: Edit, depth: number): Json | undefined {
  const key = edit[0][depth];
  if (key === undefined) return withEditHere(value, edit);
  if (typeof key === 'number') {
    if (!Array.isArray(value) || key >= value.length) throw notFor(edit);
    const item = withEdit(value[key], edit, depth + 1);
    if (item === undefined) throw notFor(edit);
    return value.with(key, item);
  }
  if (!isJsonObject(value)) throw notFor(edit);
  const member = withEdit(ownOf(value, key), edit, depth + 1);
  if (member !== undefined) return { ...value, [key]: member };
  const { [key]: _removed, ...rest } = value;
  return rest;
}

function withEditHere(value: Json | undefined, edit: Edit): Json | undefined {
  if (edit.length < 4) return edit[1] as Json | undefined;
  const [, at, count, items] = edit as Extract<Edit, { length: 4 }>;
  if (!Array.isArray(value) || at + count > value.length) throw notFor(edit);
  return value.toSpliced(at, count, ...items);
}

function notFor([path]: Edit): Error {
  return new Error(`a difference is not that of this value: at /${path.join('/')}`);
}
