/** Metrics as Prometheus reads them, and the files that use them. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { startServer } from '../src/server.ts';
import { joinBody, startKit } from '../src/testing/kit.ts';

const root = resolve(import.meta.dirname, '..');
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

const kit = await startKit({
  store: 'sqlite',
  settings: { metrics: 'on' },
});
after(() => kit[Symbol.asyncDispose]());

/** The samples of a scrape, by name and labels. */
async function scrape(): Promise<ReadonlyMap<string, number>> {
  const { status, text, headers } = await kit.request('GET', '/metrics');
  assert.equal(status, 200, text);
  assert.match(headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  assert.ok(text.endsWith('\n'));
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

test('what happens is counted, under labels of few values', async () => {
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const reference = kit.reference();
  await using line = await ada.connect();
  const connection = await line.connectionId();
  const subscription = { id: '5A4BF5AB-7F74-4F35-9CB0-D4A0A4A3A9A1', changeTypes: ['everything'] };
  const system = { active: true, connection, subscription };
  await ada.putSession(reference, { members: { me: { properties: { system } } } });
  await ben.putSession(reference, joinBody());
  await line.nextTaps();
  await ada.postHandle({ version: 1, type: 'activity', sessionRef: reference });
  await ben.putSession(reference, {}, { ifMatch: '"no"' });
  await ada.request('BREW' as 'GET', `/${'x'.repeat(20)}`);
  await kit.advance(1_000);
  const samples = await scrape();
  const route = '/serviceconfigs/{scid}/sessiontemplates/{templateName}/sessions/{name}';
  const expected = {
    [`openmpsd_http_requests_total{method="PUT",route="${route}",status="201"}`]: 1,
    [`openmpsd_http_requests_total{method="PUT",route="${route}",status="412"}`]: 1,
    [`openmpsd_http_request_duration_seconds_count{method="PUT",route="${route}"}`]: 3,
    'openmpsd_refusals_total{code="etagDiffers"}': 1,
    openmpsd_rta_connections: 1,
    openmpsd_rta_connections_opened_total: 1,
    'openmpsd_rta_subscriptions_total{change="subscribed"}': 1,
    openmpsd_taps_total: 1,
    openmpsd_sessions: 1,
    'openmpsd_members{status="joined"}': 2,
    'openmpsd_members{status="reserved"}': 0,
    'openmpsd_handles{type="activity"}': 1,
    openmpsd_sessions_began_total: 1,
    openmpsd_members_came_total: 2,
    'openmpsd_handles_made_total{type="activity"}': 1,
    'openmpsd_session_changes_total{cause="request"}': 3,
    openmpsd_ready: 1,
    openmpsd_problems: 0,
  };
  const found = Object.keys(expected).map((name) => [name, samples.get(name)]);
  assert.deepEqual(Object.fromEntries(found), expected);
  const unknown = [...samples.keys()].filter((name) => name.includes('route="none"'));
  assert.ok(unknown.length > 0 && unknown.every((name) => !name.includes('BREW')), unknown.join());
  assert.ok(!JSON.stringify([...samples.keys()]).includes(reference.name));
  for (const name of ['openmpsd_store_group_writes_count', 'nodejs_eventloop_lag_p99_seconds']) {
    assert.ok((samples.get(name) ?? -1) >= 0, name);
  }
  const calls = samples.get('openmpsd_store_call_duration_seconds_count{call="commit"}') ?? 0;
  assert.ok(calls >= 3, `${calls} commits`);
});

test('no page of another origin reads metrics', async () => {
  const headers = { origin: 'http://localhost:5173' };
  const answer = await kit.request('GET', '/metrics', { headers });
  assert.deepEqual([answer.status, answer.refusal], [403, 'originForbidden']);
});

test('where other machines reach the server, metrics are for administrators, or open', async () => {
  const reachable = {
    port: 0,
    host: '0.0.0.0',
    store: 'memory',
    auth: 'dev',
    allowDevAuth: true,
  } as const;
  await assert.rejects(startServer({ ...reachable, metrics: 'on' }), /use metrics open where/);
  const adminToken = 'a-token-of-16-or-more';
  await using server = await startServer({ ...reachable, metrics: 'on', adminToken });
  const url = `http://127.0.0.1:${new URL(server.url).port}/metrics`;
  const statusFor = async (headers: Record<string, string>): Promise<number> =>
    (await fetch(url, { headers })).status;
  assert.equal(await statusFor({}), 401);
  assert.equal(await statusFor({ authorization: 'XBL3.0 x=-;svc=anybody' }), 403);
  assert.equal(await statusFor({ authorization: `Bearer ${adminToken}` }), 200);
});

/** The names that these texts use, without the suffixes of histograms. */
function namesIn(...texts: readonly string[]): ReadonlySet<string> {
  const found = texts.flatMap(
    (text) => text.match(/\b(?:openmpsd|nodejs|process)_[a-z0-9_]+/g) ?? [],
  );
  return new Set(found.map((name) => name.replace(/_(?:bucket|count|sum)$/, '')));
}

test('dashboard, alerts and documentation name metrics that there are, and no others', async () => {
  const { text } = await kit.request('GET', '/metrics');
  const names = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const own = [...names].filter((name) => name?.startsWith('openmpsd_')).sort();
  assert.deepEqual(
    [...namesIn(textOf('docs/metrics.md'))].filter((name) => !/_$/.test(name)).sort(),
    own,
  );

  const dashboard = JSON.parse(textOf('deploy/grafana/openmpsd.json')) as {
    readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
  };
  const asked = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const rules = textOf('deploy/prometheus/openmpsd.rules.yaml');
  for (const name of namesIn(rules, ...asked)) assert.ok(names.has(name), `${name} is no metric`);
  // A new metric belongs on the dashboard.
  const shown = namesIn(JSON.stringify(dashboard));
  assert.deepEqual(
    own.filter((name) => !shown.has(name ?? '')),
    [],
  );

  const alerts = [...rules.matchAll(/alert: (\w+)/g)].map(([, name]) => name ?? '');
  const documented = textOf('docs/metrics.md');
  const tested = textOf('deploy/prometheus/openmpsd.rules.test.yaml');
  for (const alert of alerts) {
    assert.ok(documented.includes(`| ${alert} |`), `${alert} is not documented`);
    assert.ok(tested.includes(`alertname: ${alert}\n`), `${alert} is not tested`);
  }
});

/** Undefined where Prometheus must be there, or is. */
const skip =
  process.env['MPSD_PROMETHEUS'] !== 'required' &&
  spawnSync('promtool', ['--version']).error !== undefined &&
  'promtool is not installed (Debian: prometheus)';

test('the tool of Prometheus accepts metrics and alerts', { skip }, async () => {
  const folder = join(root, 'deploy/prometheus');
  const ruled = spawnSync('promtool', ['test', 'rules', 'openmpsd.rules.test.yaml'], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.equal(ruled.status, 0, ruled.stdout + ruled.stderr);
  const { text } = await kit.request('GET', '/metrics');
  const { stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  // The library names three metrics of Node so.
  assert.deepEqual(stderr.match(/^openmpsd.*$/gm), null);
});

test('a Prometheus scrapes the server and keeps what it counts', { skip }, async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'openmpsd-prometheus-'));
  const [config, data] = [join(folder.path, 'prometheus.yml'), join(folder.path, 'data')];
  const { host } = new URL(kit.url);
  writeFileSync(
    config,
    `scrape_configs: [{job_name: openmpsd, scrape_interval: 250ms, static_configs: [{targets: ['${host}']}]}]
rule_files: ['${join(root, 'deploy/prometheus/openmpsd.rules.yaml')}']
`,
  );
  const scrapes = async (): Promise<number> =>
    (await scrape()).get(
      'openmpsd_http_requests_total{method="GET",route="/metrics",status="200"}',
    ) ?? 0;
  const args = ['--web.listen-address=127.0.0.1:0', `--config.file=${config}`];
  const prometheus = spawn('prometheus', [...args, `--storage.tsdb.path=${data}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  prometheus.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  const exited = once(prometheus, 'exit');
  const before = await scrapes();
  // Each look is one itself. The first of the others is kept when the next one comes.
  for (let looks = 0; (await scrapes()) - before - looks < 3; looks += 1) {
    assert.equal(prometheus.exitCode, null, said);
    await setImmediate();
  }
  prometheus.kill('SIGTERM');
  await exited;
  const { stdout } = spawnSync('promtool', ['tsdb', 'dump', data], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.match(stdout, /__name__="up".* 1 \d+$/m, said);
  assert.match(stdout, /__name__="openmpsd_build_info".*store="sqlite"/);
});
