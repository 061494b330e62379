import type { SessionReference } from '../client/multiplayer-service.ts';

/** The session that an argument names. Throws an Error with what is wrong, which begins with `flag`. */
export function parseSessionName(text: string, flag: string): SessionReference {
  const [scid, templateName, name, ...more] = text.split('~');
  if (!scid || !templateName || !name || more.length > 0) {
    throw new Error(`${flag} is "${text}"; expected <scid>~<template>~<name>.`);
  }
  return { scid, templateName, name };
}

/** The session as an argument names it, and as taps do. */
export function formatSessionName({ scid, templateName, name }: SessionReference): string {
  return `${scid}~${templateName}~${name}`;
}
