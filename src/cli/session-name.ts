import type { SessionReference } from '../client/multiplayer-service.ts';
import { parsePrintable } from '../domain/printable-text.ts';

/**
 * The session that an argument names, also in the form in which commands print it: `\u{200d}` for a character
 * that cannot be seen. No name has a backslash of its own (docs/wire/README.md "Every request").
 *
 * Throws an Error with what is wrong, which begins with `flag` and ends with what else may be given, `orElse`.
 */
export function parseSessionName(text: string, flag: string, orElse = ''): SessionReference {
  const [scid, templateName, name, ...more] = parsePrintable(text).split('~');
  if (!scid || !templateName || !name || more.length > 0) {
    throw new Error(`${flag} is "${text}"; expected <scid>~<template>~<name>${orElse}.`);
  }
  return { scid, templateName, name };
}

/** The session as an argument names it, and as taps do. */
export function formatSessionName({ scid, templateName, name }: SessionReference): string {
  return `${scid}~${templateName}~${name}`;
}
