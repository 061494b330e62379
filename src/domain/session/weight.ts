/**
 * The size of a session, in bytes as clients read it and in members of its larger objects, and whether
 * a write may make it larger.
 *
 * @source docs/wire/sessions.md "Bounds"
 */

import { countKeys } from '../json.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import type { SessionBounds } from './bounds.ts';
import { partTextsOf, textOfMember } from './document-text.ts';
import type { Extra } from './extra.ts';
import { memberChanges } from './session-change.ts';
import type { Session } from './session.ts';

/**
 * Undefined when `next` is within the limits, or not larger than `before`, so that members can
 * leave a session that is too large.
 *
 * Refuses: documentTooLarge, memberTooLarge, tooManyItems.
 */
export function mayWeigh(
  before: Session | undefined,
  next: Session,
  { documentBytesMax, memberBytesMax }: SessionBounds,
): Refusal | undefined {
  const tooMany = mayHoldSoMany(before, next);
  if (tooMany) return tooMany;
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

/**
 * Nothing when no object that grows by many writes has more members than it may, or none of those has
 * more of them than before: each write that touches a large one costs as much as all of it.
 *
 * Refuses: tooManyItems.
 */
function mayHoldSoMany(before: Session | undefined, next: Session): Refusal | undefined {
  const refusal =
    mayGrow(before?.extra, next.extra, '$') ??
    mayGrowProperties(before?.properties, next.properties, '$.properties');
  if (refusal) return refusal;
  for (const { former, member } of memberChanges(before?.members ?? [], next.members)) {
    if (member === undefined) continue;
    const path = `$.members.${member.index}`;
    const ofMember =
      mayGrow(former?.extra, member.extra, path) ??
      mayGrowProperties(former?.properties, member.properties, `${path}.properties`);
    if (ofMember) return ofMember;
  }
  if (before?.servers === next.servers) return undefined;
  for (const [name, { properties }] of Object.entries(next.servers)) {
    const path = `$.servers.${name}.properties`;
    const ofServer = mayGrowProperties(before?.servers[name]?.properties, properties, path);
    if (ofServer) return ofServer;
  }
  return undefined;
}

type Properties = { readonly system: object; readonly custom: object } & Extra;

function mayGrowProperties(
  before: Properties | undefined,
  next: Properties,
  path: string,
): Refusal | undefined {
  if (before === next) return undefined;
  return (
    mayGrow(before?.custom, next.custom, `${path}.custom`) ??
    mayGrow(before?.system, next.system, `${path}.system`) ??
    mayGrow(before?.extra, next.extra, path)
  );
}

function mayGrow(
  before: object | undefined,
  next: object | undefined,
  path: string,
): Refusal | undefined {
  if (before === next || next === undefined) return undefined;
  const { objectMembersMax: max } = limits;
  const count = countKeys(next);
  if (count <= max || count <= countKeys(before ?? {})) return undefined;
  return new Refusal(
    'tooManyItems',
    `${path} would have ${count} members and may have ${max}: remove some first.`,
    { detail: `${path} max ${max}` },
  );
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
