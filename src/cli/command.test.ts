import assert from 'node:assert/strict';
import { test } from 'node:test';
import packageJson from '../../package.json' with { type: 'json' };
import { runCommand } from './command.ts';
import type { CommandIo } from './command-io.ts';

async function run(...args: string[]) {
  let out = '';
  let err = '';
  const io = {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    env: {},
  };
  const code = await runCommand(args, io as unknown as CommandIo);
  return { code, out, err };
}

for (const flag of ['--version', '-v']) {
  test(`${flag} is the version of the package`, async () => {
    const expected = { code: 0, out: `${packageJson.version}\n`, err: '' };
    assert.deepEqual(await run(flag), expected);
  });
}

test('every command words an option that it does not know alike', async () => {
  for (const command of ['serve', 'token', 'check-config', 'taps', 'demo']) {
    const { code, out, err } = await run(command, '--colour', 'red');
    assert.deepEqual({ code, out }, { code: 2, out: '' });
    assert.equal(
      err.replace('\n', ' '),
      `openmpsd ${command}: does not know the option --colour. See openmpsd ${command} --help.${command === 'serve' ? '\n' : ' '}`,
    );
  }
});

test('a stray word, as npm leaves it of flags, is reported with how npm passes flags on', async () => {
  const { code, err } = await run('serve', '9123');
  assert.equal(code, 2);
  assert.match(err, /does not expect "9123"\. With npm, .* npm start -- --port 9123\.\n/);
});
