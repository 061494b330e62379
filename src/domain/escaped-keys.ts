/**
 * A way round a fault of V8's JSON parser. It compares a key that is written with an escape by its
 * spelling with the keys it met at the same place of earlier texts: once somebody has sent
 * `{"\\":1}`, the key of `{"\n":1}` is read as a backslash. One user's data would change another's.
 *
 * So a text with such a key is parsed with all its keys spelled without escapes, and these are read
 * back from the value.
 *
 * @source https://github.com/nodejs/node/issues/63785
 */

export type Reviver = (
  key: string,
  value: unknown,
  context: { readonly source: string },
) => unknown;

// Missing from the TypeScript library, and the second from older browsers.
const { parse, isRawJSON } = JSON as unknown as {
  parse(text: string, reviver?: Reviver): unknown;
  readonly isRawJSON?: (value: unknown) => boolean;
};

/** What `JSON.parse` should make of `text`. Throws a SyntaxError when it is not JSON. */
export function parseWithTrueKeys(text: string, reviver?: Reviver): unknown {
  if (!text.includes('\\')) return parse(text, reviver);
  // What is not JSON ends here: the search for keys relies on it.
  const value = parse(text);
  if (hasEscapedKey(text)) return readPlainKeys(parse(spellKeysPlainly(text), reviver));
  return reviver === undefined ? value : parse(text, reviver);
}

function readPlainKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(readPlainKeys);
  if (typeof value !== 'object' || value === null || isRawJSON?.(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [readPlainKey(key), readPlainKeys(item)]),
  );
}

/** Strings of a JSON text; a key together with its colon. Linear on what is JSON, and only there. */
const strings = /"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*:)?/g;

/** True when a key in `text`, which is JSON, is written with an escape. */
function hasEscapedKey(text: string): boolean {
  for (const [token] of text.matchAll(strings)) {
    if (token.endsWith(':') && token.includes('\\')) return true;
  }
  return false;
}

/** `text`, which is JSON, with `~` and two hex digits for each character that a key must escape. */
function spellKeysPlainly(text: string): string {
  return text.replace(strings, (token) => {
    if (!token.endsWith(':')) return token;
    const end = token.lastIndexOf('"') + 1;
    const key: string = JSON.parse(token.slice(0, end));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what keys must not hold bare
    return `"${key.replace(/[~"\\\u0000-\u001f]/g, spell)}"${token.slice(end)}`;
  });
}

function spell(character: string): string {
  return `~${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** The key that `spellKeysPlainly` spelled so. */
function readPlainKey(spelled: string): string {
  return spelled.replace(/~([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
