import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { archiveOf, file } from '../testing/saz-archive.ts';
import { CaptureError } from './capture.ts';
import { readCapture } from './read-capture.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openmpsd-saz-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function read(archive: Buffer) {
  const path = join(folder, 'one.saz');
  await writeFile(path, archive);
  return readCapture(path);
}

const times = (begin: string, done: string): string =>
  `<?xml version="1.0"?><Session SID="1"><SessionTimers ClientConnected="0001-01-01T00:00:00" ClientBeginRequest="${begin}" ClientDoneResponse="${done}" /></Session>`;

/** A frame of RFC 6455, masked as a client's or not, as Fiddler keeps it. */
function fiddlerFrame(side: 'Request' | 'Response', opcode: number, text: string, time: string) {
  const payload = Buffer.from(text);
  const isLong = payload.length > 125;
  const head = Buffer.from([
    128 | opcode,
    (side === 'Request' ? 128 : 0) | (isLong ? 126 : payload.length),
    ...(isLong ? [payload.length >> 8, payload.length & 255] : []),
  ]);
  const mask = Buffer.from([1, 2, 3, 4]);
  const bytes =
    side === 'Request'
      ? Buffer.concat([mask, payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))])
      : payload;
  const frame = Buffer.concat([head, bytes]);
  return Buffer.concat([
    Buffer.from(
      `${side}-Length: ${frame.length}\r\nID: 1\r\nBitFlags: 0\r\nDoneRead: ${time}\r\n\r\n`,
    ),
    frame,
    Buffer.from('\r\n'),
  ]);
}

test('requests, answers that are chunked and packed, and sockets, in the order of time', async () => {
  const long = `[1,1,0,0,{"ConnectionId":"${'x'.repeat(200)}"}]`;
  const packed = gzipSync('{"results":["LobbySession"]}');
  const capture = await read(
    archiveOf([
      file('_index.htm', '<html>'),
      file(
        'raw/02_c.txt',
        'GET https://rta.xboxlive.com/connect HTTP/1.1\r\nUpgrade: websocket\r\n\r\n',
      ),
      file('raw/02_s.txt', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n\r\n'),
      file('raw/02_m.xml', times('2016-09-20T13:50:02.5-07:00', '2016-09-20T13:51:00-07:00')),
      file(
        'raw/02_w.txt',
        Buffer.concat([
          Buffer.from('\r\n'),
          fiddlerFrame('Request', 1, '[1,1,"https://x/"]', '2016-09-20T13:50:03-07:00'),
          fiddlerFrame('Response', 1, long, '2016-09-20T13:50:03.25-07:00'),
          fiddlerFrame('Response', 10, '', '2016-09-20T13:50:13.5-07:00'),
          fiddlerFrame('Request', 8, '', '2016-09-20T13:50:59-07:00'),
        ]),
      ),
      file(
        'raw/01_c.txt',
        'POST https://sessiondirectory.xboxlive.com/handles/query?a=1 HTTP/1.1\r\nHost: sessiondirectory.xboxlive.com\r\nx-one: 1: 2\r\n\r\n{"type":"Zoë"}',
      ),
      file(
        'raw/01_s.txt',
        Buffer.concat([
          Buffer.from(
            'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n5\r\n',
          ),
          packed.subarray(0, 5),
          Buffer.from(`\r\n${(packed.length - 5).toString(16)}\r\n`),
          packed.subarray(5),
          Buffer.from('\r\n0\r\n\r\n'),
        ]),
      ),
      file('raw/01_m.xml', times('2016-09-20T13:50:01-07:00', '2016-09-20T13:50:01.25-07:00')),
      file('raw/03_c.txt', 'CONNECT rta.xboxlive.com:443 HTTP/1.1\r\n\r\n'),
      file('raw/04_c.txt', 'GET http:///echo HTTP/1.1\r\n\r\n'),
    ]),
  );
  assert.deepEqual(capture.problems, []);
  const [first, second, ...more] = capture.calls;
  assert.deepEqual(more, []);
  assert.equal(first?.number, 1);
  assert.equal(first.url, 'https://sessiondirectory.xboxlive.com/handles/query?a=1');
  assert.deepEqual(first.requestHeaders[1], ['x-one', '1: 2']);
  assert.equal(first.requestBody, '{"type":"Zoë"}');
  assert.equal(first.responseBody, '{"results":["LobbySession"]}');
  assert.equal(first.endMs - first.startMs, 250);
  assert.equal(second?.status, 101);
  assert.deepEqual(
    second.frames?.map(({ from, kind, text, atMs }) => [from, kind, text, atMs - first.startMs]),
    [
      ['client', 'text', '[1,1,"https://x/"]', 2_000],
      ['server', 'text', long, 2_250],
      ['server', 'pong', '', 12_500],
      ['client', 'close', '', 58_000],
    ],
  );
});

async function problemOf(archive: Buffer): Promise<string> {
  const error = await read(archive).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof CaptureError, `a CaptureError, not ${error}`);
  return error.message;
}

const request = 'GET https://social.xboxlive.com/users/me/people HTTP/1.1\r\n\r\n';

test('what is no archive of Fiddler, is damaged or locked, is said', async () => {
  assert.match(await problemOf(archiveOf([])), /^is an archive without requests/);
  assert.match(await problemOf(archiveOf([file('a.txt', 'x')])), /^is an archive without requests/);
  const whole = archiveOf([file('raw/1_c.txt', request)]);
  assert.match(await problemOf(whole.subarray(0, whole.length - 30)), /^is a damaged archive/);
  assert.match(
    await problemOf(archiveOf([file('raw/1_c.txt', request, { flags: 1 })])),
    /^is protected by a password/,
  );
  assert.match(
    await problemOf(archiveOf([file('../../etc/raw/1_c.txt', request)])),
    /^is a damaged archive: Unsafe filename/,
  );
});

test('an archive that unpacks to too much is refused before it is unpacked', async () => {
  const bomb = file('raw/1_s.txt', Buffer.alloc(1_000), { size: 600 * 1024 * 1024 });
  assert.match(
    await problemOf(archiveOf([file('raw/1_c.txt', request), bomb])),
    /^unpacks to more than 512 MiB/,
  );
});

test('one request that unpacks to too much, or lies about it, is left out and named', async () => {
  const answer = (body: Buffer, headers = '') =>
    Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${headers}\r\n`), body]);
  const capture = await read(
    archiveOf([
      file('raw/1_c.txt', request),
      file('raw/1_s.txt', answer(Buffer.alloc(17 * 1024 * 1024))),
      file('raw/2_c.txt', request),
      // Says 100 bytes, has 17 MiB.
      file('raw/2_s.txt', answer(Buffer.alloc(17 * 1024 * 1024)), { size: 100 }),
      file('raw/3_c.txt', request),
      // 17 MiB in a body of 17 kB.
      file(
        'raw/3_s.txt',
        answer(gzipSync(Buffer.alloc(17 * 1024 * 1024)), 'Content-Encoding: gzip\r\n'),
      ),
      file('raw/4_c.txt', request),
      file('raw/4_s.txt', 'HTTP/1.1 200 OK\r\n\r\nfine'),
    ]),
  );
  assert.deepEqual(
    capture.calls.map(({ number, responseBody }) => [number, responseBody]),
    [
      [3, ''],
      [4, 'fine'],
    ],
  );
  assert.equal(capture.problems.length, 3);
  assert.match(capture.problems[0] ?? '', /^Request 1 could not be read: .* more than 16 MiB/);
  assert.match(capture.problems[1] ?? '', /^Request 2 could not be read: /);
  assert.match(capture.problems[2] ?? '', /^Request 3: the body of its answer: /);
});
