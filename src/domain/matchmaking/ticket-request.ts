/**
 * The body of a request for a match ticket.
 *
 * @source docs/wire/matchmaking.md "Tickets"
 */

import * as v from 'valibot';
import { isGuid, type Guid } from '../ids.ts';
import { formatJson, isRawNumber, type JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { parseSessionReference, type SessionReference } from '../session/reference.ts';
import { exactObject, integer, parseShape, text, titleObject, word } from '../shape.ts';

export type TicketRequest = {
  readonly session: SessionReference;
  readonly isPreserved: boolean;
  readonly giveUpSeconds: number;
  readonly attributes: JsonObject;
};

const giveUpSecondsMax = 2 ** 31 - 1;

/** The body that makes a match ticket. */
export const ticketBody = exactObject({
  giveUpDuration: integer(0, giveUpSecondsMax),
  preserveSession: word(['always', 'never']),
  ticketSessionRef: exactObject({
    scid: text(isGuid, 'a GUID'),
    templateName: v.string('Expected a string'),
    name: v.optional(v.string('Expected a string')),
    sessionName: v.optional(v.string('Expected a string')),
  }),
  ticketAttributes: v.nullish(titleObject),
  serviceConfig: v.nullish(v.string('Expected a string')),
  hopperName: v.nullish(v.string('Expected a string')),
});

/**
 * What the body asks for, of the hopper that the path names.
 *
 * Refuses: requestInvalid, nameInvalid.
 */
export function parseTicketRequest(
  body: JsonObject,
  path: { readonly scid: Guid; readonly hopper: string },
): TicketRequest | Refusal {
  const parsed = parseShape(ticketBody, body);
  if (parsed instanceof Refusal) return parsed;
  const contradicted = contradiction(parsed, path);
  if (contradicted) return contradicted;
  const { scid, templateName, name, sessionName } = parsed.ticketSessionRef;
  const named = name ?? sessionName;
  if (named === undefined || (sessionName !== undefined && sessionName !== named)) {
    return invalid('$.ticketSessionRef.name', 'Expected the name of the session');
  }
  const session = parseSessionReference({ scid, templateName, name: named });
  if (session instanceof Refusal) return session;
  if (scid.toLowerCase() !== path.scid.toLowerCase()) {
    return invalid('$.ticketSessionRef.scid', `Expected the scid of the hopper, ${path.scid}`);
  }
  const attributes = parsed.ticketAttributes ?? {};
  const problem = attributesProblem(attributes);
  if (problem) return problem;
  return {
    session,
    isPreserved: parsed.preserveSession === 'always',
    giveUpSeconds: parsed.giveUpDuration,
    attributes,
  };
}

/** Attributes that no rule can read, or that are too many for each player of a match to get a copy. */
function attributesProblem(attributes: JsonObject): Refusal | undefined {
  for (const [name, value] of Object.entries(attributes)) {
    if (isRawNumber(value) && !Number.isFinite(Number(value.rawJSON))) {
      return invalid(`$.ticketAttributes.${name}`, 'Expected a number of 64 bits');
    }
  }
  const { ticketAttributesCharactersMax: most } = limits;
  if (formatJson(attributes).length <= most) return undefined;
  return invalid('$.ticketAttributes', `Expected at most ${most} characters of JSON`);
}

function contradiction(
  {
    serviceConfig,
    hopperName,
  }: {
    readonly serviceConfig?: string | null | undefined;
    readonly hopperName?: string | null | undefined;
  },
  { scid, hopper }: { readonly scid: Guid; readonly hopper: string },
): Refusal | undefined {
  const differs = (given: string | null | undefined, named: string): boolean =>
    given != null && given.toLowerCase() !== named.toLowerCase();
  if (differs(serviceConfig, scid)) return invalid('$.serviceConfig', `Expected ${scid}`);
  if (differs(hopperName, hopper)) return invalid('$.hopperName', `Expected "${hopper}"`);
  return undefined;
}

function invalid(path: string, expected: string): Refusal {
  return new Refusal('requestInvalid', `${path}: ${expected}.`, { detail: path });
}
