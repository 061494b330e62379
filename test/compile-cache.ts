/**
 * Imported for its effect: what this process starts keeps its compiled sources in `node_modules`. A
 * test file takes half the time to load then, and there are hundreds.
 */

import { resolve } from 'node:path';

process.env['NODE_COMPILE_CACHE'] ??= resolve(
  import.meta.dirname,
  '../node_modules/.cache/compiled',
);
