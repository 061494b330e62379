// Builds the inspector's page into dist/page. JavaScript, and quiet, because npm runs it by itself
// after each install of a checkout, with any Node that npm itself runs on.

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
await vite?.build({
  configFile: fileURLToPath(new URL('vite.config.js', import.meta.url)),
  logLevel: 'warn',
});
