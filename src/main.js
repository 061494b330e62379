#!/usr/bin/env node
// JavaScript, unlike all the rest: a Node that is too old for the sources can read it and say so. And
// it runs before the compile cache is on: Node would load a compiler at each start to strip its types.
import module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { problemOfNode } from './platform/node-version.js';

const problem = problemOfNode();
if (problem !== undefined) {
  process.stderr.write(`openmpsd: ${problem}\n`);
  process.exit(1);
}
// What was compiled at one start is there at the next, so that the server starts fast. The folder is
// Node's usual one; in the environment it is found by the threads as well.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'node-compile-cache');
module.enableCompileCache();
const { runCommand } = await import('./cli/command.ts');
process.exitCode = await runCommand(process.argv.slice(2), process);
