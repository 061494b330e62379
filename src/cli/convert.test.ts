import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseHar } from '../capture/har.ts';
import { runConvert } from './convert.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openmpsd-convert-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function run(...args: string[]) {
  let out = '';
  let err = '';
  const code = await runConvert(args, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  });
  return { code, out, err };
}

const authorization = { name: 'Authorization', value: 'XBL3.0 x=17;hidden' };
const capture = {
  log: {
    creator: { name: 'a proxy' },
    entries: [
      {
        startedDateTime: '2026-03-01T00:00:00.1234567Z',
        time: 5.5,
        request: {
          method: 'PUT',
          url: 'https://sessiondirectory.xboxlive.com/serviceconfigs/a/sessionTemplates/b/sessions/c?x=1',
          headers: [authorization, { name: 'Cookie', value: 'hidden' }],
          postData: {
            text: '{"members":{"me":{"constants":{"system":{"xuid":"2535","initialize":true}}}}}',
          },
        },
        response: {
          status: 201,
          headers: [
            { name: 'ETag', value: '"a"' },
            { name: 'Content-Encoding', value: 'gzip' },
          ],
          content: { text: '{"branch":"b"}' },
        },
      },
      {
        startedDateTime: '2026-03-01T00:00:01Z',
        request: {
          method: 'GET',
          url: 'wss://rta.xboxlive.com/connect?nonce=hidden',
          headers: [authorization],
        },
        response: { status: 101 },
        _webSocketMessages: [
          { type: 'send', time: 1772323201.5, opcode: 1, data: '[1,1,"u"]' },
          { type: 'receive', time: 1772323202, opcode: 8, data: '' },
        ],
      },
      {
        startedDateTime: '2026-03-01T00:00:02Z',
        request: {
          method: 'POST',
          url: 'https://user.auth.xboxlive.com/user/authenticate',
          postData: { text: '{"Properties":{"RpsTicket":"hidden"}}' },
        },
        response: { status: 200, content: { text: '{"Token":"hidden","NotAfter":"x"}' } },
      },
    ],
  },
};

test('the same calls without tokens, with who called, in a form that other programs read', async () => {
  const [from, to] = [join(folder, 'a.har'), join(folder, 'b.har')];
  await writeFile(from, JSON.stringify(capture));
  assert.deepEqual(await run(from, to), { code: 0, out: `${to}: 3 calls.\n`, err: '' });
  const text = await readFile(to, 'utf8');
  assert.equal(text.includes('hidden'), false);
  const [was, is] = [parseHar(JSON.stringify(capture)), parseHar(text)];
  assert.equal(is.madeBy, 'a proxy');
  assert.deepEqual(
    is.calls.map(({ caller }) => caller?.xid),
    ['2535', '2535', '1000000000001'],
  );
  for (const [at, call] of is.calls.slice(0, 2).entries()) {
    const {
      url: _,
      requestHeaders: __,
      responseHeaders,
      caller: ___,
      startMs,
      endMs,
      ...rest
    } = call;
    const {
      url: a,
      requestHeaders: b,
      responseHeaders: c,
      startMs: d,
      endMs: e,
      ...same
    } = was.calls[at] ?? assert.fail();
    assert.deepEqual(rest, same);
    assert.ok(Math.abs(startMs - d) < 0.002 && Math.abs(endMs - e) < 0.002);
    assert.deepEqual(responseHeaders, c.slice(0, 1), 'the body is unpacked');
    void [a, b];
  }
  // What HAR 1.2 requires of an entry.
  for (const { request, response, cache, timings, time } of JSON.parse(text).log.entries) {
    for (const name of ['method', 'url', 'httpVersion', 'cookies', 'headers', 'queryString']) {
      assert.ok(name in request, name);
    }
    for (const name of ['status', 'statusText', 'httpVersion', 'cookies', 'headers', 'content']) {
      assert.ok(name in response, name);
    }
    assert.deepEqual(Object.keys(timings), ['send', 'wait', 'receive']);
    assert.ok(cache && typeof time === 'number' && typeof response.redirectURL === 'string');
    assert.ok(typeof response.content.size === 'number');
  }
});

test('no capture, and a file that is there', async () => {
  const there = join(folder, 'there.har');
  await writeFile(there, JSON.stringify(capture));
  assert.match(
    (await run(there, there)).err,
    /there\.har cannot be written: it is there already\.\n$/,
  );
  assert.match(
    (await run(join(folder, 'absent'), there)).err,
    /absent cannot be read: it is not there\.\n$/,
  );
  assert.match(
    (await run(there, join(folder, 'no', 'x.har'))).err,
    /cannot be written: its folder is not there\.\n$/,
  );
  for (const args of [[], [there], [there, there, there], [there, '--x']]) {
    const { code, err } = await run(...args);
    assert.equal(code, 2);
    assert.match(err, /See openmpsd convert --help\.\n$/);
  }
  assert.equal((await run('--help')).code, 0);
});

test('a capture without a call that can be read makes no file', async () => {
  const [from, to] = [join(folder, 'none.har'), join(folder, 'none-new.har')];
  await writeFile(from, '{"log":{"entries":[{}]}}');
  const { code, out, err } = await run(from, to);
  assert.deepEqual({ code, out }, { code: 2, out: '' });
  assert.match(err, /none\.har has no call that can be read\. Entry 1 was left out: .*\n$/);
  await assert.rejects(readFile(to), { code: 'ENOENT' });
  assert.equal((await run(join(folder, 'absent'), to)).code, 2);
});
