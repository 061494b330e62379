import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { isNetwork } from '../platform/network.ts';
import { openClientAddresses } from './client-address.ts';

const rows: readonly (readonly [peer: string, forwarded: string | undefined, counted?: string])[] =
  [
    ['203.0.113.9', undefined, '203.0.113.9'],
    // What a stranger states about itself counts for nothing.
    ['203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['::ffff:203.0.113.9', undefined, '203.0.113.9'],
    ['10.1.2.3', '203.0.113.9', '203.0.113.9'],
    ['::ffff:10.1.2.3', '203.0.113.9', '203.0.113.9'],
    ['10.1.2.3', '198.51.100.1, 203.0.113.9', '203.0.113.9'],
    ['10.1.2.3', '203.0.113.9, 192.168.0.7', '203.0.113.9'],
    ['127.0.0.1', '198.51.100.200', '198.51.100.200'],
    // A trusted proxy with a public address.
    ['192.0.2.77', '198.51.100.3', '198.51.100.3'],
    ['10.1.2.3', '198.51.100.3, 192.0.2.77', '198.51.100.3'],
    // An address that is private, or none, is not counted.
    ['10.1.2.3', undefined],
    ['127.0.0.1', '192.168.0.7'],
    ['127.0.0.1', 'unknown, ,'],
    ['127.0.0.1', '203.0.113.9,'.repeat(60)],
    ['', undefined],
    // Of IPv6 a network.
    ['2001:db8:1:2:3:4:5:6', undefined, '2001:db8:1:2::/64'],
    ['2001:db8::6', undefined, '2001:db8:0:0::/64'],
    ['2001:0db8:0001::', undefined, '2001:db8:1:0::/64'],
    ['fd00::1', '2001:db8:1:2:ffff::1', '2001:db8:1:2::/64'],
  ];

/** @source docs/wire/rate-limits.md "Addresses" */
test('the address that is counted', () => {
  const addresses = openClientAddresses(['192.0.2.0/24']);
  for (const [peer, forwarded, counted] of rows) {
    const socket = { remoteAddress: peer } as Socket;
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
    // The second request of a connection is as the first.
    for (let n = 0; n < 2; n += 1) {
      assert.equal(addresses.of({ socket, headers }), counted, `${peer} ${forwarded}`);
    }
  }
});

test('a network is an address, with its length or without', () => {
  for (const text of ['10.0.0.0/8', '10.0.0.1', '::1', '2001:db8::/32', '0.0.0.0/0']) {
    assert.ok(isNetwork(text), text);
  }
  for (const text of [
    '',
    'balancer',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0',
  ]) {
    assert.ok(!isNetwork(text), text);
  }
});
