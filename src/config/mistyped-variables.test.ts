import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findMistypedVariables } from './mistyped-variables.ts';
import { settingVariables } from './settings.ts';

const found = (...names: readonly string[]) =>
  findMistypedVariables(
    Object.fromEntries(names.map((name) => [name, 'verysecret'])),
    settingVariables,
  );

test('a variable that is nearly a setting is named with that setting, without its value', () => {
  const cases: readonly (readonly [given: string, meant: string])[] = [
    ['MPSD_SOTRE', 'MPSD_STORE'],
    ['MPSD_PROT', 'MPSD_PORT'],
    ['MPSD_PORTS', 'MPSD_PORT'],
    ['MPSD_PROXYPORT', 'MPSD_PROXY_PORT'],
    ['MPSD_RATE_LIMIT', 'MPSD_RATE_LIMITS'],
    ['MPSD_TRUSTED_PROXY', 'MPSD_TRUSTED_PROXIES'],
    ['MPSD_ADMIN_TOKEN_FIEL', 'MPSD_ADMIN_TOKEN_FILE'],
  ];
  for (const [given, meant] of cases) {
    assert.deepEqual(found(given), [
      `${given} is no setting and is ignored; did you mean ${meant}?`,
    ]);
  }
});

test('settings, names that others use, and names of other programs are not judged', () => {
  assert.deepEqual(found(...settingVariables), []);
  assert.deepEqual(found(...settingVariables.map((name) => `${name}_FILE`)), []);
  const others = ['URL', 'RTA_URL', 'TOKEN', 'TOKEN_ADA', 'PROXY', 'ROOT_CERTIFICATE', 'NAME'];
  const ofTests = ['TEST_LOG', 'TARGET', 'TARGET_SEED', 'KIT_STORE', 'SEED', 'SEEDS', 'KILLS'];
  const more = ['SESSIONS', 'RESTARTS', 'REPLICAS', 'BROWSER', 'FORMER', 'DOMAINS', 'FUZZ_SEED'];
  const ofKubernetes = ['SERVICE_HOST', 'SERVICE_PORT', 'PORT_8350_TCP', 'PORT_8350_TCP_ADDR'];
  const names = [...others, ...ofTests, ...more, ...ofKubernetes].map((name) => `MPSD_${name}`);
  assert.deepEqual(found(...names, 'SOTRE', 'MPSD'), []);
});
