import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Authenticator, AuthenticatorUnavailable } from '../auth/authenticator.ts';
import type { Context } from '../directory/context.ts';
import type { Caller } from '../domain/caller.ts';
import type { Guid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { roundOver } from '../platform/round.ts';
import { parseBody, readBody } from './body.ts';
import { refusalResponse, retryAfter, textResponse } from './refusal-response.ts';
import type { Answer, RefusalWithHeaders, Route, RouteRequest } from './route.ts';
import { buildRouteTable } from './route-table.ts';

export type DoorSettings = {
  readonly routes: readonly Route[];
  readonly authenticator: Authenticator;
  readonly world: Context;
  readonly limits: { readonly bodyBytesMax: number };
  /** True of an error by which the store says that it cannot be reached. */
  readonly isOutage: (error: unknown) => boolean;
  /** False while nothing may be answered but that it cannot be now; always fit unless given. */
  readonly isFit?: () => boolean;
  /** Hears of each fault of the server, with its stack. */
  readonly log: (text: string) => void;
};

/** What every HTTP request passes. */
export type Door = {
  /**
   * Answers one request: path, verb, caller, contract version, body, route, in this order; the
   * first that fails decides. Never rejects.
   *
   * @source contract 2
   */
  answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void>;
};

/** The door to these routes. */
export function openDoor(settings: DoorSettings): Door {
  const { authenticator, world } = settings;
  const table = buildRouteTable(settings.routes);
  const { bodyBytesMax } = settings.limits;
  const { isFit = () => true } = settings;

  return {
    async answer(incoming, outgoing) {
      const correlationId = world.ids.guid();
      try {
        send(outgoing, await decide(incoming), correlationId);
      } catch (error) {
        send(outgoing, failureResponse(settings, error, incoming, correlationId), correlationId);
      }
    },
  };

  async function decide(incoming: IncomingMessage): Promise<Answer> {
    const { headers } = incoming as { headers: Readonly<Record<string, string | undefined>> };

    const match = table.find(incoming.method ?? '', incoming.url ?? '');
    if (!('route' in match)) return refuse(match, contractVersionMax);
    const { route, params, search } = match;
    if (route.door !== 'open' && !isFit()) return outageResponse;

    let caller: Caller | undefined;
    if (route.door !== 'open') {
      const nowMs = world.clock.nowMs();
      const answer = authenticator.authenticate(headers.authorization, nowMs);
      const known = answer instanceof Promise ? await answer : answer;
      if (known instanceof Refusal) return refuse(known, contractVersionMax);
      caller = known;
      if (known.kind === 'user') world.presence.note(known.xuid, nowMs);
    }

    const contractVersion =
      route.door === 'sessionDirectory'
        ? parseContractVersion(headers['x-xbl-contract-version'])
        : contractVersionMax;
    if (contractVersion instanceof Refusal) return refuse(contractVersion, contractVersionMax);

    let body = noBody;
    if (route.body === 'object') {
      const bytes = await readBody(incoming, bodyBytesMax);
      const parsed = bytes instanceof Refusal ? bytes : parseBody(bytes);
      if (parsed instanceof Refusal) return refuse(parsed, contractVersion);
      body = parsed;
    }

    const request: RouteRequest = {
      params,
      headers,
      body,
      // Undefined only where the route said that it does not ask.
      caller: caller as Caller,
      contractVersion,
      get query() {
        return new URLSearchParams(search);
      },
    };
    await roundOver();
    const answer = await route.answer(request, world);
    // What was found out before the process stood still may be true no more.
    if (route.door !== 'open' && !isFit()) return outageResponse;
    return 'status' in answer ? answer : refuse(answer, contractVersion);
  }
}

const noBody: JsonObject = {};
const contractVersionMin = 104;
const contractVersionMax = 107;

/** Refuses: contractVersionMissing. @source contract 2 */
function parseContractVersion(header: string | undefined): number | Refusal {
  const version = header !== undefined && /^\d+$/.test(header) ? Number(header) : 0;
  if (version >= contractVersionMin) return Math.min(version, contractVersionMax);
  return new Refusal(
    'contractVersionMissing',
    `The header X-Xbl-Contract-Version must be an integer from ${contractVersionMin}; it is ${header === undefined ? 'missing' : `"${header}"`}.`,
  );
}

function refuse(refused: Refusal | RefusalWithHeaders, contractVersion: number): Answer {
  if (refused instanceof Refusal) return refusalResponse(refused, contractVersion);
  const answer = refusalResponse(refused.refusal, contractVersion);
  return { ...answer, headers: { ...answer.headers, ...refused.headers } };
}

/** What is answered when a request could not be decided: an outage, or else a fault, which is logged. */
export function failureResponse(
  { isOutage, log }: DoorSettings,
  error: unknown,
  incoming: IncomingMessage,
  correlationId: Guid,
): Answer {
  if (error instanceof AuthenticatorUnavailable || isOutage(error)) return outageResponse;
  log(faultReport(error, incoming, correlationId));
  return faultResponse(correlationId);
}

/** What a server answers that cannot find out, or must not say, how things are. */
export const outageResponse = textResponse(
  503,
  'Something that this server needs cannot be reached, and it is unknown whether a write was kept. Try again.',
  retryAfter,
);

function faultResponse(correlationId: Guid): Answer {
  return textResponse(
    500,
    `A fault of the server, not of the request; its log tells more under ${correlationId}.`,
  );
}

function faultReport(
  error: unknown,
  { method, url }: IncomingMessage,
  correlationId: Guid,
): string {
  const path = url?.replace(/\?.*/s, '');
  const stack = error instanceof Error ? error.stack : String(error);
  return `${correlationId} ${method} ${path}: ${stack}`;
}

/** Sends `answer`, unless something else has answered already. */
export function send(outgoing: ServerResponse, answer: Answer, correlationId: Guid): void {
  if (outgoing.headersSent) return;
  outgoing.writeHead(answer.status, headersOf(answer, correlationId));
  outgoing.end(answer.body);
}

/** The headers of `answer` as one flat list; `Date` is not among them. @source contract 2 */
export function headersOf(answer: Answer, correlationId: Guid): string[] {
  const { status, body, contentType = 'application/json', headers, isSession } = answer;
  const list = [
    'Cache-Control',
    isSession ? 'max-age=0, must-revalidate' : 'no-cache, no-store',
    'X-Content-Type-Options',
    'nosniff',
    'X-XblCorrelationId',
    correlationId,
  ];
  if (body !== undefined) {
    list.push('Content-Type', contentType, 'Content-Length', String(Buffer.byteLength(body)));
  } else if (status !== 204 && status !== 304) {
    list.push('Content-Length', '0');
  }
  for (const name in headers) list.push(name, headers[name] as string);
  return list;
}
