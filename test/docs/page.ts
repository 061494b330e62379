/**
 * How a page of the docs says what its blocks do. A comment stands before a block, and GitHub does
 * not show it:
 *
 * | comment | the block |
 * | --- | --- |
 * | `run` | is run by bash in the folder of the page and must succeed; `run, exit 2`: it ends so |
 * | `start: text` | is run beside the others until the page ends; goes on when it printed `text` |
 * | `start ada: text` | the same, with a name |
 * | `stop`, `stop ada` | nothing: what was started last, or by this name, gets SIGTERM and ends |
 * | `output`, `output of ada` | is what the last run printed, or what was started prints: see `findMissing` |
 * | `file: name` | is a file of the folder |
 * | `append: name` | is the next part of that file |
 * | `setup: command` | nothing: bash runs the command, and the reader does not see it |
 * | `server`, `server: --control` | nothing: `openmpsd serve` in memory runs until the page ends |
 * | `checked by test/x.test.ts` | is run by that test, which names the page |
 * | `unchecked: why` | is run by nobody |
 */

import assert from 'node:assert/strict';

export type Block = {
  readonly language: string;
  readonly text: string;
  /** Of the first line of its fence, from 1. */
  readonly line: number;
};

export type Step =
  | { readonly does: 'run'; readonly block: Block; readonly exitCode: number }
  | { readonly does: 'start'; readonly block: Block; readonly name: string; readonly until: string }
  | { readonly does: 'stop'; readonly name: string | undefined; readonly line: number }
  | { readonly does: 'output'; readonly block: Block; readonly of: string | undefined }
  | { readonly does: 'file' | 'append'; readonly block: Block; readonly name: string }
  | { readonly does: 'setup'; readonly command: string; readonly line: number }
  | { readonly does: 'server'; readonly flags: string; readonly line: number }
  | { readonly does: 'checkedBy'; readonly block: Block; readonly test: string }
  | { readonly does: 'unchecked'; readonly block: Block; readonly why: string };

export type Page = {
  readonly steps: readonly Step[];
  /** Blocks that no comment stands before. */
  readonly unmarked: readonly Block[];
};

const verbs =
  /^(?:(?<run>run)(?:, exit (?<exit>\d+))?|start(?: (?<started>\w+))?: (?<until>.+)|(?<stop>stop)(?: (?<stopped>\w+))?|(?<output>output)(?: of (?<of>\w+))?|(?<file>file|append): (?<name>\S+)|setup: (?<setup>.+)|(?<server>server)(?:: (?<flags>.+))?|checked by (?<test>(?:test|src)\/\S+)|unchecked: (?<why>.+))$/;

/** Throws when a comment that a block needs has no block below it. */
export function parsePage(text: string): Page {
  const lines = text.split('\n');
  const steps: Step[] = [];
  const unmarked: Block[] = [];
  let pending: { readonly groups: Groups; readonly line: number } | undefined;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const comment = /^<!-- (.+) -->$/.exec(line.trim())?.[1];
    const groups = comment === undefined ? undefined : verbs.exec(comment)?.groups;
    const fence = /^( *)```(\w*)/.exec(line);
    if (groups !== undefined) {
      assert.equal(pending, undefined, `line ${at + 1}: two comments and one block`);
      if (groups['stop'] !== undefined) {
        steps.push({ does: 'stop', name: groups['stopped'], line: at + 1 });
      } else if (groups['setup'] !== undefined) {
        steps.push({ does: 'setup', command: groups['setup'], line: at + 1 });
      } else if (groups['server'] !== undefined) {
        steps.push({ does: 'server', flags: groups['flags'] ?? '', line: at + 1 });
      } else {
        pending = { groups, line: at + 1 };
      }
    } else if (fence !== null) {
      const [, indent = '', language = ''] = fence;
      const end = lines.findIndex((one, n) => n > at && one.startsWith(`${indent}\`\`\``));
      assert.notEqual(end, -1, `line ${at + 1}: the block has no end`);
      const body = lines.slice(at + 1, end).map((one) => one.slice(indent.length));
      const block = { language, text: `${body.join('\n')}\n`, line: at + 1 };
      if (pending === undefined) unmarked.push(block);
      else steps.push(stepOf(pending.groups, block));
      pending = undefined;
      at = end;
    } else if (line.trim() !== '') {
      assert.equal(pending, undefined, `line ${pending?.line}: no block is below the comment`);
    }
  }
  assert.equal(pending, undefined, `line ${pending?.line}: no block is below the comment`);
  return { steps, unmarked };
}

type Groups = Readonly<Record<string, string | undefined>>;

function stepOf(groups: Groups, block: Block): Step {
  const { run, exit, started, until, output, of, file, name = '', test, why = '' } = groups;
  if (run !== undefined) return { does: 'run', block, exitCode: Number(exit ?? 0) };
  if (until !== undefined) return { does: 'start', block, name: started ?? 'server', until };
  if (output !== undefined) return { does: 'output', block, of };
  if (file === 'file' || file === 'append') return { does: file, block, name };
  if (test !== undefined) return { does: 'checkedBy', block, test };
  return { does: 'unchecked', block, why };
}

/** Whether the runner has anything to do on this page. */
export function isRun({ steps }: Page): boolean {
  return steps.some(({ does }) => does === 'run' || does === 'start');
}

/**
 * The first line of `expected` that `printed` lacks; undefined: all are there, in this order. Other
 * lines may stand between them. `…` stands for any text of a line, or alone for any lines.
 *
 * A block of JSON is compared with the last JSON that was printed: each of its members must be there
 * and equal, `"…"` is any value, and what the block leaves out may be anything.
 */
export function findMissing(expected: Block, printed: string): string | undefined {
  if (expected.language === 'json') {
    const actual = lastJson(printed);
    return actual !== undefined && isPart(JSON.parse(expected.text), actual.value)
      ? undefined
      : expected.text;
  }
  const lines = printed.split(/\r?\n/).map((line) => line.trimEnd());
  let at = 0;
  for (const line of expected.text.split('\n').map((one) => one.trimEnd())) {
    if (line === '' || line.trim() === '…') continue;
    const parts = line.split('…').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    const pattern = new RegExp(`^${parts.join('.*')}$`);
    const found = lines.findIndex((one, n) => n >= at && pattern.test(one));
    if (found === -1) return line;
    at = found + 1;
  }
  return undefined;
}

function lastJson(printed: string): { readonly value: unknown } | undefined {
  const lines = printed.trimEnd().split('\n');
  // One line, or the lines from one that begins with a brace to the end.
  for (let at = lines.length - 1; at >= 0; at -= 1) {
    for (const text of [lines[at] ?? '', lines.slice(at).join('\n')]) {
      if (!/^[[{]/.test(text)) continue;
      try {
        return { value: JSON.parse(text) };
      } catch {
        // Not this one: an earlier line may be the begin.
      }
    }
  }
  return undefined;
}

function isPart(expected: unknown, actual: unknown): boolean {
  if (expected === '…') return actual !== undefined;
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) &&
      expected.length === actual.length &&
      expected.every((one, at) => isPart(one, actual[at]))
    );
  }
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null) return false;
    return Object.entries(expected).every(([name, one]) =>
      isPart(one, (actual as Record<string, unknown>)[name]),
    );
  }
  return expected === actual;
}
