/**
 * Input that repeats one small thing until it is large: what finds time that is not linear, sums
 * without a bound, and faults that are collected and read by nobody.
 */

import fc from 'fast-check';
import type { Tree } from './spoil.ts';

/** What takes the place of a part of a body. Each makes about so many bytes of JSON. */
type Filler = (bytes: number, unit: string) => string;

const repeated = (unit: string, bytes: number): string =>
  unit.repeat(Math.max(1, Math.floor(bytes / Math.max(1, unit.length))));

const scalars = [
  ...['0', '-1', '1.0', '1e400', '1e-400', '12345678901234567890', '""', '"a"', '"1"', 'null'],
  ...['true', '[]', '{}', '[0]', '{"a":0}', '"\\u0000"', '"\\ud800"', '{"xuid":"1"}'],
];

/** Inside of a JSON string. */
const texts = [
  ...['a', ' ', '0', '1', '%', '%41', '&', '=', '&a=b', ';', ',', '.', '/', '//', '?', '#', '~'],
  ...['\\n', '\\\\', '\\"', '\\u0000', '\\u00e9', '\\ud83c', 'é', '🎲', '(', ')', '((', "'", "''"],
  ...['not ', 'a eq 1 and ', "tags/any(t: t eq 'a') or ", 'numbers/n gt 1 ', 'strings/s eq ', '-'],
  ...['AAAA', '=', '00', 'xuid(', 'x.y.', '\\t', '\\r\\n', 'İ', '<', '__proto__'],
];

const fillings: Readonly<Record<string, readonly [Filler, readonly string[]]>> = {
  list: [(bytes, unit) => `[${repeated(`${unit},`, bytes).slice(0, -1)}]`, scalars],
  members: [
    (bytes, unit) => {
      const count = Math.max(1, Math.floor(bytes / (unit.length + 10)));
      return `{${Array.from({ length: count }, (_, n) => `"k${n}":${unit}`).join()}}`;
    },
    scalars,
  ],
  seats: [
    (bytes, unit) => {
      const count = Math.max(1, Math.floor(bytes / (unit.length + 14)));
      return `{${Array.from({ length: count }, (_, n) => `"reserve_${n}":${unit}`).join()}}`;
    },
    ['{}', '{"constants":{"system":{"xuid":"1"}}}', '0', 'null'],
  ],
  twice: [(bytes, unit) => `{${repeated(`"a":${unit},`, bytes).slice(0, -1)}}`, scalars],
  escaped: [
    (bytes, unit) => {
      const count = Math.max(1, Math.floor(bytes / (unit.length + 14)));
      return `{${Array.from({ length: count }, (_, n) => `"\\u006b${n}":${unit}`).join()}}`;
    },
    ['0', '""', '1.0'],
  ],
  text: [(bytes, unit) => `"${repeated(unit, bytes)}"`, texts],
  key: [(bytes, unit) => `{"${repeated(unit, bytes)}":0}`, texts],
  digits: [(bytes, unit) => repeated(unit, bytes), ['9', '0', '1.', '-', '1e']],
  fraction: [(bytes) => `0.${repeated('0', bytes)}1`, ['']],
  deep: [(bytes, unit) => repeated(unit, bytes), ['[', '{"a":', '[{"a":', '[[],']],
  blanks: [
    (bytes, unit) => `${repeated(unit, bytes)}0`,
    [' ', '\n', '\r\n', '\t', '\\', '/', '\u0000'],
  ],
};

/** A way to make something large, as it is reported when it proves expensive. */
export type Amplifier = {
  readonly what: string;
  fill(bytes: number): string;
};

export const anyAmplifier: fc.Arbitrary<Amplifier> = fc
  .constantFrom(...Object.entries(fillings))
  .chain(([kind, [filling, units]]) =>
    fc.constantFrom(...units).map((unit) => ({
      what: `${kind} of ${JSON.stringify(unit)}`,
      fill: (bytes: number) => filling(bytes, unit),
    })),
  );

/** The tree with another in place of the part that `way` leads to, or of where it ends. */
export function replaceAt(tree: Tree, [step, ...way]: readonly number[], text: string): Tree {
  if (step === undefined || 'text' in tree) return { text };
  if ('items' in tree) {
    if (tree.items.length === 0) return { text };
    const at = step % tree.items.length;
    return {
      items: tree.items.map((item, n) => (n === at ? replaceAt(item, way, text) : item)),
    };
  }
  if (tree.members.length === 0) return { text };
  const at = step % tree.members.length;
  return {
    members: tree.members.map(({ key, value }, n) => ({
      key,
      value: n === at ? replaceAt(value, way, text) : value,
    })),
  };
}

/** What repeats in a path, a query or a header. */
export const lineUnits = [
  ...['a', '%41', '%00', '%e2%82%ac', '/', '//', '.', '../', '~', '-', '0', '%', '%25', ':', '@'],
  ...['a=b&', '&', '=', 'xuid=1&', 'take=1&', 'keyword=a&', '%26', '+', ',', '"a",', '"', '*, '],
  ...['W/"a", ', ';', 'q=0.1,', 'gtg=a;', 'xuid=1;', 'x.', ' ', '\t', '[', '('],
] as const;

/** What repeats in a frame. */
export const frameUnits = [
  ...['\0', '\0\0', ' ', '\n', '[', ']', '[]', '[1,', '1', '1,', '-', '0.', '9', '"', '\\', '\\"'],
  ...['{"a":', '""', '"",', 'null,', 'https://', '/', '%', '%41', 'a', 'é', '🎲', '[1,1,"a"]\0'],
] as const;
