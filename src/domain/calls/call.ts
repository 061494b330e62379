/**
 * A call of a client to a service of Xbox Live, as the rules of certification look at it.
 *
 * @source docs/captures.md "What certification looks at"
 */

import type { Milliseconds } from '../time.ts';

/** One request with its answer. */
export type Call = {
  /** By which the reader finds it again: its number in a capture, or the id of the request. */
  readonly id: string;
  readonly atMs: Milliseconds;
  /** When the answer was there. */
  readonly endMs: Milliseconds;
  /** Who called; limits count for each user and title. */
  readonly user: string;
  readonly title?: string | undefined;
  /** The host without `.xboxlive.com`. */
  readonly service: string;
  readonly verb: string;
  readonly path: string;
  /** Without the question mark; empty when there is none. */
  readonly query: string;
  readonly body: string;
  /** 0: no answer came. */
  readonly status: number;
  readonly retryAfterSeconds?: number | undefined;
  /** Equal for answers that say the same: an ETag, or the body. */
  readonly answer?: string | undefined;
};

/** What every call of `call`'s kind has in common: `GET sessiondirectory/handles/{id}`. */
export function endpointOf({ verb, service, path }: Call): string {
  return `${verb} ${service}${patternOf(path)}`;
}

/** Paths whose last part is a name that titles choose. */
const namedParts: ReadonlyMap<string, string> = new Map([
  ['serviceconfigs', '{scid}'],
  ['sessiontemplates', '{template}'],
  ['sessions', '{name}'],
  ['hoppers', '{hopper}'],
  ['handles', '{id}'],
  ['branches', '{branch}'],
  ['tickets', '{id}'],
]);

/** Names that stand where an id may stand. */
const fixedParts: ReadonlySet<string> = new Set(['query', 'batch', 'me', 'current', 'default']);

/** `path` with the parts replaced that differ between two calls of one kind; ids, users, names. */
function patternOf(path: string): string {
  const parts = path.split('/');
  return parts
    .map((part, at) => {
      const lower = part.toLowerCase();
      if (fixedParts.has(lower)) return lower;
      const name = namedParts.get(parts[at - 1]?.toLowerCase() ?? '');
      if (name !== undefined && part !== '') return name;
      if (/^xuid\(/i.test(part)) return 'xuid({xuid})';
      if (/^\d+$/.test(part) || /^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(part)) return '{id}';
      return lower;
    })
    .join('/');
}

/** Calls of each user and title apart, in the order of the first call of each. */
export function callsByUser(calls: readonly Call[]): readonly (readonly Call[])[] {
  return groupCalls(calls, ({ user, title }) => `${user}\n${title ?? ''}`);
}

/** Calls with the same key together, each group in the order of `calls`. */
export function groupCalls(
  calls: readonly Call[],
  keyOf: (call: Call) => string | undefined,
): readonly (readonly Call[])[] {
  const groups = new Map<string, Call[]>();
  for (const call of calls) {
    const key = keyOf(call);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [call]);
    else group.push(call);
  }
  return [...groups.values()];
}

/** Calls of each kind apart. */
export function callsByEndpoint(calls: readonly Call[]): readonly (readonly Call[])[] {
  return groupCalls(calls, endpointOf);
}

/** Equal for calls that ask for the same. */
export function requestKeyOf(call: Call): string {
  return `${call.verb} ${call.service}${call.path}?${call.query}\n${call.body}`;
}
