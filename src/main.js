#!/usr/bin/env node
// JavaScript, unlike all the rest: a Node that is too old for the sources can read it and say so. And
// it runs before the compile cache is on: Node would load a compiler at each start to strip its types.
import module from 'node:module';
import { dirname, join } from 'node:path';
import { privateCacheFolder, removeUnusedVersions } from './platform/cache-folder.js';
import { problemOfNode } from './platform/node-version.js';

const problem = problemOfNode();
if (problem !== undefined) {
  process.stderr.write(`openmpsd: ${problem}\n`);
  process.exit(1);
}
// What was compiled at one start is there at the next, so that the server starts fast. Threads find
// the folder in the environment.
const ourCaches =
  process.env['NODE_COMPILE_CACHE'] === undefined ? privateCacheFolder('compiled') : undefined;
process.env['NODE_COMPILE_CACHE'] ??= ourCaches ?? '';
if (process.env['NODE_COMPILE_CACHE'] !== '') module.enableCompileCache();
const inUse = module.getCompileCacheDir();
if (ourCaches !== undefined && inUse !== undefined) {
  // Only a process that stays has time for it. What fails is done by another one.
  setTimeout(() => {
    // As Node names them: v24.21.0-x64-…
    const place = { ours: ourCaches, inUse, versions: /^v\d/ };
    removeUnusedVersions(place, Date.now()).catch(() => undefined);
  }, 10_000).unref();
}
// Who reads the output may end before the command does, as `head`: then it ends too, without a word.
// What stops in order at a signal does so now; 141 is what a shell reports of a closed pipe.
let isClosed = false;
for (const output of [process.stdout, process.stderr]) {
  output.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code !== 'EPIPE') throw error;
    if (isClosed) return;
    isClosed = true;
    if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(141);
  });
}
// npm runs a script in the folder of the package; files are named as seen from the folder of the caller.
const { npm_lifecycle_event: script, INIT_CWD: callersFolder } = process.env;
const packageFolder = dirname(import.meta.dirname);
const isOurScript = script === 'openmpsd' || script === 'start';
if (isOurScript && callersFolder !== undefined && process.cwd() === packageFolder) {
  process.chdir(callersFolder);
  // `npm start` keeps its sessions in one folder, from wherever it is called.
  if (script === 'start' && process.env['MPSD_DATA_FILE'] === undefined) {
    process.env['MPSD_DATA'] ??= join(packageFolder, 'data');
  }
}
// Node also ends a process with 0 that awaits what can no longer come. For a command that is a failure.
const sayEndedEarly = () => {
  process.exitCode = 1;
  process.stderr.write(
    'openmpsd: a fault of this program: it ended before the command was done.\n',
  );
};
process.once('beforeExit', sayEndedEarly);
// The built command is CommonJS, which has no await here.
void import('./cli/command.ts').then(async ({ runCommand }) => {
  process.exitCode = await runCommand(process.argv.slice(2), process);
  process.off('beforeExit', sayEndedEarly);
});
