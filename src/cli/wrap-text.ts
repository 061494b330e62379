/** Help for a terminal: lines that are longer than it is wide are broken between words. */

/** A name, at least two spaces, and what is said of it: further lines begin below what is said. */
const row = /^ +\S+(?: \S+)* {2,}(?=\S)/;

/**
 * `text` with no line longer than `columns`, but for words that are. What a line has too much goes before
 * the next line, where that continues it.
 */
export function wrapText(text: string, columns: number): string {
  const wrapped: string[] = [];
  let rest = '';
  let restIndent = 0;
  for (const line of text.split('\n')) {
    const head = row.exec(line)?.[0];
    const indent = head?.length ?? line.length - line.trimStart().length;
    const continues = rest !== '' && head === undefined && line !== '' && indent === restIndent;
    if (rest !== '' && !continues) wrapped.push(rest);
    let left = continues ? `${rest} ${line.trimStart()}` : line;
    rest = '';
    restIndent = indent * 3 < columns * 2 ? indent : 0;
    while (left.length > columns) {
      // Not in the indent: there would be no end.
      const at = breakOf(left, restIndent, columns);
      if (at === undefined) break;
      wrapped.push(left.slice(0, at));
      rest = ' '.repeat(restIndent) + left.slice(at + 1);
      left = rest;
    }
    if (rest === '') wrapped.push(left);
  }
  if (rest !== '') wrapped.push(rest);
  return wrapped.join('\n');
}

/** The last space before `columns`, else the first after it; undefined where there is none. */
function breakOf(line: string, indent: number, columns: number): number | undefined {
  const before = line.lastIndexOf(' ', columns);
  if (before > indent) return before;
  const after = line.indexOf(' ', columns);
  return after < 0 ? undefined : after;
}
