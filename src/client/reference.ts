import type { SessionReference } from '../domain/session/reference.ts';

export type { SessionReference };

/** The session of a new handle. Without a name the server makes a GUID. */
export type SessionTarget = Omit<SessionReference, 'name'> & { readonly name?: string };

/** The path of a session. Throws a TypeError when a part cannot stand in a URL. */
export function formatSessionPath(reference: SessionReference): string {
  requireScope(reference);
  const { scid, templateName, name } = reference;
  return `${formatTemplatePath(scid, templateName)}/sessions/${formatPathPart(name, 'session name')}`;
}

/** Throws a TypeError when the reference lacks its service config or session template. */
export function requireScope(reference: SessionTarget): void {
  if (typeof reference !== 'object' || reference === null) {
    throw new TypeError('A session reference is an object: { scid, templateName, name }.');
  }
  requirePart(reference.scid, 'scid');
  requirePart(reference.templateName, 'template name');
}

/** The path of one session template, or of all of a service config. */
export function formatTemplatePath(scid: string, templateName?: string): string {
  const all = `/serviceconfigs/${formatPathPart(scid, 'scid')}/sessionTemplates`;
  return templateName === undefined
    ? all
    : `${all}/${formatPathPart(templateName, 'template name')}`;
}

/** The path of a service config, or of one session template of it. */
export function formatScopePath(scid: string, templateName?: string): string {
  return templateName === undefined
    ? `/serviceconfigs/${formatPathPart(scid, 'scid')}`
    : formatTemplatePath(scid, templateName);
}

/** The path of a hopper. */
export function formatHopperPath(scid: string, hopper: string): string {
  return `/serviceconfigs/${formatPathPart(scid, 'scid')}/hoppers/${formatPathPart(hopper, 'hopper name')}`;
}

/** The path of a match ticket. */
export function formatTicketPath(scid: string, hopper: string, ticketId: string): string {
  return `${formatHopperPath(scid, hopper)}/tickets/${formatPathPart(ticketId, 'ticket id')}`;
}

/** The path of a handle. */
export function formatHandlePath(handleId: string): string {
  return `/handles/${formatPathPart(handleId, 'handle id')}`;
}

/**
 * `part`, percent-encoded, as one segment of a path. Every URL parser resolves `.` and `..`,
 * encoded or not, so that a request for them would go to another path; they are thrown here.
 */
export function formatPathPart(part: string, what: string): string {
  requirePart(part, what);
  if (part === '' || part === '.' || part === '..') {
    throw new TypeError(`The ${what} is ${JSON.stringify(part)}, which cannot stand in a URL.`);
  }
  return encodeURIComponent(part);
}

/**
 * Throws a TypeError that names a part that is missing or is no text: JavaScript has no types, and
 * would ask for "undefined". A number is taken as its digits.
 */
export function requirePart(part: unknown, what: string): void {
  if (part === undefined || part === null) throw new TypeError(`The ${what} is missing.`);
  if (!['string', 'number', 'bigint'].includes(typeof part)) {
    throw new TypeError(`The ${what} must be a string; it is of type ${typeof part}.`);
  }
}

/**
 * The session that a `Content-Location` names: a path or a whole URL, with the words of the path
 * in any case. Undefined when it names none.
 *
 * @source docs/wire/handles.md "Through a handle"
 */
export function parseContentLocation(location: string): SessionReference | undefined {
  const [, scid, templateName, name] =
    /^(?:https?:\/\/[^/]*)?\/serviceconfigs\/([^/?#]+)\/sessiontemplates\/([^/?#]+)\/sessions\/([^/?#]+)$/i.exec(
      location,
    ) ?? [];
  if (scid === undefined || templateName === undefined || name === undefined) return undefined;
  try {
    return {
      scid: decodeURIComponent(scid),
      templateName: decodeURIComponent(templateName),
      name: decodeURIComponent(name),
    };
  } catch {
    return undefined; // a stray %: no server wrote this
  }
}
