import assert from 'node:assert/strict';
import { test } from 'node:test';
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
  const names = ['rawJSON', 'isRawJSON'] as const;
  const kept = names.map((name) => [name, Object.getOwnPropertyDescriptor(JSON, name)] as const);
  for (const name of names) Reflect.deleteProperty(JSON, name);
  try {
    const specifier = './json.ts?plain'; // a second instance of the module, which finds none
    const plain = (await import(specifier)) as typeof import('./json.ts');
    assert.deepEqual(plain.parseJson('{"a":[9007199254740993]}'), { a: [9007199254740992] });
    assert.equal(plain.formatJson({ a: 1 }), '{"a":1}');
    assert.equal(plain.isRawNumber({ rawJSON: '1' }), false);
  } finally {
    for (const [name, descriptor] of kept) {
      if (descriptor) Object.defineProperty(JSON, name, descriptor);
    }
  }
});

test('a key that is written with an escape is what it says, whatever was read before', () => {
  for (const number of ['1', '9007199254740993']) {
    for (const key of ['"\\\\"', '"\\n"', '"\\""', '"~0a"']) {
      const text = `{"o":${number},${key}:[{"o":1,${key}:${number}}]}`;
      assert.equal(formatJson(parseJson(text)), text);
    }
  }
});
