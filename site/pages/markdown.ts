/** Pieces of Markdown for pages that are made from the sources. */

/** Text that Markdown and Vue leave as it is; code between backticks stays code. */
export function escapeText(text: string): string {
  return text
    .split(/(`[^`\n]*`)/)
    .map((part) =>
      part.startsWith('`')
        ? part
        : part
            .replaceAll('&', '&amp;')
            .replaceAll('<', '&lt;')
            .replaceAll('{{', '&#123;&#123;')
            .replaceAll(/([*_|])/g, '\\$1'),
    )
    .join('');
}

/** A cell of a table that holds code. */
export function codeCell(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

export function codeBlock(language: string, text: string): string {
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\`\n`;
}
