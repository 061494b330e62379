/** Links of a document, as its page needs them. */

import { existsSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { documents, projectFolder, repository } from './documents.ts';

/** The first page of each file; links to the README lead to the quick start. */
const pages = new Map<string, string>();
for (const { file, page } of documents()) if (!pages.has(file)) pages.set(file, page);

/**
 * The text with every relative link led to a page of the site, or to the file in the repository where
 * the site has no page of it. Comments are left out.
 *
 * Throws when a link leads nowhere.
 */
export function withLinks(text: string, file: string): string {
  return text
    .split(/^(```[\s\S]*?^```)/m)
    .map((part) =>
      part.startsWith('```')
        ? part
        : part
            .replaceAll(/^<!--[\s\S]*?-->\n+/gm, '')
            .replaceAll(
              /\]\((?!\w+:)([^)\s]+)\)/g,
              (_, link: string) => `](${placeOf(link, file)})`,
            ),
    )
    .join('');
}

function placeOf(link: string, file: string): string {
  const [path = '', anchor] = link.split('#');
  const hash = anchor === undefined ? '' : `#${anchor}`;
  const target = path === '' ? file : posix.normalize(posix.join(posix.dirname(file), path));
  return linkTo(target.replace(/\/$/, ''), hash);
}

/** A link to a file or folder of the project, with `hash` behind it. */
export function linkTo(target: string, hash = ''): string {
  const page = pages.get(target) ?? pages.get(`${target}/README.md`);
  if (page !== undefined) return `/${page}${hash}`;
  if (target.startsWith('docs/images/')) return target.replace('docs', '');
  const path = join(projectFolder, target);
  if (!existsSync(path)) throw new Error(`There is no ${target}; a link leads to it.`);
  return `${repository}/${statSync(path).isDirectory() ? 'tree' : 'blob'}/main/${target}${hash}`;
}

/** The anchor of a heading, as GitHub makes it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}
