/**
 * JSON that is spoilt in one place at a time: as trees that can say what values cannot, a key twice
 * or a number of any spelling.
 */

import fc from 'fast-check';
import { isJsonObject, type Json } from '../../src/domain/json.ts';

/** The text of a scalar, the items of an array, or the members of an object. */
export type Tree =
  | { readonly text: string }
  | { readonly items: readonly Tree[] }
  | { readonly members: readonly Member[] };

type Member = { readonly key: string; readonly value: Tree };

export function treeOf(value: Json): Tree {
  if (Array.isArray(value)) return { items: value.map(treeOf) };
  if (!isJsonObject(value)) return { text: JSON.stringify(value) };
  return { members: Object.entries(value).map(([key, item]) => ({ key, value: treeOf(item) })) };
}

export function formatTree(tree: Tree): string {
  if ('text' in tree) return tree.text;
  if ('items' in tree) return `[${tree.items.map(formatTree).join()}]`;
  const members = tree.members.map(
    ({ key, value }) => `${JSON.stringify(key)}:${formatTree(value)}`,
  );
  return `{${members.join()}}`;
}

/** What is done to one place of a tree, and the way there: which child at each step. */
export type TreeEdit = { readonly way: readonly number[]; readonly deed: EditKind };

type EditKind =
  | { readonly kind: 'drop' }
  | { readonly kind: 'double' }
  | { readonly kind: 'rename'; readonly key: string }
  | { readonly kind: 'add'; readonly key: string; readonly text: string }
  | { readonly kind: 'retype'; readonly text: string }
  | { readonly kind: 'deepen'; readonly levels: number; readonly as: 'array' | 'object' };

const keys = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'me',
  'custom',
  'system',
  'extra',
  '',
];

const values = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '-1',
  '1.5',
  '1e400',
  '-1e400',
  '1e-400',
  '9007199254740993',
  '18446744073709551615',
  '4294967296',
  '[]',
  '{}',
  '[null]',
  '[[]]',
  '{"":null}',
  '{"__proto__":{"a":1}}',
  '{"rawJSON":"1"}',
  '"\\ud800"',
  '"\\u0000"',
  '""',
];

/** All deeds, with `texts` among the strings that are put in. */
export function spoilings(texts: readonly string[]): fc.Arbitrary<TreeEdit> {
  const text = fc.constantFrom(...values, ...texts.map((one) => JSON.stringify(one)));
  const key = fc.constantFrom(...keys, ...texts);
  const deed: fc.Arbitrary<EditKind> = fc.oneof(
    fc.constant<EditKind>({ kind: 'drop' }),
    fc.constant<EditKind>({ kind: 'double' }),
    key.map((one): EditKind => ({ kind: 'rename', key: one })),
    fc.tuple(key, text).map(([one, value]): EditKind => ({ kind: 'add', key: one, text: value })),
    text.map((one): EditKind => ({ kind: 'retype', text: one })),
    text.map((one): EditKind => ({ kind: 'retype', text: one })),
    fc
      .tuple(
        fc.constantFrom(1, 2, 50, 101, 10_000),
        fc.constantFrom('array' as const, 'object' as const),
      )
      .map(([levels, as]): EditKind => ({ kind: 'deepen', levels, as })),
  );
  return fc.record({ way: fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 6 }), deed });
}

/** The tree with one place spoilt: the last that the way reaches. */
export function spoil(tree: Tree, { way, deed }: TreeEdit): Tree {
  if ('text' in tree) return alter(tree, deed);
  const children: readonly Member[] =
    'members' in tree ? tree.members : tree.items.map((value) => ({ key: '', value }));
  const [step = 0, ...rest] = way;
  const at = children.length === 0 ? -1 : step % children.length;
  const chosen = children[at];
  if (chosen === undefined) return alter(tree, deed);
  const isLast = rest.length === 0 || 'text' in chosen.value;
  const replaced = isLast
    ? alterChild(chosen, deed)
    : [{ ...chosen, value: spoil(chosen.value, { way: rest, deed }) }];
  const next = [...children.slice(0, at), ...replaced, ...children.slice(at + 1)];
  return 'members' in tree ? { members: next } : { items: next.map(({ value }) => value) };
}

function alterChild(child: Member, deed: EditKind): readonly Member[] {
  switch (deed.kind) {
    case 'drop':
      return [];
    case 'double':
      return [{ ...child, value: { text: 'null' } }, child];
    case 'rename':
      return [{ ...child, key: deed.key }];
    case 'add':
      return [child, { key: deed.key, value: { text: deed.text } }];
    case 'retype':
    case 'deepen':
      return [{ ...child, value: alter(child.value, deed) }];
  }
}

function alter(tree: Tree, deed: EditKind): Tree {
  if (deed.kind === 'retype' || deed.kind === 'add') return { text: deed.text };
  if (deed.kind !== 'deepen') return tree;
  const [open, close] = deed.as === 'array' ? ['[', ']'] : ['{"a":', '}'];
  return { text: open.repeat(deed.levels) + formatTree(tree) + close.repeat(deed.levels) };
}
