/**
 * Shapes of the server entries that the protocol knows: `matchmaking`, the state of the search for
 * a match, and `arbitration`, the result of an arbitrated game. Every other entry is the service's
 * own.
 *
 * @source docs/wire/sessions.md "Servers"
 */

import * as v from 'valibot';
import { isGuid } from '../ids.ts';
import type { Json } from '../json.ts';
import { Refusal } from '../refusal.ts';
import { exactObject, integer, type parseShape, text, titleObject, word } from '../shape.ts';
import { parseTime } from '../time.ts';
import { isName, nameExpectation } from './reference.ts';

/** What a write says of an entry. */
export type ServerRequest = v.InferOutput<typeof serverRequest>;

/** An entry of `servers` as a write may write it. */
export const serverRequest = exactObject({
  constants: v.nullish(
    exactObject({ system: v.nullish(titleObject), custom: v.nullish(titleObject) }),
  ),
  properties: v.nullish(
    exactObject({ system: v.nullish(titleObject), custom: v.nullish(titleObject) }),
  ),
});

const name = text(isName, nameExpectation);

/** May be absent or null; JSON has no undefined. */
function optional<const Schema extends v.GenericSchema>(schema: Schema) {
  return v.exactOptional(v.nullable(schema));
}

const matchmakingSystem = exactObject({
  status: optional(word(['searching', 'expired', 'found', 'canceled', 'failed'])),
  statusDetails: optional(v.string('Expected a string')),
  typicalWait: optional(integer(0)),
  targetSessionRef: optional(
    exactObject({ scid: text(isGuid, 'a GUID'), templateName: name, name }),
  ),
  lockId: optional(v.string('Expected a string')),
});

const startTime = v.nullish(
  text((given) => parseTime(given) !== undefined, 'a time such as "2016-09-20T20:50:00Z"'),
);

/**
 * The entry that `value`, at `path` of a body, asks for: the fields of `matchmaking` by their documented types, the
 * `startTime` of `arbitration` a time, all else as it is.
 *
 * Refuses: requestInvalid.
 *
 * @source docs/wire/unknowns.md "the matchmaking entry is exact", docs/wire/sessions.md "Servers"
 */
export function parseServer(
  serverName: string,
  value: Json,
  path: string,
  parse: typeof parseShape,
): ServerRequest | Refusal {
  const request = parse(serverRequest, value, path);
  if (request instanceof Refusal) return request;
  if (serverName === 'arbitration') {
    const time = parse(
      startTime,
      request.constants?.system?.['startTime'],
      `${path}.constants.system.startTime`,
    );
    return time instanceof Refusal ? time : request;
  }
  if (serverName !== 'matchmaking' || request.properties?.system == null) return request;
  const system = parse(matchmakingSystem, request.properties.system, `${path}.properties.system`);
  if (system instanceof Refusal) return system;
  return {
    ...request,
    properties: { ...request.properties, system },
  };
}
