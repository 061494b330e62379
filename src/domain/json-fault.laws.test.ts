import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findJsonFault } from './json-fault.ts';

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** JSON, with some of it cut, doubled or replaced by what stands in JSON. */
const nearlyJson = fc
  .tuple(
    fc.json({ maxDepth: 4 }),
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat(3),
        fc.constantFrom(
          '',
          ' ',
          '\n',
          ',',
          ':',
          '"',
          '\\',
          '{',
          '}',
          '[',
          ']',
          '0',
          '-',
          '.',
          'e1',
        ),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([text, edits]) =>
    edits.reduce((current, [where, cut, put]) => {
      const at = where % (current.length + 1);
      return current.slice(0, at) + put + current.slice(at + cut);
    }, text),
  );

// Kills: "-?" left out of the number; "commaOrEnd" in place of "end" after the outermost value.
test('a text has a fault exactly when the engine does not parse it', () => {
  fc.assert(
    fc.property(nearlyJson, (text) => {
      assert.equal(findJsonFault(text) === undefined, parses(text), text);
    }),
    { numRuns: 3_000 },
  );
});

// Kills: a fault told one place late, after the character that is wrong.
test('what stands before the fault says nothing about it', () => {
  fc.assert(
    fc.property(nearlyJson, (text) => {
      const fault = findJsonFault(text);
      if (fault === undefined) return;
      const lines = text.split('\n');
      const before = lines.slice(0, fault.line - 1).join('\n').length + (fault.line > 1 ? 1 : 0);
      const at = before + fault.column - 1;
      const cut = findJsonFault(text.slice(0, at));
      // The same text without what is wrong is merely unfinished, or whole.
      if (cut !== undefined) assert.equal(cut.found, 'the end');
    }),
    { numRuns: 3_000 },
  );
});
