import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ExecTarget, execEnvironment } from './exec-environment.ts';

const target: ExecTarget = {
  url: 'http://127.0.0.1:1',
  proxyUrl: 'http://127.0.0.1:2',
  tlsPort: 3,
  domains: ['xboxlive.com', 'login.live.com'],
  rootFile: '/data/root.pem',
  bundleFile: '/run/trusted.pem',
  javaStore: { file: '/run/trusted.jks', password: 'changeit' },
  preloadFile: '/app/preload.cjs',
  tokens: new Map([
    ['Ada', 'token of Ada'],
    ['Ben', 'token of Ben'],
  ]),
};

test('the proxy is named in both cases, and this machine goes without', () => {
  const env = execEnvironment({}, target);
  for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy']) {
    assert.equal(env[name], 'http://127.0.0.1:2', name);
  }
  assert.equal(env['NO_PROXY'], 'localhost,127.0.0.1,::1');
  assert.equal(env['no_proxy'], env['NO_PROXY']);
});

test('what the caller has set stays, where it does not lead elsewhere', () => {
  const before = {
    PATH: '/bin',
    no_proxy: 'internal.example',
    NODE_OPTIONS: '--no-warnings',
    JAVA_TOOL_OPTIONS: '-Xmx1g',
    HTTPS_PROXY: 'http://elsewhere:1',
  };
  const env = execEnvironment(before, target);
  assert.equal(env['PATH'], '/bin');
  assert.equal(env['NO_PROXY'], 'internal.example,localhost,127.0.0.1,::1');
  assert.equal(env['NODE_OPTIONS'], '--no-warnings --require "/app/preload.cjs"');
  assert.match(env['JAVA_TOOL_OPTIONS'] ?? '', /^-Xmx1g .*-Dhttps\.proxyPort=2 /);
  assert.equal(env['HTTPS_PROXY'], 'http://127.0.0.1:2');
  assert.deepEqual(Object.keys(before).length, 5);
});

test('each user has a token, and the first has two names', () => {
  const env = execEnvironment({}, target);
  assert.deepEqual(
    [env['OPENMPSD_TOKEN'], env['OPENMPSD_TOKEN_ADA'], env['OPENMPSD_TOKEN_BEN']],
    ['token of Ada', 'token of Ada', 'token of Ben'],
  );
  const nobody = execEnvironment({}, { ...target, tokens: new Map() });
  assert.equal(nobody['OPENMPSD_TOKEN'], undefined);
});

test('paths with spaces, quotes and backslashes stay whole', () => {
  const env = execEnvironment(
    {},
    {
      ...target,
      preloadFile: 'C:\\My "own" files\\preload.cjs',
      javaStore: { file: 'C:\\My files\\trusted.jks', password: 'changeit' },
      proxyUrl: 'http://[::1]:2',
    },
  );
  assert.equal(env['NODE_OPTIONS'], '--require "C:\\\\My \\"own\\" files\\\\preload.cjs"');
  assert.match(
    env['JAVA_TOOL_OPTIONS'] ?? '',
    /"-Djavax\.net\.ssl\.trustStore=C:\\My files\\trusted\.jks"/,
  );
  assert.match(env['JAVA_TOOL_OPTIONS'] ?? '', /-Dhttps\.proxyHost=::1 /);
});
