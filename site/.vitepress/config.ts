import { join } from 'node:path';
import { defineConfig } from 'vitepress';
import { diagramHtml } from '../pages/diagram.ts';
import { repository } from '../pages/documents.ts';
import { anchorOf } from '../pages/links.ts';
import { sidebar } from '../pages/navigation.ts';

/** The most characters of code in a sentence that stay on one line: on a phone it has about 40. */
const unbrokenCodeMax = 24;

const pagesFolder = join(import.meta.dirname, '../.pages');

export default defineConfig({
  title: 'OpenMPSD',
  description: 'The session directory of Xbox Live (MPSD), to run yourself.',
  lang: 'en',
  srcDir: '.pages',
  outDir: 'dist',
  // GitHub Pages serves a project under its name.
  base: process.env['SITE_BASE'] ?? '/',
  cleanUrls: true,
  ignoreDeadLinks: 'localhostLinks',
  head: [
    [
      'link',
      { rel: 'icon', type: 'image/svg+xml', href: `${process.env['SITE_BASE'] ?? '/'}icon.svg` },
    ],
  ],
  markdown: {
    // Documents are plain Markdown: what looks like a tag is text.
    html: false,
    linkify: false,
    attrs: { disable: true },
    // Links into a page are written for GitHub.
    anchor: { slugify: anchorOf },
    theme: { light: 'github-light', dark: 'github-dark' },
    config(markdown) {
      const code = markdown.renderer.rules.code_inline;
      markdown.renderer.rules.code_inline = (tokens, at, options, env, self) => {
        const token = tokens[at];
        // A browser breaks lines at hyphens, also within --a-flag.
        if (token && token.content.length <= unbrokenCodeMax) token.attrJoin('class', 'unbroken');
        return code?.(tokens, at, options, env, self) ?? '';
      };
      const fence = markdown.renderer.rules.fence;
      markdown.renderer.rules.fence = (tokens, at, options, env, self) => {
        const { info = '', content = '' } = tokens[at] ?? {};
        if (info.trim() === 'mermaid') return diagramHtml(content);
        return fence?.(tokens, at, options, env, self) ?? '';
      };
    },
  },
  themeConfig: {
    logo: '/icon.svg',
    outline: [2, 3],
    search: {
      provider: 'local',
      options: {
        // What people look for first is worth more than why something was decided.
        miniSearch: {
          searchOptions: {
            boostDocument: (id: string) => (/\/(decisions|project)\//.test(id) ? 0.4 : 1),
          },
        },
      },
    },
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Guides', link: '/guides/', activeMatch: '^/guides/' },
      { text: 'Reference', link: '/reference/settings', activeMatch: '^/reference/' },
      { text: 'Wire', link: '/wire/', activeMatch: '^/wire/' },
      { text: 'Operations', link: '/operations' },
    ],
    sidebar: sidebar(pagesFolder),
    socialLinks: [{ icon: 'github', link: repository }],
    editLink: {
      pattern: ({ frontmatter }) =>
        frontmatter['source'] === undefined
          ? 'https://github.com/openmpsd/openmpsd/tree/main/site/pages'
          : `https://github.com/openmpsd/openmpsd/edit/main/${frontmatter['source']}`,
      text: 'Edit this page',
    },
    footer: {
      message:
        'MIT. Not affiliated with, endorsed or sponsored by Microsoft. Xbox and Xbox Live are trademarks of Microsoft.',
    },
  },
});
