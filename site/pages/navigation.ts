/** The order of the pages in the sidebar. A page that is in no group is an error. */

import { globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { projectFolder } from './documents.ts';

export type Group = {
  readonly text: string;
  readonly collapsed?: boolean;
  readonly items: { readonly text: string; readonly link: string }[];
};

function guidesOfIndex(): readonly string[] {
  const index = readFileSync(join(projectFolder, 'docs/guides/README.md'), 'utf8');
  return [...index.matchAll(/^\| \[[^\]]+\]\(([^)]+)\.md\)/gm)].map(([, path = '']) =>
    posix.normalize(posix.join('guides', path)),
  );
}

/** Pages by their paths without `.md`; a star stands for all that are left in a folder. */
const groups: readonly (readonly [text: string, pages: readonly string[], collapsed?: boolean])[] =
  [
    ['Start', ['start', 'what-it-does', 'how-it-works', 'glossary']],
    [
      'Guides',
      // In the order of their index.
      ['guides/index', ...guidesOfIndex(), 'gateway', 'guides/*'],
    ],
    ['Tools', ['inspector', 'captures', 'control']],
    ['Operations', ['operations', 'durability', 'scale', 'metrics', 'admin']],
    [
      'Reference',
      [
        'reference/settings',
        'reference/commands',
        'reference/service-configs',
        'reference/client',
        'reference/testing',
        'reference/server',
        'reference/api',
      ],
    ],
    [
      'Wire protocol',
      [
        'wire/index',
        'wire/sessions',
        'wire/handles',
        'wire/rta',
        'wire/refusals',
        'wire/queries',
        'wire/search',
        'wire/time',
        'wire/initialization',
        'wire/callers',
        'wire/matchmaking',
        'wire/activity',
        'wire/*',
      ],
      true,
    ],
    ['Project', ['architecture', 'project/contributing', 'project/*'], true],
    ['Decisions', ['decisions/*'], true],
  ];

/**
 * The groups of the sidebar. Pages that a group names and that are not there are left out.
 *
 * Throws when a page is in no group.
 */
export function sidebar(folder: string): Group[] {
  const left = new Set(
    globSync('**/*.md', { cwd: folder })
      .map((file) => file.replaceAll('\\', '/').replace(/\.md$/, ''))
      .toSorted(),
  );
  left.delete('index');
  const takenBy = (pattern: string): readonly string[] =>
    pattern.endsWith('*')
      ? [...left].filter((page) => page.startsWith(pattern.slice(0, -1)))
      : [pattern].filter((page) => left.has(page));
  // A star takes what no other group names.
  const named = new Set(groups.flatMap(([, pages]) => pages));
  const made = groups.map(([text, pages, collapsed]): Group => {
    const items = pages.flatMap((pattern) =>
      takenBy(pattern)
        .filter((page) => page === pattern || !named.has(page))
        .map((page) => {
          left.delete(page);
          return { text: titleOf(folder, page), link: `/${page.replace(/(^|\/)index$/, '$1')}` };
        }),
    );
    return { text, ...(collapsed && { collapsed }), items };
  });
  if (left.size > 0) throw new Error(`No group of the sidebar has ${[...left].join(', ')}.`);
  return made;
}

function titleOf(folder: string, page: string): string {
  const title = /^# (.+)$/m.exec(readFileSync(join(folder, `${page}.md`), 'utf8'))?.[1];
  if (title === undefined) throw new Error(`${page}.md has no title.`);
  // A decision is known by its number.
  const [, number] = /^decisions\/(\d{4})-/.exec(page) ?? [];
  if (/(^|\/)index$/.test(page)) return 'Overview';
  const plain = title.replaceAll('`', '').replace(/^\d{4}[.:]? /, '');
  return number === undefined ? plain : `${Number(number)} ${plain}`;
}
