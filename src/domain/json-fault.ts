/**
 * Where a text stops being JSON, for those who have to correct it. The engine's own parser names
 * no place for half of the faults.
 *
 *   value   = object | array | string | number | "true" | "false" | "null"
 *   object  = "{" [ string ":" value { "," string ":" value } ] "}"
 *   array   = "[" [ value { "," value } ] "]"
 */

/** Line and column count from 1; columns in UTF-16 units. */
export type JsonFault = {
  readonly line: number;
  readonly column: number;
  /** What should stand there, to follow "expected". */
  readonly expected: string;
  /** What stands there, to follow "found". */
  readonly found: string;
};

/** What the grammar asks for next. */
type Place = 'value' | 'itemOrEnd' | 'keyOrEnd' | 'key' | 'colon' | 'commaOrEnd' | 'end';

/** Where reading goes on, and what is expected there. */
type Next = { readonly place: Place; readonly at: number };

/** The first fault of `text`; undefined exactly when `JSON.parse` accepts it. Does not recurse. */
export function findJsonFault(text: string): JsonFault | undefined {
  /** The closing brackets that are still to come, the innermost last. */
  const closers: string[] = [];
  let place: Place = 'value';
  let at = 0;
  for (;;) {
    at = endOfMatch(whitespace, text, at) ?? at;
    if (place === 'end' && at === text.length) return undefined;
    const next = readToken(text, at, place, closers);
    if (next === undefined) {
      return faultAt(text, at, expectations[place].replace('closer', `"${closers.at(-1)}"`));
    }
    if ('expected' in next) return next;
    ({ place, at } = next);
  }
}

/**
 * Reads what begins at `at`; brackets are put on `closers` and taken off it. Undefined: nothing begins
 * there that may stand there.
 */
function readToken(
  text: string,
  at: number,
  place: Place,
  closers: string[],
): Next | JsonFault | undefined {
  const char = text[at];
  if (char !== undefined && char === closers.at(-1) && mayClose.has(place)) {
    closers.pop();
    return { place: afterValue(closers), at: at + 1 };
  }
  switch (place) {
    case 'value':
    case 'itemOrEnd': {
      if (char === '{' || char === '[') return openBracket(char, at, closers);
      const end = char === '"' ? endOfString(text, at) : endOfMatch(scalar, text, at);
      return goOn(afterValue(closers), end);
    }
    case 'key':
    case 'keyOrEnd':
      return goOn('colon', char === '"' ? endOfString(text, at) : undefined);
    case 'colon':
      return goOn('value', char === ':' ? at + 1 : undefined);
    case 'commaOrEnd': {
      const following = closers.at(-1) === '}' ? 'key' : 'value';
      return goOn(following, char === ',' ? at + 1 : undefined);
    }
    case 'end':
      return undefined;
  }
}

const mayClose: ReadonlySet<Place> = new Set(['itemOrEnd', 'keyOrEnd', 'commaOrEnd']);

function openBracket(char: '{' | '[', at: number, closers: string[]): Next {
  closers.push(char === '{' ? '}' : ']');
  return { place: char === '{' ? 'keyOrEnd' : 'itemOrEnd', at: at + 1 };
}

function afterValue(closers: readonly string[]): Place {
  return closers.length === 0 ? 'end' : 'commaOrEnd';
}

function goOn(place: Place, end: number | JsonFault | undefined): Next | JsonFault | undefined {
  return typeof end === 'number' ? { place, at: end } : end;
}

/** The fault of a text that is wrong at the UTF-16 unit `at`. */
export function faultAt(text: string, at: number, expected: string): JsonFault {
  const before = text.slice(0, at);
  const codePoint = text.codePointAt(at);
  return {
    line: before.split('\n').length,
    column: at - before.lastIndexOf('\n'),
    expected,
    found: codePoint === undefined ? 'the end' : JSON.stringify(String.fromCodePoint(codePoint)),
  };
}

const expectations: Record<Place, string> = {
  value: 'a value',
  itemOrEnd: 'a value or "]"',
  keyOrEnd: 'a key in double quotes or "}"',
  key: 'a key in double quotes',
  colon: '":"',
  commaOrEnd: '"," or closer',
  end: 'the end',
};

const whitespace = /[ \t\n\r]+/y;
const scalar = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const escapeSequence = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

function endOfMatch(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** The end of the string that opens at `open`. */
function endOfString(text: string, open: number): number | JsonFault {
  let at = open + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code === 0x5c) {
      const end = endOfMatch(escapeSequence, text, at);
      if (end === undefined) return faultAt(text, at, 'an escape such as \\n or \\u00e9');
      at = end;
    } else if (code >= 0x20) {
      at += 1;
    } else {
      const expected = Number.isNaN(code)
        ? 'the closing quote of a string'
        : 'no control character within a string; write it as an escape';
      return faultAt(text, at, expected);
    }
  }
}
