/**
 * A node of a cluster for trying out: `openmpsd serve` with the flags given, which ends when the
 * process that forked it does, however that ends.
 */

import { runCommand } from '../cli/command.ts';

const end = (): boolean => process.kill(process.pid, 'SIGTERM');
process.once('disconnect', end);
process.exitCode = await runCommand(['serve', ...process.argv.slice(2)], process);
// The channel would keep the process alive.
process.off('disconnect', end);
if (process.connected) process.disconnect();
