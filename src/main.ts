#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

// What was compiled at one start is there at the next, so that the server starts fast.
enableCompileCache();

const { runCommand } = await import('./cli/command.ts');
process.exitCode = await runCommand(process.argv.slice(2), process);
