/** Mermaid's blocks as pictures, drawn when the site is built: pages load no script for them. */

import { renderMermaidSVG } from 'beautiful-mermaid';

/** The SVG of a diagram, in the colours of the page. Throws when its text is no diagram. */
export function diagramHtml(text: string): string {
  const svg = renderMermaidSVG(text, {
    bg: 'var(--surface)',
    fg: 'var(--ink)',
    line: 'var(--ink-3)',
    accent: 'var(--green)',
    muted: 'var(--ink-2)',
    surface: 'var(--green-soft)',
    border: 'var(--line-strong)',
    font: 'Geist',
    transparent: true,
  })
    // The page has the font itself.
    .replaceAll(/@import url\([^)]*\);/g, '');
  // As a text: Vue would take the tags of the picture for its own.
  const literal = JSON.stringify(svg)
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;');
  return `<figure class="diagram" v-html="${literal}"></figure>\n`;
}
