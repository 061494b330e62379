import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { HarFile, RecordingFailure } from './har-file.ts';
import { parseHar } from './har.ts';

let folder = '';
let count = 0;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openmpsd-har-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function create(fileBytesMax?: number) {
  count += 1;
  const path = join(folder, `${count}.har`);
  const file = await HarFile.create({
    path,
    version: '1.0.0',
    ...(fileBytesMax !== undefined && { fileBytesMax }),
  });
  return { path, file };
}

/** An entry that a reader takes, of any length. */
function entry(path: string, padding = 0): string {
  return JSON.stringify({
    startedDateTime: '2026-03-01T00:00:00Z',
    request: { method: 'GET', url: `http://localhost/${path}`, padding: 'x'.repeat(padding) },
  });
}

async function pathsIn(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'utf8');
  JSON.parse(text);
  return parseHar(text).calls.map(({ url }) => new URL(url).pathname.slice(1));
}

test('the file is whole after each write, also where its end gets shorter', async () => {
  const { path, file } = await create();
  assert.deepEqual(await pathsIn(path), []);
  await file.write([], [entry('open', 5_000)]);
  assert.deepEqual(await pathsIn(path), ['open']);
  await file.write([entry('é')], []);
  assert.deepEqual(await pathsIn(path), ['%C3%A9']);
  await file.write([], [entry('x'), entry('y', 9_000)]);
  assert.deepEqual(await pathsIn(path), ['%C3%A9', 'x', 'y']);
  await file.write([entry('b'), entry('c')], [entry('z')]);
  await file.write([], []);
  assert.deepEqual(await pathsIn(path), ['%C3%A9', 'b', 'c']);
  await file.close();
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('a file that is there is not written over', async () => {
  const { path, file } = await create();
  await file.close();
  await assert.rejects(HarFile.create({ path, version: '1' }), { code: 'EEXIST' });
});

test('a file that is full stays as it was', async () => {
  const { path, file } = await create(2_000);
  await file.write([entry('a')], []);
  await assert.rejects(file.write([entry('b', 2_000)], []), RecordingFailure);
  assert.deepEqual(await pathsIn(path), ['a']);
  await file.close();
});

// Kills: a reader that gives up at the first fault; entries that are not on lines of their own.
test('cut off at any byte, what was written before is read, and the fault is named', async () => {
  const { path, file } = await create();
  await file.write([entry('a'), entry('b'), entry('c')], []);
  await file.close();
  const text = await readFile(path, 'utf8');
  const lines = text.split('\n');
  const head = (lines[0] ?? '').length + 1;
  for (let length = head; length < text.trimEnd().length; length += 1) {
    const { calls, problems } = parseHar(text.slice(0, length));
    // A line is whole with its last brace, before the end of the line.
    const whole = text
      .slice(head, length)
      .split('\n')
      .filter((one) => one.endsWith('"}}')).length;
    assert.equal(calls.length, whole, `${length} bytes`);
    assert.deepEqual(problems, [`The file is damaged; ${whole} entries could be read.`]);
  }
});
