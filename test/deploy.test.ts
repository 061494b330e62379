/**
 * The files of deploy/ name settings, scripts, ports, paths and addresses that are there. They are
 * read as text: whether an engine takes them is for the engine to say.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { formatSettingsHelp, parseSettings } from '../src/config/settings.ts';
import { healthRoutes } from '../src/http/routes/health.ts';

const root = resolve(import.meta.dirname, '..');

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

const files = {
  container: read('deploy/Dockerfile'),
  ignored: read('deploy/Dockerfile.dockerignore'),
  compose: read('deploy/compose.yaml'),
  balancer: read('deploy/haproxy.cfg'),
  unit: read('deploy/openmpsd.service'),
};

function captures(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map(([, found = '']) => found);
}

/** Settings written as `MPSD_NAME=value` or `MPSD_NAME: value` in what is not a comment. */
function settingsIn(text: string): Readonly<Record<string, string>> {
  const code = text.replaceAll(/^\s*#.*$/gm, '');
  return Object.fromEntries(
    [...code.matchAll(/\b(MPSD_\w+)(?:=|: )"?([^"\s\\]+)/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  );
}

/** What the server makes of these settings; throws for one that it does not take. */
function settingsOf(env: Readonly<Record<string, string>>) {
  const parsed = parseSettings([], env);
  assert.ok('settings' in parsed, JSON.stringify(parsed));
  return parsed.settings;
}

/** Every setting that the help tells. */
const known = captures(formatSettingsHelp(), /\b(MPSD_[A-Z_]+)/g);

test('every setting that is named is one', () => {
  const named = Object.values(files).flatMap((text) => captures(text, /\b(MPSD_[A-Z_]+)/g));
  assert.ok(named.length > 8, 'settings were found');
  assert.deepEqual(
    named.filter((name) => !known.includes(name.replace(/_FILE$/, ''))),
    [],
  );
});

test('the container listens for other machines on the port that it exposes', () => {
  const env = settingsIn(files.container);
  const settings = settingsOf({ ...env, MPSD_ALLOW_DEV_AUTH: 'true' });
  assert.equal(settings.host, '0.0.0.0');
  assert.equal(settings.data, /^VOLUME (\S+)$/m.exec(files.container)?.[1]);
  assert.equal(String(settings.port), /^EXPOSE (\d+)$/m.exec(files.container)?.[1]);
  const refused = parseSettings([], env);
  assert.ok('problems' in refused && /--allow-dev-auth/.test(String(refused.problems)));
});

test('the container is built from files that are there', () => {
  const copied = captures(files.container, /^COPY (?!--from)(.+) \S+$/gm).flatMap((list) =>
    list.split(' '),
  );
  assert.ok(copied.length > 5, 'copied files were found');
  const kept = captures(files.ignored, /^!(\S+)$/gm);
  assert.deepEqual([...copied].sort(), [...kept].sort());
  assert.deepEqual(
    copied.filter((file) => !existsSync(join(root, file))),
    [],
  );
  const { bin } = JSON.parse(read('package.json'));
  assert.ok(files.container.includes(`ENTRYPOINT ["node", "${bin.openmpsd}"]`));
});

// Kills: a unit that does not start with the settings of the guide: a data folder that it may not write, a
// secret that it may not read.
test('the unit runs the folder of the guide with its settings', () => {
  const { name, bin } = JSON.parse(read('package.json'));
  const guide = read('docs/guides/running-in-production.md');
  const settings = settingsIn(/^# openmpsd\.env\n([^`]+)/m.exec(guide)?.[1] ?? '');
  assert.ok(Object.keys(settings).length > 4, 'the settings of the guide were found');
  const start = /^ExecStart=\/usr\/bin\/env (.*)\/usr\/bin\/node (\S+) serve$/m.exec(files.unit);
  assert.equal(start?.[2], `node_modules/${name}/${bin.openmpsd}`);
  const [folder = ''] = captures(files.unit, /^WorkingDirectory=(\S+)$/gm);
  assert.match(files.unit, new RegExp(`^EnvironmentFile=${folder}/openmpsd\\.env$`, 'm'));
  const replaced = settingsIn(start?.[1] ?? '');
  assert.equal(replaced['MPSD_DATA'], '%S/openmpsd');
  assert.match(files.unit, /^StateDirectory=openmpsd$/m);
  // Each secret that the guide keeps in a file comes as a credential.
  for (const variable of Object.keys(settings).filter((one) => one.endsWith('_FILE'))) {
    const file = settings[variable]?.replace(/^\.\//, '');
    assert.equal(replaced[variable], `%d/${file}`);
    assert.match(files.unit, new RegExp(`^LoadCredential=${file}:${folder}/${file}$`, 'm'));
  }
});

test('the container does not run as root', () => {
  const stages = files.container.split(/^FROM /m);
  assert.match(stages.at(-1) ?? '', /^USER node$/m);
});

test('what is asked of the health of a node is answered', () => {
  const routes = healthRoutes({
    problem: async () => undefined,
    conditions: () => [],
    setDrained: () => undefined,
    end: () => undefined,
  });
  const asked = Object.values(files).flatMap((text) => captures(text, /(\/health\/\w+)/g));
  assert.ok(asked.length > 2, 'paths were found');
  for (const path of asked)
    assert.ok(
      routes.some((route) => route.path === path),
      path,
    );
});

test('the nodes of the composition use the cluster that is made there', () => {
  const settings = settingsOf(settingsIn(files.compose));
  assert.equal(settings.durability, 'strict');
  const addresses = captures(files.compose, /ipv4_address: (\S+) }/g);
  assert.equal(new Set(addresses).size, 6);
  const made = captures(files.compose, / (172[\d.]+):6379/g);
  assert.deepEqual(made, addresses);
  for (const address of captures(settings.store, /([\d.]+):6379/g)) {
    assert.ok(addresses.includes(address), address);
  }
  assert.match(files.compose, /--cluster-replicas 1 /);
});

test('the balancer sends to every node of the composition, on its port', () => {
  const nodes = captures(files.compose, /^ {2}(openmpsd-\d):$/gm);
  assert.equal(nodes.length, 2);
  assert.deepEqual(
    captures(files.balancer, /^ {2}server \w+ (\S+)$/gm),
    nodes.map((node) => `${node}:8350`),
  );
  assert.equal(settingsIn(files.container)['MPSD_PORT'], '8350');
});

test('the balancer tells the nodes the address of a client, and not what the client says', () => {
  const frontend = /^frontend clients\n((?: .*\n)+)/m.exec(files.balancer)?.[1] ?? '';
  assert.match(frontend, /^ {2}http-request del-header X-Forwarded-For$/m);
  assert.match(frontend, /^ {2}option forwardfor$/m);
});

test('who stops a node leaves it the time to drain', () => {
  const drainMs = settingsOf({}).drainMs;
  const unitMs = Number(/TimeoutStopSec=(\d+)/.exec(files.unit)?.[1]) * 1_000;
  const composeMs = Number(/stop_grace_period: (\d+)s/.exec(files.compose)?.[1]) * 1_000;
  assert.ok(unitMs >= drainMs + 1_500 && composeMs >= drainMs + 1_500);
});
