/** Which document of the project is which page of the site. */

import { globSync } from 'node:fs';
import { join } from 'node:path';

export const projectFolder = join(import.meta.dirname, '../..');

export const repository = 'https://github.com/openmpsd/openmpsd';

export type Document = {
  /** Its path in the project. */
  readonly file: string;
  /** Its path in the site, with `.md`. */
  readonly page: string;
  /** The part of its text that the page has. */
  readonly cut: (text: string) => string;
};

const whole = (text: string): string => text;

/** Sections of a text, by their headings of the second level. */
function sectionsOf(text: string): ReadonlyMap<string, string> {
  const parts = text.split(/^(?=## )/m).slice(1);
  return new Map(parts.map((part) => [/^## (.+)$/m.exec(part)?.[1] ?? '', part]));
}

const quickStartSections = [
  'Start',
  'The 60-second tour',
  'From TypeScript',
  'Aim a client at it',
  'Many nodes',
  'Commands',
];

function quickStart(text: string): string {
  const sections = sectionsOf(text);
  const parts = quickStartSections.map((heading) => {
    const part = sections.get(heading);
    if (part === undefined) throw new Error(`README.md has no section "${heading}" any more.`);
    return part;
  });
  return `# Quick start\n\n${parts.join('')}`;
}

/** The beginning of the README: what the project is, and the claims with their tests. */
function whatItDoes(text: string): string {
  const [beginning = ''] = text.split(/^## /m);
  return beginning.replace(/^# OpenMPSD$/m, '# What it does');
}

/** Every document, each page once. */
export function documents(): readonly Document[] {
  return [
    { file: 'README.md', page: 'start.md', cut: quickStart },
    { file: 'README.md', page: 'what-it-does.md', cut: whatItDoes },
    { file: 'config/README.md', page: 'reference/service-configs.md', cut: whole },
    { file: 'test/conformance/README.md', page: 'project/conformance.md', cut: whole },
    { file: 'CONTRIBUTING.md', page: 'project/contributing.md', cut: whole },
    { file: 'CODE_OF_CONDUCT.md', page: 'project/code-of-conduct.md', cut: whole },
    { file: 'SECURITY.md', page: 'project/security.md', cut: whole },
    { file: 'CHANGELOG.md', page: 'project/changelog.md', cut: whole },
    ...globSync('docs/**/*.md', { cwd: projectFolder })
      .map((path) => path.replaceAll('\\', '/'))
      .toSorted()
      .map((file) => ({ file, page: pageOf(file), cut: whole })),
  ];
}

function pageOf(file: string): string {
  return file.replace(/^docs\//, '').replace(/README\.md$/, 'index.md');
}
