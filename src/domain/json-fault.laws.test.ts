import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findJsonFault } from './json-fault.ts';
import { Hits } from '../testing/hits.ts';

/** The error of the engine's parser for `text`; undefined when it is JSON. */
function complaintOf(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** JSON, with some of it cut, doubled or replaced by characters of JSON. */
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

// Kills: "-?" left out of the number; a text that ends too early taken for whole.
test('a text has a fault exactly when the engine does not parse it', () => {
  fc.assert(
    fc.property(nearlyJson, (text) => {
      assert.equal(findJsonFault(text) === undefined, complaintOf(text) === undefined, text);
    }),
    { numRuns: 3_000 },
  );
});

// Kills: a fault reported one place late, after the character that is wrong.
test('up to the fault the engine misses nothing but the rest', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(nearlyJson, (text) => {
      const fault = findJsonFault(text);
      if (fault === undefined) return;
      hits.count();
      const linesBefore = text.split('\n').slice(0, fault.line - 1);
      const before = linesBefore.reduce((length, line) => length + line.length + 1, 0);
      const start = text.slice(0, before + fault.column - 1);
      const complaint = complaintOf(start);
      assert.ok(
        complaint === undefined ||
          complaint.includes('Unexpected end of JSON input') ||
          complaint.includes(`at position ${start.length} `),
        complaint,
      );
    }),
    { numRuns: 3_000 },
  );
  hits.assertAtLeast(450);
});
