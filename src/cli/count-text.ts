/** A count with its noun: "1 entry of a list", "1,024 entries of lists". `many`: the noun with an s unless given. */
export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
