import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startScript } from '../testing/child-script.ts';
import { formatJson, isRawNumber, parseJson } from './json.ts';

test('a number is kept raw when JavaScript would change it, and only then', () => {
  const cases = [
    ['0', false],
    ['-0', false],
    ['0.000', false],
    ['1.50', false],
    ['1e3', false],
    ['1E-3', false],
    ['0.1', false],
    ['100000000000000000000', false],
    ['1e21', false],
    ['0.0000001', false],
    ['9007199254740992', false],
    ['9007199254740993', true],
    ['-9007199254740993', true],
    ['18446744073709551615', true],
    ['0.10000000000000000555', true],
    ['1e400', true],
    ['-1e400', true],
    ['1e-400', true],
    ['1e999999999999999999999', true],
  ] as const;
  for (const [text, isRaw] of cases) {
    for (const shell of [text, `[${text}]`, `{"a":${text}}`, `{"a": ${text} }`, `[1,\n${text}]`]) {
      let found = parseJson(shell);
      if (Array.isArray(found)) found = found.at(-1);
      else if (typeof found === 'object' && found && 'a' in found) found = found.a;
      assert.equal(isRawNumber(found), isRaw, shell);
      if (isRaw) assert.equal(formatJson(parseJson(shell)), shell.replace(/\s/g, ''), shell);
      else assert.equal(found, Number(text), shell);
    }
  }
});

test('text that looks like a number stays text', () => {
  const text = '{"xuid":"2814639011617876000","time":"2016-09-20T20:50:00.5180000Z","id":"5e36"}';
  assert.equal(formatJson(parseJson(text)), text);
});

test('what is not JSON is a SyntaxError', () => {
  for (const text of ['', '<html>', '{"a":01}', '[9007199254740993', '9007199254740993 x']) {
    assert.throws(() => parseJson(text), SyntaxError, text);
  }
});

test('a bigint is written as a number', () => {
  assert.equal(formatJson({ a: [18446744073709551615n] }), '{"a":[18446744073709551615]}');
});

test('an engine without JSON.rawJSON reads and writes plain JSON', async () => {
  // A process of its own: this one may have servers of other tests, which need it.
  const engine = startScript(
    `delete JSON.rawJSON;
     delete JSON.isRawJSON;
     const plain = await import(process.argv[1]);
     console.log(plain.parseJson('{"a":[9007199254740993]}').a[0] === 9007199254740992);
     console.log(plain.formatJson({ a: 1 }));
     console.log(plain.isRawNumber({ rawJSON: '1' }));`,
    new URL('./json.ts', import.meta.url).href,
  );
  assert.equal(await engine.ended, 0);
  assert.deepEqual(engine.lines, ['true', '{"a":1}', 'false']);
});

test('a key that is written with an escape is what it says, whatever was read before', () => {
  for (const number of ['1', '9007199254740993']) {
    for (const key of ['"\\\\"', '"\\n"', '"\\""', '"~0a"']) {
      const text = `{"o":${number},${key}:[{"o":1,${key}:${number}}]}`;
      assert.equal(formatJson(parseJson(text)), text);
    }
  }
});
