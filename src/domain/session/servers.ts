/**
 * Entries that game services keep in a session.
 *
 * @source docs/wire/sessions.md "PUT", docs/wire/sessions.md "Access"
 */

import type { Caller } from '../caller.ts';
import { Refusal } from '../refusal.ts';
import type { JsonObject } from '../json.ts';
import { layOver, layOverCustom } from './constants.ts';
import { extraOf, mergeExtra, partNames, serverNames } from './extra.ts';
import { mergeCustom } from './properties.ts';
import type { SessionRequest } from './request.ts';
import type { Server, Session } from './session.ts';

/**
 * Undefined when the caller may write the server entries of the request.
 *
 * Refuses: serviceRequired.
 */
export function mayWriteServers(
  { servers: [first] }: SessionRequest,
  caller: Caller,
): Refusal | undefined {
  if (first === undefined || caller.kind === 'service') return undefined;
  return new Refusal(
    'serviceRequired',
    'Server entries are written by game services: the token needs a service principal (claim svc).',
    { detail: `$.servers.${first.name}` },
  );
}

/**
 * The session with its server entries written; a null entry is removed. Whether the caller may
 * write them is decided before.
 *
 * Refuses: constantsConflict for constants that an entry has already.
 */
export function writeServers(
  session: Session,
  requests: SessionRequest['servers'],
): Session | Refusal {
  if (requests.length === 0) return session;
  const servers = new Map(Object.entries(session.servers));
  for (const { name, request } of requests) {
    if (request === null) {
      servers.delete(name);
      continue;
    }
    const current = servers.get(name);
    const constants = constantsOf(current, request, `$.servers.${name}.constants`);
    if (constants instanceof Refusal) return constants;
    servers.set(name, {
      ...merged(current, request, serverNames),
      constants,
      properties: {
        ...merged(current?.properties, request.properties, partNames),
        system: mergeCustom(current?.properties.system ?? {}, request.properties?.system ?? {}),
        custom: mergeCustom(current?.properties.custom ?? {}, request.properties?.custom ?? {}),
      },
    });
  }
  return { ...session, servers: Object.fromEntries(servers) };
}

/** Unknown members of a part of an entry, after a write. */
function merged(
  held: object | undefined,
  written: object | null | undefined,
  known: ReadonlySet<string>,
): JsonObject | undefined {
  return mergeExtra(extraOf(held, known), written, known).extra;
}

function constantsOf(
  current: Server | undefined,
  request: NonNullable<SessionRequest['servers'][number]['request']>,
  path: string,
): Server['constants'] | Refusal {
  const { constants: asked } = request;
  const held = current?.constants;
  const system = layOver(held?.system ?? {}, asked?.system ?? {}, `${path}.system`);
  if (system instanceof Refusal) return system;
  const custom = layOverCustom(held?.custom ?? {}, asked?.custom ?? {}, `${path}.custom`);
  return custom instanceof Refusal ? custom : { ...merged(held, asked, partNames), system, custom };
}
