/** The documents say what is so: their links, commands, codes and files are there. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../src/cli/command.ts';
import { Refusal, refusalCodes } from '../src/domain/refusal.ts';
import { refusalResponse } from '../src/http/refusal-response.ts';
import { isRun, parsePage } from './docs/page.ts';

const root = resolve(import.meta.dirname, '..');

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

function filesOf(folder: string, ending: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file));
}

type Document = { readonly file: string; readonly text: string };

const documents: readonly Document[] = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md', 'CHANGELOG.md'],
  ...filesOf('docs', '.md'),
  ...filesOf('config', '.md'),
].map((file) => ({ file, text: read(file) }));

/** What `pattern` captures first, with the document it stands in. */
function captures(pattern: RegExp): readonly { readonly file: string; readonly found: string }[] {
  return documents.flatMap(({ file, text }) =>
    [...text.matchAll(pattern)].map((match) => ({ file, found: match[1] ?? '' })),
  );
}

test('every refusal is in its table, with its status', () => {
  const rows = new Map(
    [...read('docs/wire/refusals.md').matchAll(/^\| `(\w+)` \| (\d{3}) \|/gm)].map(
      ([, code, status]) => [code, Number(status)],
    ),
  );
  const answered = refusalCodes.map(
    (code) => [code, refusalResponse(new Refusal(code, ''), 107).status] as const,
  );
  assert.deepEqual(Object.fromEntries(rows), Object.fromEntries(answered));
});

test('every status with a code is that of the code', () => {
  const named = documents.flatMap(({ file, text }) =>
    [...text.matchAll(/\b([45]\d\d) `([a-z][a-zA-Z]+)`/g)].map(([found, status, code]) => ({
      file,
      found,
      status: Number(status),
      code,
    })),
  );
  assert.ok(named.length > 100, 'codes were found');
  const statuses = new Map<string | undefined, number>(
    refusalCodes.map((code) => [code, refusalResponse(new Refusal(code, ''), 107).status]),
  );
  assert.deepEqual(
    named.filter(({ code, status }) => statuses.get(code) !== status),
    [],
  );
});

test('every section of the protocol says where it is known from', () => {
  const keys = [...read('docs/wire/README.md').matchAll(/^\|[^|]*\| ([A-Z]+\d?) \|/gm)].map(
    ([, key]) => key,
  );
  assert.ok(keys.length > 10, 'keys were found');
  const pages = ['sessions', 'handles', 'queries', 'people', 'search', 'rta', 'time'];
  pages.push(
    'initialization',
    'callers',
    'service-configs',
    'matchmaking',
    'activity',
    'neighbours',
    'rate-limits',
  );
  const lacking = pages.flatMap((page) => {
    const [, ...sections] = read(`docs/wire/${page}.md`).split(/^(?=##+ )/m);
    const whole = sections.length > 0 ? sections : [read(`docs/wire/${page}.md`)];
    return whole
      .filter((section) => {
        const known = /^Known from: (.+)$/m.exec(section)?.[1] ?? '';
        const named = [...known.matchAll(/\b(RFC|[A-Z]\d?)\b/g)].map(([, key]) => key);
        return named.length === 0 || named.some((key) => !keys.includes(key));
      })
      .map((section) => `${page}.md: ${section.split('\n')[0]}`);
  });
  assert.deepEqual(lacking, []);
});

/** The name by which a link finds a heading: as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}

function headingsOf(text: string): readonly string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
}

test('every relative link leads to a file, and to a heading of it', () => {
  const links = captures(/\]\((?!\w+:)([^)\s]+)\)/g);
  assert.ok(links.length > 50, 'links were found');
  const broken = links.filter(({ file, found }) => {
    const [path = '', anchor] = found.split('#');
    const target = path === '' ? file : join(dirname(file), path);
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && !headingsOf(read(target)).map(anchorOf).includes(anchor);
  });
  assert.deepEqual(broken, []);
});

test('every file that is named is there', () => {
  const files = ['src', 'test', 'bench', 'config', 'docs'].flatMap((folder) =>
    filesOf(folder, '').map((file) => `/${file.replaceAll('\\', '/')}`),
  );
  // By a part of its path: `http/pipeline.ts` is src/http/pipeline.ts.
  const named = captures(/`([\w./-]+\.ts|(?:src|test|bench|docs)\/[\w./-]+)`/g);
  assert.ok(named.length > 30, 'names were found');
  assert.deepEqual(
    named.filter(
      ({ found }) => !files.some((file) => file.endsWith(`/${found.replace(/\/$/, '')}`)),
    ),
    [],
  );
});

test('every npm script that is named is there', () => {
  const { scripts } = JSON.parse(read('package.json'));
  const named = captures(/npm run (?:--silent )?([\w:-]+)/g);
  assert.ok(named.length > 5, 'scripts were found');
  assert.deepEqual(
    named.filter(({ found }) => !Object.hasOwn(scripts, found)),
    [],
  );
});

test('every command that is named is there', async () => {
  let help = '';
  const stdout = {
    write: (text: string) => {
      help += text;
    },
  };
  assert.equal(await runCommand(['--help'], { ...process, stdout } as never), 0);
  const commands = [...help.matchAll(/^ {2}openmpsd ([\w-]+)/gm)].map(([, name]) => name);
  const named = captures(/openmpsd (?:-- )?(?!-)([a-z][\w-]*)[^.]/g);
  assert.ok(commands.length > 3 && named.length > 10, 'commands were found');
  assert.deepEqual(
    named.filter(({ found }) => !commands.includes(found)),
    [],
  );
});

/** Languages of what is shown and not done: outputs, shapes and pictures. */
const shownLanguages = ['', 'text', 'http', 'jsonc', 'mermaid'];

/** The first line of a block that has no language and should have one. */
const commandLike = /^(openmpsd|npm|npx|node|curl) /;

test('every command and snippet is run by a test, or says why not', () => {
  const lacking: string[] = [];
  let checkedCount = 0;
  for (const { file, text } of documents) {
    const page = parsePage(text);
    const { steps, unmarked } = page;
    for (const { language, text: json, line } of unmarked) {
      if (language === 'json') assert.doesNotThrow(() => JSON.parse(json), `${file}:${line}`);
      else if (!shownLanguages.includes(language) || commandLike.test(json))
        lacking.push(`${file}:${line}: ${language}`);
    }
    for (const step of steps) {
      if (step.does !== 'unchecked') checkedCount += 1;
      if (step.does === 'file' && !isRun(page))
        lacking.push(`${file}: ${step.name} is used by none`);
      if (step.does !== 'checkedBy') continue;
      const names = existsSync(join(root, step.test)) && read(step.test).includes(basename(file));
      if (!names) lacking.push(`${file}:${step.block.line}: ${step.test} does not name the page`);
    }
  }
  assert.ok(checkedCount > 20, 'blocks were found');
  assert.deepEqual(lacking, []);
});

const unknowns = read('docs/wire/unknowns.md');

/** The guesses with the text under each. */
const guesses = unknowns
  .split(/^### /m)
  .slice(1)
  .map((part) => {
    const [, number, title = ''] = /^(\d+)\. (.+)$/m.exec(part) ?? [];
    return { number: Number(number), title, part };
  });

test('guesses are numbered upwards, each with a title of its own and a text', () => {
  const numbers = guesses.map(({ number }) => number);
  assert.ok(numbers.every((number, i) => number > (numbers[i - 1] ?? 0)));
  assert.equal(new Set(guesses.map(({ title }) => title)).size, guesses.length);
  for (const { title, part } of guesses) {
    // The number and title, then a paragraph that is no heading.
    assert.match(part, /^\d+\. .+\n\n[^#\s]/, title);
  }
});

test('every source that code names is a page and a heading of it', () => {
  const headings = new Map<string, readonly string[]>();
  const leads = (page: string, heading: string): boolean => {
    if (!existsSync(join(root, page))) return false;
    const known = headings.get(page) ?? headingsOf(read(page));
    headings.set(page, known);
    // A guess is named by its title, without its number.
    return known.some((one) => one === heading || one.replace(/^\d+\. /, '') === heading);
  };
  const tags = [...filesOf('src', '.ts'), ...filesOf('test', '.ts')]
    .filter((file) => file !== relative(root, import.meta.filename))
    .flatMap((file) =>
      // In a comment: its line begins with a star or two slashes.
      [...read(file).matchAll(/^ *(?:\/?\*+|\/\/)[^\n]*@source +([^\n]*?)(?: *\*\/)?$/gm)].map(
        ([, tag = '']) => ({
          file,
          tag,
          named: [...tag.matchAll(/(docs\/[\w/.-]+\.md) "([^"]+)"/g)],
        }),
      ),
    );
  assert.ok(tags.length > 500, 'sources were found');
  assert.deepEqual(
    tags
      .filter(
        ({ named, tag }) =>
          !named.every(([, page = '', heading = '']) => leads(page, heading)) ||
          // Elsewhere there are standards, and faults of the engine. Nothing stands beside pages.
          (named.length === 0
            ? !/^(https:\/\/|RFC \d+)/.test(tag)
            : tag !== named.map(([whole]) => whole).join(', ')),
      )
      .map(({ file, tag }) => `${file}: ${tag}`),
    [],
  );
});

test('every guess that code names is in the docs', () => {
  const tags = [...filesOf('src', '.ts'), ...filesOf('test', '.ts')]
    .filter((file) => file !== relative(root, import.meta.filename))
    .flatMap((file) =>
      [...read(file).matchAll(/unknowns\.md\b(?: "([^"]+)"| #(\d+))?/g)].map(
        ([tag, title, number]) => ({ file, tag, title, number: Number(number) }),
      ),
    );
  assert.ok(tags.length > 0, 'tags were found');
  assert.deepEqual(
    tags.filter(
      (tag) => !guesses.some(({ title, number }) => title === tag.title || number === tag.number),
    ),
    [],
  );
});

test('a test names each guess by its title', () => {
  const tests = [...filesOf('src', '.test.ts'), ...filesOf('test', '.test.ts')]
    .map(read)
    .join('\n');
  const lacking = guesses.filter(
    ({ title }) => !tests.includes(`docs/wire/unknowns.md "${title}"`),
  );
  assert.deepEqual(
    lacking.map(({ title }) => `no test has: @source docs/wire/unknowns.md "${title}"`),
    [],
  );
});
