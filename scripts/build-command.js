// Joins the modules of the command into a few files, `dist/main.js` and those in `dist/command`: most of
// a start was finding and loading hundreds of files. What programs import stays as it is. The argument
// is another folder for `dist`. JavaScript, because npm runs it by itself after each install of a
// checkout, with any Node that npm itself runs on.

import { copyFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { build } from 'rolldown';

const root = resolve(import.meta.dirname, '..');
const dist = resolve(process.argv[2] ?? join(root, 'dist'));

await build({
  cwd: root,
  input: {
    main: 'src/main.js',
    // A thread starts from a file of its own.
    writer: 'src/store/sqlite/writer.ts',
  },
  platform: 'node',
  // Packages stay what their authors published.
  external: (id) => !id.startsWith('.') && !isAbsolute(id),
  logLevel: 'warn',
  output: {
    dir: dist,
    entryFileNames: ({ name }) => (name === 'main' ? 'main.js' : `command/${name}.js`),
    // As deep as the sources in a folder: what they name beside themselves is found from here.
    chunkFileNames: 'command/[name].js',
    keepNames: true,
    sourcemap: true,
  },
});
// A child process is given its address; nothing imports it.
await copyFile(join(root, 'src/cli/exec-preload.cjs'), join(dist, 'command/exec-preload.cjs'));
