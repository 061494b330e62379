/**
 * `npm ci` in a checkout, and npm for a dependency by git, build the package. JavaScript, since any Node
 * may run it. Without the packages for development there is nothing to build with.
 *
 * npm runs it as `postprepare`: of an installed package that has a script named `prepare` it warns. Nothing
 * is built where npm runs `prepare` alone: a global install by git, and a link to a folder. There: `npm pack`.
 */

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const { resolve } = createRequire(import.meta.url);

/** @param {string} name */
const isInstalled = (name) => {
  try {
    resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
};

if (['typescript', 'rolldown', 'vite'].every(isInstalled)) {
  const { status } = spawnSync('npm run build', { stdio: 'inherit', shell: true });
  process.exitCode = status ?? 1;
}
