/** Bytes as text, where a file has both. Runs in browsers too. */

/** Each byte as the character of its number. */
export function latin1Of(bytes: Uint8Array): string {
  let text = '';
  // Not all at once: a call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 4_096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4_096));
  }
  return text;
}

export function utf8Of(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** Where the characters of an ASCII text come first, from `at` on; -1: nowhere. */
export function indexOfText(bytes: Uint8Array, text: string, at = 0): number {
  const first = text.charCodeAt(0);
  for (let from = bytes.indexOf(first, at); from !== -1; from = bytes.indexOf(first, from + 1)) {
    let length = 1;
    while (length < text.length && bytes[from + length] === text.charCodeAt(length)) length += 1;
    if (length === text.length) return from;
  }
  return -1;
}

/** All of them, one after the other. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
