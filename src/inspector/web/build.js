// Builds the inspector's page into dist/page. The argument is another folder for `dist`. JavaScript, and
// quiet, because npm runs it by itself after each install of a checkout, with any Node that npm itself
// runs on.

import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Vite; undefined where only what the server needs is installed: npm ci --omit=dev. */
async function viteIfInstalled() {
  try {
    return await import('vite');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
      return undefined;
    }
    throw error;
  }
}

const vite = await viteIfInstalled();
const dist = process.argv[2];
await vite?.build({
  configFile: fileURLToPath(new URL('vite.config.js', import.meta.url)),
  build: dist === undefined ? {} : { outDir: join(resolve(dist), 'page') },
  logLevel: 'warn',
});
