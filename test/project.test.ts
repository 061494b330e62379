/** The files around the code: scripts, workflows, templates and releases name what is there. */

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { checkRelease } from '../scripts/check-release.ts';
import { settingVariables } from '../src/config/settings.ts';

const root = resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  readonly version: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly repository: { readonly url: string };
  readonly files: readonly string[];
};

test('scripts run in the shells of Windows: no single quotes, no variables before a command', () => {
  for (const [name, script] of Object.entries(manifest.scripts)) {
    assert.doesNotMatch(script, /'|(^|&& )\w+=|\$\w|;/, name);
  }
});

test('the package has what its README links to, but for code and tests', () => {
  const links = [...read('README.md').matchAll(/\]\((?!https?:)([^)#]+)/g)].map(
    ([, to = '']) => to,
  );
  const missing = links.filter(
    (to) =>
      !/^(src|test)\//.test(to) &&
      !manifest.files.some((kept) => to === kept || to.startsWith(`${kept}/`)),
  );
  assert.deepEqual(missing, ['CONTRIBUTING.md', 'SECURITY.md']);
  assert.match(manifest.repository.url, /^git\+https:/);
});

type Step = { readonly uses?: string; readonly run?: string };
type Workflow = {
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, { readonly 'runs-on': string; readonly steps: Step[] }>>;
};

test('workflows run scripts and files that are there, with few rights', () => {
  const files = globSync('.github/workflows/*.yml', { cwd: root });
  assert.ok(files.length >= 2);
  for (const file of files) {
    const workflow = parse(read(file)) as Workflow;
    assert.deepEqual(workflow.permissions, { contents: 'read' }, file);
    const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
    for (const { uses, run = '' } of steps) {
      if (uses !== undefined) assert.match(uses, /^[\w-]+\/[\w-]+@v\d+$/);
      for (const [, script = ''] of run.matchAll(/npm run ([\w:]+)/g)) {
        assert.ok(Object.hasOwn(manifest.scripts, script), `${file}: ${script}`);
      }
      for (const [path] of run.matchAll(/\.ci\/run|(?:scripts|test|deploy)\/[\w./-]+/g)) {
        assert.ok(existsSync(join(root, path)), `${file}: ${path}`);
      }
    }
  }
});

test('issue templates are forms that can be filled in', () => {
  for (const file of globSync('.github/ISSUE_TEMPLATE/*.yml', { cwd: root })) {
    const form = parse(read(file)) as {
      readonly name?: string;
      readonly body?: readonly unknown[];
    };
    if (file.endsWith('config.yml')) continue;
    assert.ok(form.name && form.body && form.body.length > 0, file);
  }
});

test('a release names one version everywhere', () => {
  const files = (version: string, changelog: string) => ({
    package: JSON.stringify({ version }),
    lock: JSON.stringify({ version }),
    changelog,
  });
  const log =
    '# Changelog\n\n## Unreleased\n\nLater.\n\n## 1.2.3 (2026-12-01)\n\n- New.\n\n## 1.2.2\n\nOld.\n';
  assert.deepEqual(checkRelease('v1.2.3', files('1.2.3', log)), { problems: [], notes: '- New.' });
  assert.equal(checkRelease('v1.2.4', files('1.2.3', log)).problems.length, 3);
  assert.equal(checkRelease('1.2.3', files('1.2.3', log)).problems.length, 1);
  assert.match(checkRelease('v1.2.3', files('1.2.3', '# C\n')).problems.join(), /CHANGELOG/);
});

type Manifest = {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: Readonly<Record<string, unknown>>;
};

test('the manifests of Kubernetes fit each other, the image and the settings', () => {
  const parts = parseAllDocuments(read('deploy/kubernetes/openmpsd.yaml')).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS() as Manifest;
  });
  assert.deepEqual(
    parts.map(({ kind }) => kind),
    ['ServiceAccount', 'Deployment', 'Service', 'PodDisruptionBudget'],
  );
  const deployment = parts[1]?.spec as unknown as {
    readonly selector: { readonly matchLabels: object };
    readonly template: {
      readonly metadata: { readonly labels: object };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly {
          readonly image: string;
          readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
          readonly env: readonly { readonly name: string }[];
          readonly lifecycle: {
            readonly preStop: { readonly exec: { readonly command: readonly string[] } };
          };
          readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
        }[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
  const { spec: pod, metadata } = deployment.template;
  const [container] = pod.containers;
  assert.ok(container);
  assert.deepEqual(deployment.selector.matchLabels, metadata.labels);
  for (const part of parts.slice(2)) {
    const { selector } = part.spec as { readonly selector: { readonly matchLabels?: object } };
    assert.deepEqual(selector.matchLabels ?? selector, metadata.labels, part.kind);
  }
  assert.deepEqual(
    container.env.filter(({ name }) => !settingVariables.includes(name.replace(/_FILE$/, ''))),
    [],
  );
  assert.deepEqual(
    container.volumeMounts.map(({ name }) => name).sort(),
    pod.volumes.map(({ name }) => name).sort(),
  );
  assert.match(
    read('deploy/Dockerfile'),
    new RegExp(`EXPOSE ${container.ports[0]?.containerPort}`),
  );
  // Draining takes 3 s and at most 1.5 s more.
  const [, seconds] = container.lifecycle.preStop.exec.command;
  assert.ok(pod.terminationGracePeriodSeconds >= Number(seconds) + 5);
  const { version } = JSON.parse(read('package.json'));
  assert.ok(container.image.endsWith(`/openmpsd:${version}`), container.image);
});

test('the composition of one service is read-only but for its volume', () => {
  const { services, volumes } = parse(read('deploy/compose.single.yaml')) as {
    readonly services: { readonly openmpsd: Readonly<Record<string, unknown>> };
    readonly volumes: object;
  };
  const { openmpsd } = services;
  assert.equal(openmpsd['read_only'], true);
  const [mount] = openmpsd['volumes'] as readonly string[];
  const [volume = '', folder] = mount?.split(':') ?? [];
  assert.ok(Object.hasOwn(volumes, volume));
  assert.equal(folder, /^VOLUME (\S+)$/m.exec(read('deploy/Dockerfile'))?.[1]);
});
