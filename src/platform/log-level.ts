/** How bad a line of the log is. */
export type LogLevel = 'error' | 'warn' | 'info';

/** How the text of a line begins, by its level; the others are of level info. */
const beginnings = [
  ['error', 'error: '],
  ['warn', 'warning: '],
] as const;

/** The level of a line of text, as `error: …` and `warning: …` say it, and the text without that. */
export function parseLogText(line: string): { readonly level: LogLevel; readonly text: string } {
  const [level = 'info', beginning = ''] =
    beginnings.find(([, beginning]) => line.startsWith(beginning)) ?? [];
  return { level, text: line.slice(beginning.length) };
}

/** A text as a line of this level: what `parseLogText` reads. */
export function formatLogText(level: LogLevel, text: string): string {
  const [, beginning = ''] = beginnings.find(([one]) => one === level) ?? [];
  return `${beginning}${text}`;
}
