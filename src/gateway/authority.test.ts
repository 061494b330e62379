import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isClosedAddress, parseAuthority } from './authority.ts';

test('an authority is a host with a port', () => {
  for (const [text, host, port] of [
    ['sessiondirectory.xboxlive.com:443', 'sessiondirectory.xboxlive.com', 443],
    ['RTA.XboxLive.com.:443', 'rta.xboxlive.com', 443],
    ['127.0.0.1:1', '127.0.0.1', 1],
    ['[::1]:8350', '::1', 8350],
    ['localhost:65535', 'localhost', 65535],
  ] as const) {
    assert.deepEqual(parseAuthority(text), { host, port }, text);
  }
});

test('what is no authority is none', () => {
  for (const text of [
    '',
    'rta.xboxlive.com',
    'rta.xboxlive.com:',
    'rta.xboxlive.com:0',
    'rta.xboxlive.com:65536',
    'rta.xboxlive.com:443/path',
    'user@rta.xboxlive.com:443',
    'https://rta.xboxlive.com:443',
    '::1:443',
    '[rta]:443',
    '[127.0.0.1]:443',
    '.:443',
    'a b:443',
    `${'a'.repeat(254)}:443`,
  ]) {
    assert.equal(parseAuthority(text), undefined, text);
  }
});

const own = new Set(['10.1.2.3', '2001:db8::7']);

test('addresses of this machine, link-local ones and those of many are closed', () => {
  for (const address of [
    '127.0.0.1',
    '127.8.9.10',
    '0.0.0.0',
    '10.1.2.3',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    '2001:DB8::7',
    'fe80::1%eth0',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:169.254.169.254',
    '::ffff:7f00:1',
    'localhost',
    '',
  ]) {
    assert.equal(isClosedAddress(address, own), true, address);
  }
});

test('other addresses are open', () => {
  for (const address of [
    '10.1.2.4',
    '192.168.1.1',
    '93.184.216.34',
    '2001:db8::8',
    '::ffff:10.1.2.4',
  ]) {
    assert.equal(isClosedAddress(address, own), false, address);
  }
});
