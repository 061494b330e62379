import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { joinBody, startKit } from '../testing/kit.ts';
import { formatSessionName } from './session-name.ts';
import { runWatch, type WatchIo } from './watch.ts';

test('changes of a session are printed with who, why and what, and nothing changes', async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada'), kit.user('bob')];
  const [watched, other] = [kit.reference(), kit.reference()];
  const signals = new EventEmitter();
  const lines = new EventEmitter();
  let out = '';
  const io = {
    stdout: {
      write(text: string) {
        out += text;
        lines.emit('line');
      },
    },
    stderr: {
      write(text: string) {
        out += text;
      },
    },
    env: {},
    once: signals.once.bind(signals),
    off: signals.off.bind(signals),
  } as unknown as WatchIo;
  const until = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(out)) await once(lines, 'line');
  };
  const ended = runWatch(['--url', kit.url, '--session', formatSessionName(watched)], io);
  await until(/^watching/);
  await ada.join(other);
  await ada.join(watched);
  await until(/change 1 {2}created by ada: PUT session/);
  await bob.putSession(watched, { ...joinBody(), properties: { custom: { map: 'moon' } } });
  await until(/change 2 {2}changed by bob[\s\S]*\/properties\/custom\/map: nothing → "moon"/);
  assert.match(out, new RegExp(`${bob.xuid} joined`));
  assert.ok(!out.includes(other.name));
  assert.equal((await ada.getSession(watched)).json.changeNumber, 2);
  signals.emit('SIGINT');
  assert.equal(await ended, 0);
});

test('a wrong use and a server that is not there are told', async () => {
  let err = '';
  const io = {
    stdout: { write: () => undefined },
    stderr: {
      write(text: string) {
        err += text;
      },
    },
    env: {},
    once: () => undefined,
    off: () => undefined,
  } as unknown as WatchIo;
  assert.equal(await runWatch(['--xuid', 'ada'], io), 2);
  assert.match(err, /--xuid must name a user/);
  err = '';
  assert.equal(await runWatch(['--url', 'http://127.0.0.1:1'], io), 1);
  assert.match(err, /^openmpsd watch: http:\/\/127\.0\.0\.1:1: fetch failed/);
});
