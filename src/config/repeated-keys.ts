import { faultAt } from '../domain/json-fault.ts';

/** A key that an object has twice: `JSON.parse` would keep the last value and say nothing. */
export type RepeatedKey = { readonly line: number; readonly column: number; readonly key: string };

/**
 * Every key of `text` that its object has already, at its second place. `text` is JSON; see
 * `findJsonFault`.
 */
export function findRepeatedKeys(text: string): readonly RepeatedKey[] {
  const found: RepeatedKey[] = [];
  /** The keys of the objects around, the innermost last; undefined for an array. */
  const around: (Set<string> | undefined)[] = [];
  let keyMayFollow = false;
  for (const { 0: token, index } of text.matchAll(/[{}[\],]|"(?:[^"\\]|\\.)*"/g)) {
    const keys = around.at(-1);
    if (keyMayFollow && keys !== undefined && token.startsWith('"')) {
      const key: string = JSON.parse(token);
      if (keys.has(key)) {
        const { line, column } = faultAt(text, index, '');
        found.push({ line, column, key });
      }
      keys.add(key);
    }
    if (token === '{') around.push(new Set());
    else if (token === '[') around.push(undefined);
    else if (token === '}' || token === ']') around.pop();
    keyMayFollow = token === '{' || token === ',';
  }
  return found;
}
