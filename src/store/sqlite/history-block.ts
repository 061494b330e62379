/**
 * Changes of one session that are one row of `history_block`: a line each, the oldest first, as
 *
 *     12 1764500000000 {"changeNumber":3,…}        revision, time in milliseconds, change
 *
 * The text of a change is JSON in one line.
 */

import type { Row } from './rows.ts';

/** A block has no further change once it has so many characters. */
export const blockLengthMax = 64 * 1024;

export type BlockLine = {
  readonly revision: number;
  readonly atMs: number;
  readonly text: string;
};

export function formatBlockLine({ revision, atMs, text }: BlockLine): string {
  return `${revision} ${atMs} ${text}\n`;
}

/** The lines of a block, the oldest first. One that is damaged has numbers that are none. */
export function parseBlock(document: string): readonly BlockLine[] {
  return document
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const first = line.indexOf(' ');
      const second = line.indexOf(' ', first + 1);
      return {
        revision: Number(line.slice(0, first)),
        atMs: Number(line.slice(first + 1, second)),
        text: line.slice(second + 1),
      };
    });
}

/** The lines of a block as if each was a row, the newest first. */
export function rowsOfBlock({ document }: Row): readonly Row[] {
  return parseBlock(String(document))
    .map(({ revision, atMs, text }) => ({ revision, at_ms: atMs, document: text }))
    .toReversed();
}
