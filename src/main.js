#!/usr/bin/env node
// JavaScript, unlike all the rest: a Node that is too old for the sources can read it and say so. And
// it runs before the compile cache is on: Node would load a compiler at each start to strip its types.
import module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const nodeMajorMin = 24;
if (Number.parseInt(process.versions.node, 10) < nodeMajorMin) {
  process.stderr.write(
    `openmpsd: needs Node.js ${nodeMajorMin} or later; this is ${process.version}. In a checkout "npm start" brings it along; in a project, "npm install node@${nodeMajorMin}" does.\n`,
  );
  process.exit(1);
}
// What was compiled at one start is there at the next, so that the server starts fast. The folder is
// Node's usual one; in the environment it is found by the threads as well.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'node-compile-cache');
module.enableCompileCache();
const { runCommand } = await import('./cli/command.ts');
process.exitCode = await runCommand(process.argv.slice(2), process);
