/**
 * The first rows that can be parsed, at most `limit`; fewer: there are no more. `read` gives the first rows,
 * damaged ones among them; `parse` gives undefined for a damaged one.
 */
export async function firstReadable<Row, Value>(
  limit: number,
  read: (limit: number) => readonly Row[] | Promise<readonly Row[]>,
  parse: (row: Row) => Value | undefined,
): Promise<readonly Value[]> {
  for (let asked = limit; ; asked *= 2) {
    const rows = await read(asked);
    const found = rows.flatMap((row) => parse(row) ?? []);
    // Damaged ones take no place: who gets fewer than asked for takes them for the last.
    if (found.length >= limit || rows.length < asked) return found.slice(0, limit);
  }
}
