// Joins the modules of the command into a few files, `dist/main.cjs` and those in `dist/command`: most of
// a start was finding and loading hundreds of files. They are CommonJS, since Node gives an ES module
// every member of `node:crypto` and the like, and loads for it what nobody uses. What programs import
// stays as it is. The argument is another folder for `dist`. JavaScript, because npm runs it by itself
// after each install of a checkout, with any Node that npm itself runs on.

import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { build } from 'rolldown';

const root = resolve(import.meta.dirname, '..');
const dist = resolve(process.argv[2] ?? join(root, 'dist'));

/** The packages that a start loads, with their own, are joined too. All others stay what they are. */
const joinedPackages = [
  'valibot',
  '@noble/hashes',
  'lru-cache',
  // Of the gateway, which exec starts.
  'asn1js',
  'pvtsutils',
  'pvutils',
  'tslib',
];

/**
 * The modules that are loaded with each command, with the writer's thread, with a server, and with all
 * other commands; found once all modules are known.
 *
 * @type {Record<'each' | 'writer' | 'server' | 'others', ReadonlySet<string>>}
 */
let loadedBy = { each: new Set(), writer: new Set(), server: new Set(), others: new Set() };

/** The file of a module that a start loads; null: rolldown finds one. */
function fileOf(/** @type {string} */ id) {
  // What comes before the compile cache is on stays small.
  if (loadedBy.each.has(id) || id === resolve(root, 'src/store/sqlite/writer.ts')) return null;
  if (loadedBy.writer.has(id)) return 'store';
  if (!loadedBy.server.has(id)) return null;
  return loadedBy.others.has(id) ? 'common' : 'server';
}

await build({
  cwd: root,
  input: {
    main: 'src/main.js',
    // A thread starts from a file of its own.
    writer: 'src/store/sqlite/writer.ts',
  },
  platform: 'node',
  preserveEntrySignatures: 'allow-extension',
  external(id) {
    const name = packageOf(id);
    return name !== undefined && !joinedPackages.includes(name);
  },
  plugins: [
    {
      name: 'openmpsd',
      buildEnd() {
        const source = (/** @type {string} */ file) => resolve(root, 'src', file);
        /** The modules that are loaded with these. */
        const loadedWith = (/** @type {readonly string[]} */ entries) => {
          const found = new Set(entries);
          // What is added on the way has its turn too.
          for (const id of found) {
            for (const imported of this.getModuleInfo(id)?.importedIds ?? []) found.add(imported);
          }
          return found;
        };
        const commands = this.getModuleInfo(source('cli/command.ts'))?.dynamicallyImportedIds ?? [];
        const starting = ['cli/serve.ts', 'cli/exec.ts'].map(source);
        const server = [
          'cli/serve.ts',
          'server/node.ts',
          'store/sqlite/sqlite-store.ts',
          'store/sqlite/data-folder.ts',
        ];
        loadedBy = {
          each: loadedWith(['main.js', 'cli/command.ts'].map(source)),
          writer: loadedWith([source('store/sqlite/writer.ts')]),
          server: loadedWith(server.map(source)),
          others: loadedWith(commands.filter((id) => !starting.includes(id))),
        };
      },
      // V8 reads text of one byte a character, and compiles it, in less time than other text.
      generateBundle(_options, files) {
        for (const file of Object.values(files)) {
          if (file.type === 'chunk') file.code = file.code.replace(/[\u0080-\uffff]/g, escapeUnit);
        }
      },
    },
  ],
  logLevel: 'warn',
  // A busy machine makes it warn of slow plugins.
  checks: { bundlerTimings: false },
  output: {
    dir: dist,
    format: 'cjs',
    entryFileNames: ({ name }) => (name === 'main' ? 'main.cjs' : `command/${name}.cjs`),
    // As deep as the sources in a folder: what they name beside themselves is found from here.
    chunkFileNames: 'command/[name].cjs',
    codeSplitting: {
      // What a module imports is in its own file, or in one of those that more of the command needs.
      includeDependenciesRecursively: false,
      groups: [{ name: fileOf, debugName: 'loaded at a start' }],
    },
    keepNames: true,
    sourcemap: true,
    // A third of the sources; Node reads and checks each byte at each start.
    comments: false,
  },
});
// A child process is given its address; nothing imports it.
await copyFile(join(root, 'src/cli/exec-preload.cjs'), join(dist, 'command/exec-preload.cjs'));
await writeFile(join(dist, 'command/licenses-of-packages.txt'), await licenses());

/** A unit of UTF-16 as texts, templates, expressions and names of JavaScript may have it. */
function escapeUnit(/** @type {string} */ unit) {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The package that `id` names; undefined for a file. */
function packageOf(/** @type {string} */ id) {
  return isAbsolute(id) ? undefined : /^(?:@[^/]+\/)?[^./\0][^/]*/.exec(id)?.[0];
}

/** The license of each package that is joined, as its authors wrote it. */
async function licenses() {
  const texts = joinedPackages.map(async (name) => {
    const folder = join(root, 'node_modules', name);
    const files = (await readdir(folder)).filter((file) => /^licen[cs]e/i.test(file));
    const [text] = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
    if (text === undefined) throw new Error(`${name} has no license file`);
    return `${name}\n\n${text.trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${'-'.repeat(72)}\n\n`);
}
