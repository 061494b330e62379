/**
 * Loaded by `npm test` before each test file: what fast-check draws is the same each time, so that a
 * change is judged by what it changes, and not by chance. Others are drawn each night:
 * `MPSD_FUZZ_SEED` sets the seed.
 */

import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['MPSD_FUZZ_SEED'] ?? 20_260_722) });
