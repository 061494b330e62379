/**
 * Properties of a session and of a member: what is stored, and how a write is merged.
 *
 * @source docs/wire/sessions.md "Merge", docs/wire/sessions.md "properties.system", docs/wire/sessions.md "Members"
 */

import { jsonEquals, type JsonObject } from '../json.ts';
import { Refusal } from '../refusal.ts';
import { mergeExtra, partNames } from './extra.ts';
import type { PropertiesRequest } from './request.ts';
import type { Session, Restriction, SessionPropertiesSystem } from './session.ts';

/**
 * The custom object after a write: a key named in `patch` takes its whole new value, a key named
 * with null goes, every other key stays. Nulls deeper down are the title's data and stay. `current`
 * itself when the patch is empty.
 *
 * Built by fromEntries, not by assignment: titles choose the keys, and one may be "__proto__".
 *
 * @source docs/wire/sessions.md "Merge"
 */
export function mergeCustom(current: JsonObject, patch: JsonObject): JsonObject {
  let isEmpty = true;
  for (const key in patch) {
    if (patch[key] === null) return mergeEntries(current, patch);
    isEmpty = false;
  }
  // A spread defines keys, as fromEntries does, and is what nearly every write needs.
  return isEmpty ? current : { ...current, ...patch };
}

/** What may be written over `T`: each field whole, null to unset it. */
export type Patch<T> = { readonly [K in keyof T]?: T[K] | null | undefined };

/**
 * A system object after a write: each field that `patch` names is replaced whole, or unset by null.
 * `current` itself when it names none.
 *
 * @source docs/wire/sessions.md "Merge"
 */
export function mergeSystem<T extends object>(current: T, patch: Patch<T>): T {
  for (const key in patch) if (patch[key] !== undefined) return mergeEntries(current, patch);
  return current;
}

/** `current` with each value of `patch` but undefined, and without those that are null there. */
function mergeEntries<T extends object>(current: T, patch: object): T {
  const merged = new Map<string, unknown>(Object.entries(current));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else if (value !== undefined) merged.set(key, value);
  }
  return Object.fromEntries(merged) as T;
}

/** The restrictions in force: the written ones, else the defaults of the session's capabilities. */
export function restrictionsOf({ constants, properties }: Session): {
  readonly join: Restriction;
  readonly read: Restriction;
} {
  const { joinRestriction, readRestriction } = properties.system;
  const join = joinRestriction ?? defaultRestriction(constants.system.capabilities);
  // Reading is at least as open as joining, so an unwritten default follows what was written.
  const read = readRestriction ?? moreOpen(defaultRestriction(constants.system.capabilities), join);
  return { join, read };
}

function defaultRestriction({
  userAuthorizationStyle,
}: Session['constants']['system']['capabilities']): Restriction {
  return userAuthorizationStyle ? 'local' : 'none';
}

/** From closest to most open. */
const openness: Readonly<Record<Restriction, number>> = { local: 0, followed: 1, none: 2 };

function moreOpen(a: Restriction, b: Restriction): Restriction {
  return openness[a] >= openness[b] ? a : b;
}

/**
 * The session with its properties written.
 *
 * Refuses: requestInvalid.
 *
 * @source docs/wire/sessions.md "Merge", docs/wire/sessions.md "properties.system"
 */
export function writeProperties(session: Session, request: PropertiesRequest): Session | Refusal {
  // The result of an external evaluation is not kept; see writeInitialization.
  const { initializationSucceeded: _consumed, owners, ...system } = request.system ?? {};
  if (
    owners != null &&
    owners.length > 0 &&
    !jsonEquals(owners, session.properties.system.owners)
  ) {
    return invalid('owners', 'is kept by the server and can only be sent back as it is');
  }
  const former = session.properties.system;
  const merged = mergeSystem(former, system);
  const written: Session = {
    ...session,
    properties: {
      system: merged === former ? former : tidy(merged, former),
      custom: mergeCustom(session.properties.custom, request.custom ?? {}),
      ...mergeExtra(session.properties.extra, request, partNames),
    },
  };
  return propertiesProblem(written, request) ?? written;
}

/** Stored without what says nothing: an empty turn list, an empty matchmaking object. */
function tidy(
  system: SessionPropertiesSystem,
  former: SessionPropertiesSystem,
): SessionPropertiesSystem {
  const { turn, matchmaking, locked, ...rest } = system;
  return {
    ...rest,
    ...(former.closed === null && rest.closed !== true && { closed: null }),
    ...(turn !== undefined && turn.length > 0 && { turn }),
    ...(matchmaking !== undefined && Object.keys(matchmaking).length > 0 && { matchmaking }),
    // Opening a session unlocks it: locked means nothing without closed.
    ...(locked !== undefined && (rest.closed === true || !locked) && { locked }),
  };
}

/**
 * The new session as documents show it: without `closed: false`.
 *
 * @source docs/wire/sessions.md "properties.system"
 */
export function withHiddenClosed(session: Session): Session {
  const { system } = session.properties;
  if (system.closed !== false) return session;
  return { ...session, properties: { ...session.properties, system: { ...system, closed: null } } };
}

function propertiesProblem(session: Session, request: PropertiesRequest): Refusal | undefined {
  const { system } = session.properties;
  const { capabilities, visibility } = session.constants.system;
  const asked = request.system ?? {};
  const { join, read } = restrictionsOf(session);
  if (system.keywords !== undefined && system.keywords.length > 0 && visibility === 'private') {
    return invalid(
      'keywords',
      'cannot be set on a session of visibility private: nobody could find it by them',
    );
  }
  const unknownIndex = system.turn?.find(
    (index) => !session.members.some((m) => m.index === index),
  );
  if (unknownIndex !== undefined && asked.turn != null) {
    return invalid('turn', `names member ${unknownIndex}, who is not in the session`);
  }
  if (capabilities.userAuthorizationStyle) {
    if (join === 'none')
      return invalid('joinRestriction', 'cannot be "none" with capability userAuthorizationStyle');
    if (read === 'none')
      return invalid('readRestriction', 'cannot be "none" with capability userAuthorizationStyle');
  }
  if (openness[read] < openness[join]) {
    return invalid(
      'readRestriction',
      `is "${read}", which is narrower than joinRestriction "${join}": a user who may join must be able to read`,
    );
  }
  if (asked.locked === true && system.closed !== true) {
    return invalid('locked', 'needs closed: true');
  }
  if (system.matchmaking?.clientResult !== undefined && !capabilities.clientMatchmaking) {
    return invalid('matchmaking.clientResult', 'needs the capability clientMatchmaking');
  }
  return undefined;
}

function invalid(field: string, reason: string): Refusal {
  const path = `$.properties.system.${field}`;
  return new Refusal('requestInvalid', `${path} ${reason}.`, { detail: path });
}

/**
 * The session without a host that is no member's device token. Tokens compare without regard to
 * case and are stored as the member has them.
 *
 * @source docs/wire/sessions.md "properties.system", docs/wire/sessions.md "Members"
 */
export function withKnownHost(session: Session): Session {
  const { host, ...rest } = session.properties.system;
  if (host === undefined) return session;
  const known = session.members.find(({ deviceToken }) => deviceToken === host.toLowerCase());
  const system = known?.deviceToken === undefined ? rest : { ...rest, host: known.deviceToken };
  return jsonEquals(system, session.properties.system)
    ? session
    : { ...session, properties: { ...session.properties, system } };
}
