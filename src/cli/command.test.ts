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

test('every command has a help, and words an option that it does not know alike', async () => {
  const { out: overview } = await run('--help');
  const names = [...overview.matchAll(/^ {2}openmpsd ([\w-]+) /gm)].map(([, name = '']) => name);
  assert.ok(names.length > 20, overview);
  for (const name of names) {
    const help = await run(name, '--help');
    assert.deepEqual([help.code, help.err], [0, ''], name);
    assert.ok(help.out.startsWith(`openmpsd ${name}`), help.out);
    const { code, out, err } = await run(name, '--colour', 'red');
    assert.deepEqual({ code, out }, { code: 2, out: '' });
    assert.ok(err.startsWith(`openmpsd ${name}: does not know the option --colour.`), err);
    assert.ok(err.endsWith(` See openmpsd ${name} --help.\n`), err);
  }
});

// Kills: a help that a terminal breaks inside of words.
test('on a terminal every help is as wide as it', async () => {
  const { out: overview } = await run('--help');
  const names = [...overview.matchAll(/^ {2}openmpsd ([\w-]+) /gm)].map(([, name = '']) => name);
  for (const args of [[], ...names.map((name) => [name])]) {
    let out = '';
    const io = { stdout: { write: (text: string) => (out += text), columns: 80 }, env: {} };
    assert.equal(await runCommand([...args, '--help'], io as unknown as CommandIo), 0);
    const tooLong = out.split('\n').filter((line) => line.length > 80);
    assert.deepEqual(tooLong, [], args.join(' '));
  }
});

// Kills: a word a line on a terminal that says that it is 0 wide, as some do at their start.
test('a terminal without a width gets the help as it is', async () => {
  const { out: plain } = await run('--help');
  let out = '';
  const io = { stdout: { write: (text: string) => (out += text), columns: 0 }, env: {} };
  assert.equal(await runCommand(['--help'], io as unknown as CommandIo), 0);
  assert.equal(out, plain);
});

test('help of a command, by either form; a mistyped command gets the one that was meant', async () => {
  assert.deepEqual(await run('help', 'serve'), await run('serve', '--help'));
  for (const [given, said] of [
    ['serv', 'is not a command; did you mean serve? See'],
    ['tpas', 'is not a command; did you mean taps? See'],
    ['lobby', 'is not a command. See'],
  ] as const) {
    const { code, err } = await run(given);
    assert.deepEqual([code, err], [2, `openmpsd: "${given}" ${said} openmpsd --help.\n`]);
  }
});

test('a stray word, as npm leaves it of flags, is reported with how npm passes flags on', async () => {
  const { code, err } = await run('serve', '9123');
  assert.equal(code, 2);
  assert.match(
    err,
    /does not expect "9123"\. With npm, .* npm start -- --port 9123\. See openmpsd serve --help\.\n/,
  );
});
