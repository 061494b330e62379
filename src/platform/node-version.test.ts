import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CannotStart, startServer } from '../server.ts';
import { problemOfNode } from './node-version.js';

test('a Node that is too old is named, with the way to a newer one', () => {
  assert.equal(problemOfNode('v24.0.0'), undefined);
  assert.equal(problemOfNode('v100.1.2'), undefined);
  for (const version of ['v20.20.2', 'v23.11.1', 'v4.0.0']) {
    const problem = problemOfNode(version) ?? '';
    assert.ok(problem.startsWith(`needs Node.js 24 or later; this is ${version}.`), problem);
    assert.ok(problem.includes('npm install node@24'));
    assert.ok(problem.includes('npx node lobby.ts'));
  }
});

test('a server does not start on an old Node, and says so as the command does', async (context) => {
  const { version } = process;
  Object.defineProperty(process, 'version', { value: 'v20.20.2', configurable: true });
  context.after(() => Object.defineProperty(process, 'version', { value: version }));
  await assert.rejects(startServer({ port: 0, store: 'memory' }), (error: unknown) => {
    assert.ok(error instanceof CannotStart);
    assert.deepEqual(error.problems, [`openmpsd ${problemOfNode()}`]);
    return true;
  });
});
