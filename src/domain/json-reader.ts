/**
 * A reader for the JSON texts that the engine's own parser would not read truly.
 *
 * Two things are wrong with `JSON.parse`. Numbers lose digits, and a reviver, which gets the source text of
 * each number, takes twenty times as long as parsing. And V8 compares a key that is written with
 * an escape by its spelling with the keys it met at the same place of earlier texts: after
 * `{"\\":1}` has been parsed, the key of `{"\n":1}` is read as a backslash. One user's data would
 * change another's.
 *
 * @source https://github.com/nodejs/node/issues/63785
 */

/** The value of a number, by its source text and whether it is below a key named `custom`. */
export type NumberOf = (source: string, isTitleData: boolean) => unknown;

/**
 * The value of `text`, which must be JSON: what `JSON.parse` refuses is not found out here.
 *
 * Takes time linear in `text`. Recurses once for each level of nesting.
 */
export function readJson(text: string, numberOf: NumberOf): unknown {
  let at = 0;

  return value(false);

  function skipSpace(): void {
    while (text.charCodeAt(at) <= 0x20) at += 1;
  }

  function value(isTitleData: boolean): unknown {
    skipSpace();
    const code = text.charCodeAt(at);
    switch (code) {
      case 0x22:
        return string();
      case 0x7b:
        return object(isTitleData);
      case 0x5b:
        return array(isTitleData);
      case 0x74:
        at += 4;
        return true;
      case 0x66:
        at += 5;
        return false;
      case 0x6e:
        at += 4;
        return null;
      default:
        return number(isTitleData);
    }
  }

  function object(isTitleData: boolean): unknown {
    const members: Record<string, unknown> = {};
    at += 1;
    skipSpace();
    while (text.charCodeAt(at) !== 0x7d) {
      const key = string();
      skipSpace();
      at += 1;
      const item = value(isTitleData || key === 'custom');
      // Assigned, it would become the prototype.
      if (key === '__proto__') Object.defineProperty(members, key, { value: item, ...ownProperty });
      else members[key] = item;
      skipSpace();
      if (text.charCodeAt(at) === 0x2c) at += 1;
      skipSpace();
    }
    at += 1;
    return members;
  }

  function array(isTitleData: boolean): unknown {
    const items: unknown[] = [];
    at += 1;
    skipSpace();
    while (text.charCodeAt(at) !== 0x5d) {
      items.push(value(isTitleData));
      skipSpace();
      if (text.charCodeAt(at) === 0x2c) at += 1;
      skipSpace();
    }
    at += 1;
    return items;
  }

  function string(): string {
    const start = at;
    const { end, hasEscape } = endOfString(text, start);
    at = end;
    // The engine's fault concerns keys; it reads a string alone correctly.
    return hasEscape ? JSON.parse(text.slice(start, end)) : text.slice(start + 1, end - 1);
  }

  function number(isTitleData: boolean): unknown {
    const start = at;
    let isPlain = true;
    for (; ; at += 1) {
      const code = text.charCodeAt(at);
      if (code >= 0x30 && code <= 0x39) continue;
      if (code !== 0x2b && code !== 0x2d && code !== 0x2e && code !== 0x45 && code !== 0x65) break;
      isPlain = false;
    }
    const source = text.slice(start, at);
    return isPlain && source.length <= plainDigitsMax
      ? Number(source)
      : numberOf(source, isTitleData);
  }
}

const ownProperty = { writable: true, enumerable: true, configurable: true };

/** Digits without sign or fraction, few enough to be the same number in every way of reading. */
const plainDigitsMax = 15;

/** The end of the string that opens at `start`, in a text that is JSON. */
function endOfString(
  text: string,
  start: number,
): { readonly end: number; readonly hasEscape: boolean } {
  let hasEscape = false;
  for (let at = start + 1; ; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return { end: at + 1, hasEscape };
    if (code === 0x5c) {
      hasEscape = true;
      at += 1;
    }
  }
}

/** True when a key in `text`, which must be JSON, is written with an escape. */
export function hasEscapedKey(text: string): boolean {
  let at = text.indexOf('\\');
  while (at >= 0) {
    // From within a string, at its first escape, its end is found as from its beginning.
    let { end } = endOfString(text, at - 1);
    while (text.charCodeAt(end) <= 0x20) end += 1;
    if (text.charCodeAt(end) === 0x3a) return true;
    at = text.indexOf('\\', end);
  }
  return false;
}
