import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameOptions, parseSettings, settingFlags } from './settings.ts';

const issuer = ['--auth=oidc', '--oidc-issuer=https://login.example'];
const oidc = [...issuer, '--oidc-audience=my-game'];

function parsed(...args: readonly string[]) {
  const outcome = parseSettings(args, {});
  assert.ok('settings' in outcome, JSON.stringify(outcome));
  return outcome.settings;
}

test('the settings of outside issuers', () => {
  const settings = parsed(...issuer, '--oidc-audience=a, b', '--auth-claims=xid=uid,gtg=a.b');
  assert.equal(settings.oidcIssuer, 'https://login.example');
  assert.deepEqual(settings.oidcAudience, ['a', 'b']);
  assert.deepEqual(settings.authClaims, { xid: 'uid', gtg: 'a.b' });
  assert.equal(parsed('--encrypted-tokens=any').encryptedTokens, 'any');
  assert.equal(parsed('--encrypted-tokens=1234').encryptedTokens, '1234');
  // An issuer that is no address has its keys named.
  parsed('--auth=oidc', '--oidc-issuer=steam', '--oidc-audience=a', '--auth-keys=jwks.json');
});

const wrong: readonly (readonly [args: readonly string[], text: RegExp])[] = [
  [['--auth=oidc', '--oidc-audience=a'], /--auth oidc needs --oidc-issuer/],
  [issuer, /--auth oidc needs --oidc-audience/],
  [['--auth=oidc', '--oidc-issuer=steam', '--oidc-audience=a'], /is no address.*--auth-keys/],
  [['--oidc-issuer=https://login.example'], /of no use with --auth dev/],
  [['--oidc-audience=a'], /of no use with --auth dev/],
  [['--oidc-client-id=a'], /--oidc-client-id.* are of no use with --auth dev/],
  // Kills: the advice to add a client id, which is then said to be of no use.
  [
    ['--auth=signed', '--auth-keys=jwks.json', '--oidc-client-secret=s'],
    /^--oidc-issuer.*-secret and --oidc-request-audience are of no use with --auth signed; add --auth oidc\.$/,
  ],
  [['--oidc-request-audience=a'], /^--oidc-issuer.* are of no use with --auth dev; [^\n]*$/],
  [
    [
      '--auth=oidc',
      '--oidc-issuer=steam',
      '--oidc-audience=a',
      '--auth-keys=k',
      '--oidc-client-id=c',
    ],
    /--oidc-client-id needs an --oidc-issuer that is an address/,
  ],
  [[...oidc, '--oidc-client-secret=s'], /belong to a client; add --oidc-client-id/],
  [[...oidc, '--oidc-request-audience=a'], /belong to a client; add --oidc-client-id/],
  [['--auth-claims=xid=sub'], /--auth-claims is of no use with --auth dev/],
  [[...oidc, '--auth-claims=xuid=sub'], /--auth-claims is "xuid=sub"; expected pairs such as/],
  [[...oidc, '--oidc-audience=a,,b'], /--oidc-audience is "a,,b"; expected texts/],
  [[...oidc, '--encrypted-tokens=any'], /does not go with --auth oidc/],
  [
    ['--auth=signed', '--auth-keys=jwks.json', '--encrypted-tokens=1'],
    /does not go with --auth signed/,
  ],
  [['--encrypted-tokens=x'], /expected a title id/],
];

test('settings of outside issuers that do not go together are refused with what to do', () => {
  for (const [args, text] of wrong) {
    const outcome = parseSettings(args, {});
    assert.ok('problems' in outcome, args.join(' '));
    assert.match(outcome.problems.join('\n'), text);
  }
});

test('an admin token is long, and never shown', () => {
  assert.equal(parsed('--admin-token=0123456789abcdef').adminToken, '0123456789abcdef');
  for (const short of ['0123456789abcde', '0123456789 abcdef', '']) {
    const outcome = parseSettings([], { MPSD_ADMIN_TOKEN: short });
    assert.ok('problems' in outcome);
    assert.match(outcome.problems.join('\n'), /MPSD_ADMIN_TOKEN is not as it must be; expected 16/);
    if (short !== '') assert.ok(!outcome.problems.join('\n').includes(short));
  }
});

test('where anybody can be any game service, none is made an administrator', () => {
  const outcome = parseSettings(['--admin-services=panel'], {});
  assert.ok('problems' in outcome);
  assert.match(outcome.problems.join('\n'), /--admin-services is of no use with --auth dev/);
  const services = parsed(...oidc, '--admin-services=panel, ops').adminServices;
  assert.deepEqual(services, ['panel', 'ops']);
});

test('what a proxy does with other hosts needs a proxy', () => {
  for (const outcome of [
    parseSettings(['--proxy-others', 'tunnel'], {}),
    parseSettings([], { MPSD_PROXY_OTHERS: 'tunnel' }),
  ]) {
    assert.ok('problems' in outcome);
    assert.deepEqual(outcome.problems, [
      '--proxy-others tunnel (MPSD_PROXY_OTHERS) is of no use without a proxy; add --proxy-port (MPSD_PROXY_PORT).',
    ]);
  }
  assert.equal(parsed('--proxy-others=refuse').proxyOthers, 'refuse');
  assert.equal(parsed('--proxy-others=tunnel', '--proxy-port=0').proxyOthers, 'tunnel');
  const byEnvironment = { MPSD_PROXY_OTHERS: 'tunnel', MPSD_PROXY_PORT: '8351' };
  assert.ok('settings' in parseSettings([], byEnvironment));
  const faulty = parseSettings(['--proxy-others=tunnel', '--proxy-port=x'], {});
  assert.ok('problems' in faulty);
  assert.equal(faulty.problems.length, 1);
});

test('users of an issuer may be served on an address that other machines reach', () => {
  assert.equal(parsed(...oidc, '--host=0.0.0.0').host, '0.0.0.0');
});

test('an address to listen on is an address or a name, and nothing that only resembles one', () => {
  for (const host of [
    '127.0.0.1',
    '::1',
    '::',
    '0.0.0.0',
    'localhost',
    'node-1',
    'play.example.',
  ]) {
    assert.equal(parsed(`--host=${host}`, '--allow-dev-auth').host, host);
  }
  for (const host of ['300.1.1.1', '1.2.3', '127', '[::1]', 'localhost:8350', '-x', 'a b', 'a/b']) {
    const outcome = parseSettings([`--host=${host}`], {});
    assert.ok('problems' in outcome, host);
    assert.match(outcome.problems.join('\n'), /^--host is ".*"; expected an address such as 127/);
  }
});

test('a flag that does nothing with the store is refused; a variable may be for another start', () => {
  for (const [args, text] of [
    [['--store=memory', '--durability=strict'], /^--durability is of no use with --store memory/],
    [['--store=memory', '--replicas=1'], /^--replicas is of no use with --store memory/],
    [
      ['--store=memory', '--data=d'],
      /^--data is of no use with --store memory, which keeps nothing/,
    ],
    [['--replicas=1'], /^--replicas is of no use with --store sqlite.*for Redis/],
  ] as const) {
    const outcome = parseSettings(args, {});
    assert.ok('problems' in outcome, args.join(' '));
    assert.match(outcome.problems.join('\n'), text);
  }
  parsed('--store=redis://cache', '--replicas=1', '--durability=strict', '--cache=1MiB');
  // A quarter of it bounds the texts of search results.
  assert.equal(parsed('--store=memory', '--cache=1MiB').cacheBytesMax, 2 ** 20);
  // The folder holds the root certificate of the gateway.
  parsed('--store=memory', '--data=d', '--proxy-port=0');
  const env = { MPSD_STORE: 'memory', MPSD_DURABILITY: 'strict', MPSD_DATA: '/data' };
  assert.ok('settings' in parseSettings([], env));
});

test('a server may cut what is under way at once when it ends', () => {
  assert.equal(parsed('--drain=0').drainMs, 0);
  const outcome = parseSettings(['--drain=0s'], {});
  assert.ok('problems' in outcome);
  assert.match(outcome.problems.join(), /--drain is "0s"; expected a duration .*, or 0\./);
});

// Kills: a timer of 30 days, which Node takes for one of no time; a body that is longer than any text.
test('a size or a duration out of its range is refused with the least and the greatest', () => {
  const hour = 3_600_000;
  for (const [args, name, value] of [
    [['--max-body=1KiB'], 'bodyBytesMax', 1_024],
    // Kills: bodies that cannot be made smaller unless documents are too.
    [['--max-body=512KiB'], 'documentBytesMax', 524_288],
    [['--max-body=2MiB'], 'documentBytesMax', 1_048_576],
    [['--max-empty=36500d'], 'emptyMsMax', 36_500 * 24 * hour],
    [['--max-body=256MiB'], 'bodyBytesMax', 268_435_456],
    [['--cache=1024GiB'], 'cacheBytesMax', 2 ** 40],
    [['--sweep=1d'], 'sweepIntervalMs', 24 * hour],
    [['--invite-lifetime=365d'], 'inviteLifetimeMs', 365 * 24 * hour],
    [['--drain=0'], 'drainMs', 0],
  ] as const) {
    assert.equal(parsed(...args)[name], value, args.join(' '));
  }
  for (const [arg, text] of [
    [
      '--max-body=0KiB',
      /^--max-body is "0KiB"; expected a size from 1KiB to 256MiB, such as 64KiB/,
    ],
    ['--max-body=1GiB', /a size from 1KiB to 256MiB/],
    ['--max-body=1000000', /a size from 1KiB to 256MiB/],
    ['--cache=1025GiB', /a size from 1KiB to 1024GiB/],
    ['--sweep=30d', /a duration from 1ms to 1d, such as 500ms/],
    ['--sweep=1', /a duration from 1ms to 1d/],
    ['--drain=25h', /a duration from 1ms to 1d.*, or 0\.$/],
    ['--invite-lifetime=999999999d', /a duration from 1ms to 365d/],
  ] as const) {
    const outcome = parseSettings([arg], {});
    assert.ok('problems' in outcome, arg);
    assert.match(outcome.problems.join('\n'), text);
  }
});

test('a session that can be read can be written: no document is larger than a body', () => {
  const problemOf = (args: readonly string[], env = {}) => {
    const outcome = parseSettings(args, env);
    assert.ok('problems' in outcome, args.join(' '));
    return outcome.problems.join('\n');
  };
  assert.match(
    problemOf(['--max-document=2MiB']),
    /^--max-document \(MPSD_MAX_DOCUMENT\) is 2MiB and --max-body \(MPSD_MAX_BODY\) is 1MiB: .* lower the one, or raise the other\.$/,
  );
  const env = { MPSD_MAX_BODY: '512KiB', MPSD_MAX_DOCUMENT: '1MiB' };
  assert.match(problemOf([], env), /is 1MiB and .* is 512KiB/);
  parsed('--max-document=2MiB', '--max-body=2MiB');
  parsed('--max-document=512KiB', '--max-body=512KiB');
});

test('to programs settings are named as they name them', () => {
  for (const [text, named] of [
    [
      'choose another with --tls-port (0 takes a free one)',
      'choose another with tlsPort (0 takes a free one)',
    ],
    ['--auth signed needs --auth-keys (MPSD_AUTH_KEYS), the', 'auth signed needs authKeys, the'],
    ['record /home/x--port/a.har is there', 'record /home/x--port/a.har is there'],
    ['use "openmpsd token --svc <name>"', 'use "openmpsd token --svc <name>"'],
  ] as const) {
    assert.equal(nameOptions(text), named);
  }
  for (const flag of Object.keys(settingFlags)) {
    assert.match(nameOptions(`--${flag}`), /^[a-z][A-Za-z]+$/);
  }
});
