/** The TypeScript of the docs is what an editor accepts, under the strict options of this project. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parsePage } from './page.ts';

const root = resolve(import.meta.dirname, '../..');

/** The whole programs of a page; what imports nothing of `openmpsd` is a part of another one. */
function programsOf(page: string): readonly string[] {
  return parsePage(readFileSync(join(root, page), 'utf8')).steps.flatMap((step) =>
    'block' in step &&
    step.block.language === 'ts' &&
    /from 'openmpsd(\/\w+)?'/.test(step.block.text)
      ? [`${step.block.text}\nexport {};\n`]
      : [],
  );
}

test('every program of the docs has the types that it says', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-types-'));
  context.after(() => rm(folder, { recursive: true }));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  await writeFile(join(folder, 'package.json'), '{"type": "module"}\n');
  const pages = globSync(['*.md', 'docs/**/*.md', 'config/*.md'], { cwd: root });
  const files = new Map<string, string>();
  for (const page of pages) {
    for (const [at, program] of programsOf(page).entries()) {
      files.set(`${page.replaceAll(/\W/g, '-')}-${at}.ts`, program);
    }
  }
  assert.ok(files.size > 7, 'programs were found');
  for (const [name, program] of files) await writeFile(join(folder, name), program);
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        noEmit: true,
        noUnusedLocals: false,
        paths: {
          openmpsd: [join(root, 'src/index.ts')],
          'openmpsd/client': [join(root, 'src/client/multiplayer-service.ts')],
          'openmpsd/testing': [join(root, 'src/testing/test-server.ts')],
        },
      },
      include: ['*.ts'],
    }),
  );
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});
