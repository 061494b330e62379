/**
 * Checks the site that was built: every link inside it leads to a page and a heading, every page can
 * be found by links, and no page loads anything from elsewhere.
 */

import { globSync, readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, 'dist');
const base = process.env['SITE_BASE'] ?? '/';
const problems: string[] = [];

type SitePage = {
  readonly html: string;
  readonly anchors: ReadonlySet<string>;
};

const pages = new Map<string, SitePage>();
for (const file of globSync('**/*.html', { cwd: folder })) {
  const html = readFileSync(join(folder, file), 'utf8');
  const anchors = new Set([...html.matchAll(/\sid="([^"]+)"/g)].map(([, id = '']) => textOf(id)));
  const path = `/${file.replaceAll('\\', '/').replace(/(^|\/)index\.html$/, '$1')}`;
  pages.set(path.replace(/\.html$/, ''), { html, anchors });
}

/** What the characters of an attribute stand for. */
function textOf(text: string): string {
  return text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'");
}

function isFile(path: string): boolean {
  return existsSync(join(folder, path));
}

for (const [path, { html }] of pages) {
  for (const [, link = ''] of html.matchAll(/<a\s[^>]*?href="([^"]+)"/g)) {
    if (/^[a-z]+:/.test(link)) continue;
    const url = new URL(textOf(link), `http://site${base}${path.slice(1)}`);
    const target = `/${decodeURIComponent(url.pathname).slice(base.length)}`;
    const page = pages.get(target);
    if (page === undefined) {
      if (!isFile(target)) problems.push(`${path} links to ${link}, which is not there`);
      continue;
    }
    const anchor = decodeURIComponent(url.hash.slice(1));
    // The theme's own link past the navigation.
    if (anchor === '' || anchor === 'VPContent') continue;
    if (!page.anchors.has(anchor)) problems.push(`${path} links to ${link}, which has no heading`);
  }
  const loaded = [
    ...html.matchAll(/<(?:script|img|iframe|source|video)\s[^>]*?src="([^"]+)"/g),
    ...html.matchAll(/<link\s(?![^>]*rel="canonical")[^>]*?href="([^"]+)"/g),
  ];
  for (const [, address = ''] of loaded) {
    if (/^(\w+:)?\/\//.test(address)) problems.push(`${path} loads ${address}`);
    else if (!address.startsWith('data:') && !isFile(address.slice(base.length - 1))) {
      problems.push(`${path} loads ${address}, which is not there`);
    }
  }
  for (const [, address] of html.matchAll(/@import|url\(["']?(https?:[^)"']+)/g)) {
    problems.push(`${path} loads ${address ?? 'a style sheet'}`);
  }
}
for (const file of globSync('**/*.css', { cwd: folder })) {
  const css = readFileSync(join(folder, file), 'utf8');
  for (const [, address] of css.matchAll(/url\(["']?((?:https?:)?\/\/[^)"']+)/g)) {
    problems.push(`${file} loads ${address}`);
  }
}

if (pages.size < 50) problems.push(`only ${pages.size} pages were built`);
for (const problem of new Set(problems)) process.stderr.write(`${problem}\n`);
process.stdout.write(`${pages.size} pages, ${new Set(problems).size} problems\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
