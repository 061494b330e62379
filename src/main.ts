#!/usr/bin/env node
import module from 'node:module';

const nodeMajorMin = 24;
if (Number.parseInt(process.versions.node, 10) < nodeMajorMin) {
  process.stderr.write(
    `openmpsd: needs Node.js ${nodeMajorMin} or later; this is ${process.version}.\n`,
  );
  process.exit(1);
}
// What was compiled at one start is there at the next, so that the server starts fast.
module.enableCompileCache();
const { runCommand } = await import('./cli/command.ts');
process.exitCode = await runCommand(process.argv.slice(2), process);
