import { resolve } from 'node:path';

/**
 * The command that tests start as a process: that of the sources. `npm test` names the built one, which
 * users start, in `MPSD_TEST_COMMAND`: its start costs half as much, and there are hundreds.
 */
export const commandFile =
  process.env['MPSD_TEST_COMMAND'] ?? resolve(import.meta.dirname, '../main.js');
