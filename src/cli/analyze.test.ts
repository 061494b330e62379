import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ownHead } from '../capture/har.ts';
import { runAnalyze } from './analyze.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openmpsd-analyze-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function run(...args: string[]) {
  let out = '';
  let err = '';
  const code = await runAnalyze(args, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  });
  return { code, out, err };
}

/** A capture of `count` reads of other sessions, a second apart. */
async function captureOf(count: number, everyMs = 1_000, extra: readonly object[] = []) {
  const entries = Array.from({ length: count }, (_, at) => ({
    startedDateTime: new Date(Date.UTC(2026, 2, 1) + at * everyMs).toISOString(),
    time: 5,
    request: {
      method: 'GET',
      url: `https://sessiondirectory.xboxlive.com/serviceconfigs/a/sessionTemplates/b/sessions/s${at}`,
      headers: [{ name: 'Authorization', value: 'XBL3.0 x=-;xuid=1001&gtg=Ada' }],
    },
    response: { status: 200, content: {} },
  }));
  const path = join(folder, 'calls.har');
  await writeFile(path, JSON.stringify({ log: { entries: [...entries, ...extra] } }));
  return path;
}

test('a capture without a fault, one with a warning, one with an error', async () => {
  const good = await run(await captureOf(3));
  assert.equal(good.code, 0);
  assert.match(good.out, /^3 calls to Xbox Live\.\n/);
  assert.match(
    good.out,
    /\n {7}3 {9}0 {9}1 {9}3 {9}3 {2}GET sessiondirectory\/serviceconfigs\/\{scid\}\/sessiontemplates\/\{template\}\/sessions\/\{name\}\n/,
  );
  assert.match(good.out, /\n0 errors, 0 warnings\.\n$/);
  const near = await captureOf(28, 100);
  assert.equal((await run(near)).code, 0);
  const strict = await run(near, '--strict');
  assert.equal(strict.code, 1);
  assert.match(strict.out, /^WARNING frequency: session directory, user 1001, 2026-03-01T/m);
  const bad = await run(await captureOf(31, 100));
  assert.equal(bad.code, 1);
  assert.match(
    bad.out,
    /^ERROR frequency: session directory, user 1001, 2026-03-01T00:00:00\.000Z\n {2}31 calls in 15 s; 30 are allowed\. .*\n {2}Calls 1, 2, .*20, …\n/m,
  );
});

test('calls to other hosts are left out, and what cannot be read is named', async () => {
  const other = {
    startedDateTime: '2026-03-01T00:00:00Z',
    request: { method: 'GET', url: 'https://example.com/' },
  };
  const { out, err } = await run(await captureOf(1, 1_000, [other, {}]));
  assert.match(out, /^1 call to Xbox Live; 1 to other hosts are left out\.\n/);
  assert.equal(err, 'Entry 3 was left out: it has no method or no URL.\n');
});

test('as JSON', async () => {
  const { out } = await run('--json', await captureOf(31, 100));
  const { findings, endpoints } = JSON.parse(out);
  assert.equal(findings[0].rule, 'frequency');
  assert.equal(endpoints[0].calls, 31);
});

test('no capture, two, none there, none that can be read', async () => {
  for (const args of [[], ['a.har', 'b.har'], ['a.har', '--quick']]) {
    const { code, err } = await run(...args);
    assert.equal(code, 2);
    assert.match(err, /^openmpsd analyze: .* See openmpsd analyze --help\.\n$/);
  }
  const absent = await run(join(folder, 'absent.har'));
  assert.equal(absent.code, 2);
  assert.match(absent.err, /absent\.har cannot be read: it is not there\.\n$/);
  const path = join(folder, 'text.har');
  await writeFile(path, 'text');
  const unreadable = await run(path);
  assert.equal(unreadable.code, 2);
  assert.match(unreadable.err, /text\.har is no JSON: /);
  const { code, out } = await run('--help');
  assert.equal(code, 0);
  assert.match(out, /^openmpsd analyze <capture>: /);
});

test('a capture without a call that can be read is not a good one', async () => {
  const path = join(folder, 'none.har');
  for (const text of [
    '{"log":{"entries":[]}}',
    '{"log":{"entries":[{}]}}',
    `${ownHead},"version":"0"},"entries":[\n{"startedDateTime":"2026`,
  ]) {
    await writeFile(path, text);
    for (const args of [[path], [path, '--json']]) {
      const { code, out, err } = await run(...args);
      assert.deepEqual({ code, out }, { code: 2, out: '' });
      assert.match(err, /none\.har has no call that can be read\./);
    }
  }
});

test('what cannot be read is said, and counts with --strict', async () => {
  const path = await captureOf(1, 1_000, [{}]);
  for (const args of [[path], [path, '--json']]) {
    const { code, err } = await run(...args);
    assert.equal(code, 0);
    assert.match(err, /^Entry 2 was left out/);
  }
  const strict = await run(path, '--strict');
  assert.equal(strict.code, 2);
  assert.match(strict.out, /^1 call to Xbox Live\./);
});

test('what a capture holds does not command the terminal', async () => {
  const path = join(folder, 'hostile.har');
  const hostile = (at: number) => ({
    startedDateTime: new Date(Date.UTC(2026, 2, 1) + at).toISOString(),
    request: {
      method: 'GET\u001b[31m\u202e',
      url: 'https://sessiondirectory.xboxlive.com/serviceconfigs/a/sessionTemplates/b/sessions/c',
      headers: [{ name: 'Authorization', value: 'XBL3.0 x=-;xuid=1\u001b[2J\u009b&gtg=Ada' }],
    },
  });
  const entries = Array.from({ length: 40 }, (_, at) => hostile(at));
  await writeFile(path, JSON.stringify({ log: { entries } }));
  for (const args of [[path], [path, '--json']]) {
    const { out, err } = await run(...args);
    assert.match(out, /GET\\u/);
    assert.doesNotMatch(out + err, /(?!\n)[\p{Cc}\p{Cf}]/u);
  }
});
