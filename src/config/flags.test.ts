import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFlags } from './flags.ts';

const flags = {
  url: { argument: '<address>' },
  user: { argument: '<name>', isList: true },
  control: { isTruth: true },
  cancel: {},
  token: { argument: '<value>', isSecret: true },
  help: { short: 'h' },
} as const;

const cases: readonly (readonly [
  args: readonly string[],
  values: Readonly<Record<string, readonly string[]>>,
  ...problems: readonly string[],
])[] = [
  [[], {}],
  [['--user', 'a', '--user=b', '--control'], { user: ['a', 'b'], control: ['true'] }],
  [['--url', 'a', '--url=b'], { url: ['a', 'b'] }, 'is given --url twice.'],
  [['--control=false', '-h'], { control: ['false'], help: ['true'] }],
  // Kills: `drain --cancel=false`, which cancels.
  [['--cancel=false'], {}, 'does not expect a value of --cancel.'],
  [['--url', '-1'], { url: ['-1'] }],
  [['--url=--x'], { url: ['--x'] }],
  [['--url'], {}, 'needs a value of --url: --url <address>.'],
  [['--url', '--control'], {}, 'needs a value of --url: --url <address>.'],
  [['--colour', 'red'], {}, 'does not know the option --colour.'],
  [
    ['--token', 'one', 'two', 'three', '--control', 'redis://u:p@h'],
    { token: ['one'], control: ['true'] },
    'does not expect a word after the value of --token; put quotes around a value with spaces.',
    'does not expect "redis://…@h".',
  ],
  [['-x'], {}, 'does not know the option -x.'],
  [['--constructor'], {}, 'does not know the option --constructor.'],
  [
    ['a', '--colour=red', 'b'],
    {},
    'does not expect "a".',
    'does not know the option --colour.',
    'does not expect a word after the value of --colour; put quotes around a value with spaces.',
  ],
];

for (const [args, values, ...problems] of cases) {
  test(`flags ${JSON.stringify(args)}`, () => {
    const given = parseFlags(args, flags);
    assert.deepEqual(Object.fromEntries(given.values), values);
    assert.deepEqual(given.problems, problems);
  });
}
