/** The recipes of docs/testing.md, each run as it stands in a project that has installed the package. */

import assert from 'node:assert/strict';
import { chmod, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../../src/testing/free-port.ts';
import { type Project, skipWithout, startProject } from './built-package.ts';

const page = await readFile(resolve(import.meta.dirname, '../../docs/testing.md'), 'utf8');

/** The first code block below this heading. */
function blockOf(heading: string, language: string): string {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const [, block] =
    new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(section) ?? [];
  assert.ok(block, `a block of ${language} under ${heading}`);
  return block;
}

/** A test file, and the command in its first line. */
async function writeRecipe(project: Project, heading: string): Promise<string> {
  const block = blockOf(heading, 'js');
  const [, file = '', command = ''] = /^\/\/ (\S+); (.+)$/m.exec(block) ?? [];
  await project.write(file, block);
  return command;
}

test('node:test: a time that passes, a connection that drops, a request that is refused', async () => {
  await using project = await startProject();
  const command = await writeRecipe(project, 'node:test');
  const printed = await project.run('bash', ['-c', command]);
  assert.match(printed, /pass 2\b[\s\S]*fail 0\b/);
});

test('vitest: a state to which each test goes back', { skip: skipWithout('vitest') }, async () => {
  await using project = await startProject('vitest');
  const command = await writeRecipe(project, 'vitest');
  const printed = await project.run('bash', ['-c', command], { NO_COLOR: '1' });
  assert.match(printed, /Tests +2 passed/);
});

test('jest: a tap that is heard', { skip: skipWithout('jest') }, async () => {
  await using project = await startProject('jest');
  const command = await writeRecipe(project, 'jest');
  // The package @jest/globals is a part of jest.
  const printed = await project.run('bash', ['-c', command]);
  assert.match(printed, /Tests: +1 passed, 1 total/);
  assert.doesNotMatch(printed, /did not exit/);
});

const playTests = `#!/bin/sh
curl -s -o /dev/null -w 'as Ada: %{http_code}\\n' -H 'Authorization: XBL3.0 x=-;xuid=1001&gtg=Ada' \
  -H 'X-Xbl-Contract-Version: 107' http://127.0.0.1:8350/serviceconfigs/bd6c41c3-01c3-468a-a3b5-3e0fe8133862/sessiontemplates
`;

for (const [what, script] of [
  ['another language', blockOf('In another language', 'sh')],
  ['GitHub Actions', stepOf(blockOf('GitHub Actions', 'yaml'))],
] as const) {
  test(`${what}: the command, in the background of other tests`, async () => {
    await using project = await startProject();
    const port = String(await freePort());
    const atPort = (text: string): string => text.replaceAll('8350', port);
    await project.write('play-tests', atPort(playTests));
    await chmod(join(project.folder, 'play-tests'), 0o755);
    // npx would ask a registry for what is not in the folder; the command is in it.
    const local = atPort(script).replaceAll('npx openmpsd', 'openmpsd');
    const ending = local.includes('kill $!') ? '' : 'kill $!\n';
    const printed = await project.run('bash', ['-ec', `${local}\n${ending}wait`]);
    assert.match(printed, /OpenMPSD is ready/);
    assert.match(printed, /^as Ada: 200$/m);
  });
}

/** The script of the last step of a workflow. */
function stepOf(workflow: string): string {
  const [, script] = /run: \|\n((?: {10}.*\n)+)$/.exec(workflow) ?? [];
  assert.ok(script, 'a step of several lines');
  return script.replaceAll(/^ {10}/gm, '');
}
