import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { createMemo } from '../memo.ts';
import { guidOf, isGuid, type Guid } from '../ids.ts';

/**
 * Names one session: service config, template, name. Compared without regard to case; kept in the
 * case of its writer.
 *
 * @source docs/wire/README.md "Words"
 */
export type SessionReference = {
  readonly scid: Guid;
  readonly templateName: string;
  readonly name: string;
};

/** The text by which stores know a session: lower-case, parts joined by `~`. @source docs/wire/rta.md "Taps" */
export type SessionKey = string;

/** The key of a reference; two references name the same session when their keys are equal. */
export function keyOf(reference: SessionReference): SessionKey {
  return keys.get(reference) ?? keys.set(reference, formatKey(reference));
}

const keys = createMemo<SessionReference, SessionKey>();

function formatKey({ scid, templateName, name }: SessionReference): SessionKey {
  return `${scid}~${templateName}~${name}`.toLowerCase();
}

/** The reference of a key, in lower case. */
export function parseSessionKey(key: SessionKey): SessionReference {
  const [scid = '', templateName = '', name = ''] = key.split('~');
  return { scid, templateName, name };
}

/** What the keys of all sessions of a service config, or of one template of it, begin with. */
export function keyPrefixOf(scid: Guid, templateName?: string): SessionKey {
  return `${scid}~${templateName === undefined ? '' : `${templateName}~`}`.toLowerCase();
}

/** The path of a session, in the spelling that clients split. @source docs/wire/handles.md "Through a handle" */
export function formatSessionPath({ scid, templateName, name }: SessionReference): string {
  return `/serviceconfigs/${encodeURIComponent(scid)}/sessionTemplates/${encodeURIComponent(templateName)}/sessions/${encodeURIComponent(name)}`;
}

/**
 * The id of all lives of a session; it outlasts deletion and restart.
 *
 * @source docs/wire/sessions.md "PUT"
 */
export function correlationIdOf(reference: SessionReference): Guid {
  return guidOf(`correlation/${keyOf(reference)}`);
}

/** True of a name that may be in a path: see docs/wire/README.md "Every request". */
export function isName(name: string): boolean {
  return (
    name.length >= 1 &&
    name.length <= limits.nameCharactersMax &&
    name.isWellFormed() &&
    name !== '.' &&
    name !== '..' &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    !/[/~\\?#\u0000-\u001f\u007f-\u009f]/.test(name)
  );
}

/** What `isName` requires, to complete "Expected …". */
export const nameExpectation = `a name of 1 to ${limits.nameCharactersMax} characters, neither "." nor "..", without / ~ \\ ? # and control characters`;

/**
 * The reference that a path names.
 *
 * Refuses: nameInvalid for a part that cannot be a name, serviceConfigUnknown for a scid that is
 * no GUID.
 */
export function parseSessionReference(parts: {
  readonly scid: string;
  readonly templateName: string;
  readonly name: string;
}): SessionReference | Refusal {
  if (!isGuid(parts.scid)) {
    return new Refusal(
      'serviceConfigUnknown',
      `"${parts.scid}" is not a service config id (GUID).`,
    );
  }
  for (const part of ['templateName', 'name'] as const) {
    if (!isName(parts[part])) {
      return new Refusal(
        'nameInvalid',
        `The ${part} of the session is not valid. Expected ${nameExpectation}.`,
        {
          detail: part,
        },
      );
    }
  }
  return { scid: parts.scid, templateName: parts.templateName, name: parts.name };
}
