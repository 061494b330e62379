/** Text from players and captures, as a terminal or a log may show it. */

/** Control characters, line breaks, marks of direction and other invisible ones, half characters. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const allUnprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * One line of text: no line breaks, no commands to the terminal, no change of direction. Each such
 * character becomes `\u{1b}`.
 */
export function formatPrintable(text: string): string {
  if (!unprintable.test(text)) return text;
  return text.replace(
    allUnprintable,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** True of text without line breaks and control characters. Joined emoji are such text too. */
export function isOneLine(text: string): boolean {
  return !/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u.test(text);
}

/** The text that `formatPrintable` made this of. `\u{…}` of no character stays as it is. */
export function parsePrintable(text: string): string {
  return text.replace(/\\u\{([0-9a-f]{1,6})\}/gi, (written, digits: string) => {
    const codePoint = Number.parseInt(digits, 16);
    return codePoint > 0x10_ff_ff ? written : String.fromCodePoint(codePoint);
  });
}

/** Lines of text, each with its line break. */
export function formatPrintableLines(lines: readonly string[]): string {
  return lines.map((line) => `${formatPrintable(line)}\n`).join('');
}

/** JSON in lines that means the same, with such characters of its strings as `\u001b`. */
export function formatPrintableJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(allUnprintable, (character) =>
    character === '\n' ? character : escapeUnits(character),
  );
}

function escapeUnits(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
