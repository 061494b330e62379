/** How the inspector's page is built. The server sends its files from `dist/page`. */

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));

export default defineConfig({
  root,
  // Relative addresses: the page works behind any prefix of a reverse proxy.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: fileURLToPath(new URL('../../../dist/page', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // Fonts stay files of their own: a page is shown before they are read.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
