/** An answer or a frame of a replay beside the captured one. */

import type { CapturedHeader } from './capture.ts';
import { headerOf } from './capture.ts';
import type { Translation } from './translation.ts';

/** One value that differs. */
export type Difference = {
  /** `status`, `header etag`, `body.members.0.gamertag`. */
  readonly where: string;
  /** As JSON; `nothing` when it was not there. */
  readonly captured: string;
  readonly present: string;
};

export type ComparedAnswer = {
  readonly status: number;
  readonly headers: readonly CapturedHeader[];
  readonly body: string;
};

/** Members whose text is a token that only the server understands. */
const tokenMembers: ReadonlySet<string> = new Set([
  'deviceToken',
  'host',
  'nonce',
  'continuationToken',
  'endpointId',
  'ticketId',
  'etag',
]);

/** Members that are a time in milliseconds. */
const timeMembers: ReadonlySet<string> = new Set(['nowMs']);

/** What differs between two answers, once ids, ETags and times are translated. */
export function compareAnswers(
  captured: ComparedAnswer,
  present: ComparedAnswer,
  translation: Translation,
): readonly Difference[] {
  const differences: Difference[] = [];
  if (captured.status !== present.status) {
    differences.push({
      where: 'status',
      captured: String(captured.status),
      present: String(present.status),
    });
  }
  for (const name of comparedHeaders) {
    const [was, is] = [headerOf(captured.headers, name), headerOf(present.headers, name)];
    // Only this server says why by a header.
    if (was === is || (was === undefined && name === 'x-mpsd-refusal')) continue;
    if (was === undefined || is === undefined || !sameHeader(name, was, is, translation)) {
      differences.push({
        where: `header ${name}`,
        captured: was ?? nothing,
        present: is ?? nothing,
      });
    }
  }
  return [...differences, ...compareTexts('body', captured.body, present.body, translation)];
}

/** Headers that clients read; what others say belongs to the way, or to one server. */
const comparedHeaders = [
  'content-type',
  'etag',
  'location',
  'content-location',
  'retry-after',
  'x-mpsd-refusal',
  'x-heartbeat-after',
] as const;

const nothing = 'nothing';

function sameHeader(name: string, was: string, is: string, translation: Translation): boolean {
  if (name === 'etag') return translation.matchesToken(was, is);
  if (name === 'content-type') return mediaTypeOf(was) === mediaTypeOf(is);
  // How long one has to wait depends on the moment.
  if (name === 'retry-after') return true;
  return translation.matches(was, is);
}

function mediaTypeOf(contentType: string): string {
  return contentType.split(';')[0]?.trim().toLowerCase() ?? '';
}

/** What differs between two texts: member by member where both are JSON. */
export function compareTexts(
  where: string,
  captured: string,
  present: string,
  translation: Translation,
): readonly Difference[] {
  const [was, is] = [parseJson(captured), parseJson(present)];
  if (was === undefined || is === undefined) {
    return translation.matches(captured, present)
      ? []
      : [{ where, captured: shorten(captured), present: shorten(present) }];
  }
  return compareValues(where, was.value, is.value, translation);
}

/** Deeper than any document of the service, and than what a stack bears. */
const depthMax = 200;

/** What differs between two values of JSON. */
export function compareValues(
  where: string,
  captured: unknown,
  present: unknown,
  translation: Translation,
  depth = 0,
): readonly Difference[] {
  if (depth > depthMax) return [{ where, captured: 'too deep', present: 'too deep' }];
  if (isList(captured) && isList(present)) {
    const length = Math.max(captured.length, present.length);
    return Array.from({ length }, (_, at) => at).flatMap((at) =>
      compareValues(`${where}.${at}`, captured[at], present[at], translation, depth + 1),
    );
  }
  if (isObject(captured) && isObject(present)) {
    const names = new Set([...Object.keys(captured), ...Object.keys(present)]);
    return [...names].flatMap((name) => {
      const [was, is] = [captured[name], present[name]];
      if (timeMembers.has(name) && typeof was === 'number' && typeof is === 'number') {
        return translation.matchesTime(was, is) ? [] : [differenceAt(`${where}.${name}`, was, is)];
      }
      if (tokenMembers.has(name) && typeof was === 'string' && typeof is === 'string') {
        return translation.matchesToken(was, is) ? [] : [differenceAt(`${where}.${name}`, was, is)];
      }
      return compareValues(`${where}.${name}`, was, is, translation, depth + 1);
    });
  }
  const isSame =
    typeof captured === 'string' && typeof present === 'string'
      ? translation.matches(captured, present)
      : captured === present;
  return isSame ? [] : [differenceAt(where, captured, present)];
}

function differenceAt(where: string, captured: unknown, present: unknown): Difference {
  return { where, captured: show(captured), present: show(present) };
}

function show(value: unknown): string {
  if (value === undefined) return nothing;
  try {
    return shorten(JSON.stringify(value));
  } catch {
    return 'too deep';
  }
}

function shorten(text: string): string {
  return text === '' ? nothing : text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
