/**
 * Makes the pages of the site in `.pages/`: the documents of the project, with links that fit, and
 * the reference, which is made from the sources. `docs/` is the only place to edit.
 */

import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { apiPage } from './pages/api-page.ts';
import { commandsPage } from './pages/commands-page.ts';
import { documents, projectFolder } from './pages/documents.ts';
import { librariesPages } from './pages/library-page.ts';
import { withLinks } from './pages/links.ts';
import { settingsPage } from './pages/settings-page.ts';

const folder = join(import.meta.dirname, '.pages');

async function write(page: string, text: string): Promise<void> {
  const file = join(folder, page);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

await rm(folder, { recursive: true, force: true });
await cp(join(projectFolder, 'docs/images'), join(folder, 'images'), { recursive: true });
// By its name, for the home page; documents name their pictures by their places.
await cp(
  join(projectFolder, 'docs/images/inspector.webp'),
  join(folder, 'public/images/inspector.webp'),
);
await cp(join(projectFolder, 'src/inspector/web/icon.svg'), join(folder, 'public/icon.svg'));
await write('index.md', await readFile(join(import.meta.dirname, 'home.md'), 'utf8'));
for (const { file, page, cut } of documents()) {
  const text = await readFile(join(projectFolder, file), 'utf8');
  await write(page, `---\nsource: ${file}\n---\n\n${withLinks(cut(text), file)}`);
}
await write('reference/settings.md', settingsPage());
await write('reference/commands.md', await commandsPage());
await write('reference/api.md', await apiPage());
for (const [page, text] of await librariesPages()) await write(page, text);
