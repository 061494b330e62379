/** Where lines go: a stream of Node. `written` is called when the text has left the process. */
export type LineOutput = { write(text: string, written: () => void): unknown };

export type LineWriter = {
  /** Writes the line with the next flush. It ends with a line break. */
  write(line: string): void;
  /** Writes what waits. */
  flush(): void;
};

/** Characters that may wait for a reader that is too slow; further lines are left out. */
const waitingMax = 1_048_576;

/**
 * Writes lines in order, some at a time. When the reader is too slow, lines are left out and counted;
 * `formatLeftOut` makes the line that says how many.
 */
export function openLineWriter(
  output: LineOutput,
  formatLeftOut: (count: number) => string,
): LineWriter {
  let gathered = '';
  let sentCharacters = 0;
  let leftOutCount = 0;

  return {
    write(line) {
      if (sentCharacters + gathered.length > waitingMax) {
        leftOutCount += 1;
        return;
      }
      if (leftOutCount > 0) gathered += formatLeftOut(leftOutCount);
      leftOutCount = 0;
      gathered += line;
    },
    flush() {
      const text = gathered;
      gathered = '';
      if (text === '') return;
      sentCharacters += text.length;
      output.write(text, () => {
        sentCharacters -= text.length;
      });
    },
  };
}
