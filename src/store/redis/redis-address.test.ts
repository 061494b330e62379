import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreUnavailable } from '../store.ts';
import { formatRedisAddress, parseRedisAddress, requireRedisAddress } from './redis-address.ts';

const none = { isTls: false, username: undefined, password: undefined };

const addresses = [
  ['redis://localhost', { ...none, nodes: [{ host: 'localhost', port: 6379 }] }],
  [
    'redis://10.0.0.1:7000,10.0.0.2:7001/',
    {
      ...none,
      nodes: [
        { host: '10.0.0.1', port: 7000 },
        { host: '10.0.0.2', port: 7001 },
      ],
    },
  ],
  [
    'rediss://ada:p%40ss:word@[::1]:7000,cache.example',
    {
      isTls: true,
      username: 'ada',
      password: 'p@ss:word',
      nodes: [
        { host: '::1', port: 7000 },
        { host: 'cache.example', port: 6379 },
      ],
    },
  ],
  ['REDIS://:secret@h', { ...none, password: 'secret', nodes: [{ host: 'h', port: 6379 }] }],
] as const;

for (const [text, address] of addresses) {
  test(`${text} is an address`, () => {
    assert.deepEqual(parseRedisAddress(text), address);
  });
}

const others = [
  '',
  'localhost:6379',
  'http://localhost',
  'redis://',
  'redis://h:0',
  'redis://h:65536',
  'redis://h:x',
  'redis://a,,b',
  'redis://h/3',
  'redis://h?x=1',
  'redis://::1:6379',
  'redis://%zz@h',
  'redis://%zz:@h',
  'redis://s3cret@h',
];

for (const text of others) {
  test(`"${text}" is no address`, () => {
    assert.equal(parseRedisAddress(text), undefined);
    assert.throws(
      () => requireRedisAddress(text),
      // Kills: a password in the place of the user, which is written to the log.
      (error) => error instanceof StoreUnavailable && !/s3cret/.test(error.message),
    );
  });
}

test('an address is written without its password', () => {
  const text = formatRedisAddress(requireRedisAddress('rediss://ada:secret@[::1]:7000,h'));
  assert.equal(text, 'rediss://ada@[::1]:7000,h:6379');
});
