/** Comments and documents name what there is: no function, type or member that has gone. */

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8');

/** A comment, or what only looks like one within a string, a template or a regular expression. */
const comment =
  /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|\/\*[\s\S]*?\*\/|(?<=^|[\s;{(,])\/\/[^\n]*/gm;

const isComment = (text: string): boolean => text.startsWith('/*') || text.startsWith('//');

const sources = globSync(['{src,test,bench,scripts}/**/*.{ts,js}'], {
  cwd: root,
  exclude: ['**/node_modules/**'],
})
  .filter((file) => file !== 'test/names.test.ts')
  .map((file) => {
    const text = read(file);
    return {
      file,
      code: text.replaceAll(comment, (one) => (isComment(one) ? ' ' : one)),
      comments: [...text.matchAll(comment)].map(([one]) => one).filter(isComment),
    };
  });

/** Every word of the code, of the configs and of what the code is built with. */
const known = new Set(
  [
    ...sources.map(({ code }) => code),
    ...globSync(['config/*.json', 'deploy/**/*.*', '*.json', 'bench/package.json', '.ci/run'], {
      cwd: root,
    }).map(read),
  ].flatMap((text) => text.match(/[\w$]+/g) ?? []),
);

/** Names of other programs, which our code does not write. */
const foreign = new Set([
  // Of XSAPI, as its users know them; of Kubernetes; of HTTP; of a JSON web key.
  ...['SetActivityAsync', 'SendInvitesAsync', 'preStop', 'Signature', 'x5c'],
]);

/** `likeThis`, `LikeThis`, `like.this` or `like()`, between backticks: the names of code. */
function namesIn(text: string): readonly string[] {
  return [...text.matchAll(/`#?([A-Za-z_$][\w$]*(?:\.#?[A-Za-z_$][\w$]*)*)(?:\(\))?`/g)]
    .flatMap(([, name = '']) => name.split(/\.#?/))
    .filter((name) => /[a-z][A-Z]/.test(name));
}

/** Those, and what is written like a name of code without backticks; in comments that is one. */
function namesInComment(text: string): readonly string[] {
  const plain = text.match(/(?<![\w$/."'-])[a-z]+[A-Z]\w*(?![\w/-]|\.\w|:\/\/)/g) ?? [];
  const short = [...text.matchAll(/`([A-Za-z_]\w*)(?:\(\))?`/g)].map(([, name = '']) => name);
  return [...namesIn(text), ...plain, ...short];
}

function missingIn(names: readonly string[]): readonly string[] {
  return names.filter((name) => !known.has(name) && !foreign.has(name));
}

test('every name in a comment is a name of the code', () => {
  assert.ok(sources.flatMap(({ comments }) => comments.flatMap(namesIn)).length > 100);
  const missing = sources.flatMap(({ file, comments }) =>
    missingIn(comments.flatMap(namesInComment)).map((name) => `${file}: ${name}`),
  );
  assert.deepEqual(missing, []);
});

test('every name in a document is a name of the code', () => {
  const missing = globSync(['README.md', 'docs/**/*.md', 'config/*.md', 'test/**/*.md'], {
    cwd: root,
    exclude: ['**/node_modules/**'],
  })
    // A decision tells what was when it was made.
    .filter((file) => !file.includes('decisions'))
    .flatMap((file) => missingIn(namesIn(read(file))).map((name) => `${file}: ${name}`));
  assert.deepEqual(missing, []);
});

test('every file that a comment names is there', () => {
  const files = globSync(['**/*.{ts,js,md,json}', '.ci/run'], {
    cwd: root,
    exclude: ['**/node_modules/**'],
  }).map((file) => `/${file.replaceAll('\\', '/')}`);
  const missing = sources.flatMap(({ file, comments }) =>
    comments
      .flatMap((text) => [...text.matchAll(/\b((?:[\w-]+\/)*[a-z][\w-]+\.(?:ts|md))\b/g)])
      .map(([, named = '']) => named)
      // Endings of names are none.
      .filter((named) => named !== 'test.ts' && !files.some((one) => one.endsWith(`/${named}`)))
      .map((named) => `${file}: ${named}`),
  );
  assert.deepEqual(missing, []);
});
