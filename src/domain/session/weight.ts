/**
 * The size of a session in bytes as clients read it, and whether a write may make it larger.
 *
 * @source docs/wire/sessions.md "Bounds"
 */

import { Refusal } from '../refusal.ts';
import type { SessionBounds } from './bounds.ts';
import { partTextsOf, textOfMember } from './document-text.ts';
import { memberChanges } from './session-change.ts';
import type { Session } from './session.ts';

/**
 * Undefined when `next` is within the limits, or not larger than `before`, so that members can
 * leave a session that is too large.
 *
 * Refuses: documentTooLarge, memberTooLarge.
 */
export function mayWeigh(
  before: Session | undefined,
  next: Session,
  { documentBytesMax, memberBytesMax }: SessionBounds,
): Refusal | undefined {
  const bytes = bytesAbove(partTextsOf(next), documentBytesMax);
  if (bytes !== undefined && (before === undefined || bytes > bytesOf(partTextsOf(before)))) {
    return new Refusal(
      'documentTooLarge',
      `The session would have ${bytes} bytes and may have ${documentBytesMax}: remove something of its custom properties first.`,
      { detail: `bytes max ${documentBytesMax}` },
    );
  }
  for (const { former, member } of memberChanges(before?.members ?? [], next.members)) {
    if (member === undefined) continue;
    const texts = [textOfMember(next, member)];
    const memberBytes = bytesAbove(texts, memberBytesMax);
    if (memberBytes === undefined) continue;
    if (before && former && memberBytes <= bytesOf([textOfMember(before, former)])) continue;
    return new Refusal(
      'memberTooLarge',
      `Member ${member.index} would have ${memberBytes} bytes and may have ${memberBytesMax}: remove something of its custom properties first.`,
      { detail: `bytes max ${memberBytesMax}` },
    );
  }
  return undefined;
}

/** UTF-8 has at most three bytes for each unit of a string. */
const bytesPerUnitMax = 3;

/** The bytes of these texts when they are more than `max`; nearly always without counting. */
function bytesAbove(texts: readonly string[], max: number): number | undefined {
  let units = 0;
  for (const text of texts) units += text.length;
  if (units * bytesPerUnitMax <= max) return undefined;
  const bytes = bytesOf(texts);
  return bytes > max ? bytes : undefined;
}

const encoder = new TextEncoder();

function bytesOf(texts: readonly string[]): number {
  return texts.reduce((bytes, text) => bytes + encoder.encode(text).length, 0);
}
