/** Mermaid's blocks as pictures, drawn when the site is built: pages load no script for them. */

import { renderMermaidSVG } from 'beautiful-mermaid';

/** The SVG of a diagram, in the colours of the page. Throws when its text is no diagram. */
export function diagramHtml(text: string): string {
  const svg = renderMermaidSVG(text, {
    bg: 'var(--diagram-page)',
    fg: 'var(--diagram-ink)',
    line: 'var(--diagram-line)',
    accent: 'var(--diagram-accent)',
    muted: 'var(--diagram-muted)',
    surface: 'var(--diagram-surface)',
    border: 'var(--diagram-border)',
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
