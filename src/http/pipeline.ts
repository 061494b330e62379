import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Authenticator, AuthenticatorUnavailable } from '../auth/authenticator.ts';
import type { Context } from '../directory/context.ts';
import type { Caller } from '../domain/caller.ts';
import type { Guid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import { endOfReadBatch } from './read-batch.ts';
import { parseBody, readBody } from './body.ts';
import type { HeldBytes } from './held-bytes.ts';
import { formatPreflight, type Origins } from './origins.ts';
import { refusalResponse, retryAfter, textResponse } from './refusal-response.ts';
import { type SendAnswer, sendAnswer } from './send-answer.ts';
import type { Answer, RefusalWithHeaders, Route, RouteRequest } from './route.ts';
import { buildRouteTable, parseTarget } from './route-table.ts';

export type HttpLimits = {
  readonly bodyBytesMax: number;
  /** Of all bodies that are on their way. */
  readonly uploadsBytesMax: number;
  /** Of all answers that their clients have not read. */
  readonly unsentBytesMax: number;
  /** How long an answer may wait for its client. */
  readonly sendTimeoutMs: Milliseconds;
};

export type PipelineSettings = {
  readonly routes: readonly Route[];
  readonly authenticator: Authenticator;
  readonly context: Context;
  readonly limits: HttpLimits;
  /** Which pages of browsers may ask. */
  readonly origins: Origins;
  /** True of an error by which the store says that it cannot be reached. */
  readonly isOutage: (error: unknown) => boolean;
  /** False while nothing may be answered but that it cannot be now; always fit unless given. */
  readonly isFit?: () => boolean;
  /** Logs a fault of the server, with its stack. */
  readonly log: (text: string) => void;
};

/** What every HTTP request passes. */
export type Pipeline = {
  /**
   * Answers one request: host and origin, path, verb, caller, contract version, body, route, in this
   * order; the first that fails decides. Never rejects. `send` is `sendAnswer` unless given.
   *
   * @source docs/wire/README.md "Every request"
   */
  answer(incoming: IncomingMessage, outgoing: ServerResponse, send?: SendAnswer): Promise<void>;
};

/** What clients make the server hold, and whether it is ending. */
export type PipelineState = {
  /** Answers that are not read, by the answer. */
  readonly unsent: HeldBytes<ServerResponse>;
  /** Bodies that are not complete, by the request. */
  readonly uploads: HeldBytes<object>;
  /** True when this answer should be the last of its connection. */
  isLast(outgoing: ServerResponse): boolean;
};

/** The pipeline in front of these routes. */
export function openPipeline(settings: PipelineSettings, state: PipelineState): Pipeline {
  const { authenticator, origins, context } = settings;
  const table = buildRouteTable(settings.routes);
  const { bodyBytesMax } = settings.limits;
  const { isFit = () => true } = settings;

  return {
    async answer(incoming, outgoing, send = sendAnswer) {
      const correlationId = context.ids.guid();
      const { origin } = incoming.headers;
      const preflightOf = origin && preflightMethod(incoming);
      const match = table.find(preflightOf || (incoming.method ?? ''), incoming.url ?? '');
      const isForPages = !('route' in match) || match.route.isForPages !== false;
      const sendShared = (answer: Answer): void => {
        const sharing = origin !== undefined && isForPages ? origins.sharing(origin) : undefined;
        const shared = sharing ? { ...answer, headers: { ...answer.headers, ...sharing } } : answer;
        if (state.isLast(outgoing)) outgoing.shouldKeepAlive = false;
        send(outgoing, shared, correlationId);
        holdUnsent(outgoing, state.unsent);
      };
      try {
        const refusal = mayAsk(incoming, { isForPages, isPreflight: Boolean(preflightOf) });
        if (refusal !== undefined) sendShared(refusal);
        else if (preflightOf && 'route' in match) {
          sendShared({ status: 204, headers: formatPreflight(preflightOf, incoming.headers) });
        } else sendShared(await decide(incoming, match));
      } catch (error) {
        sendShared(failureResponse(settings, error, incoming, correlationId));
      }
    },
  };

  /** The refusal of a request that is not framed as it must be, or comes from where it must not. */
  function mayAsk(
    incoming: IncomingMessage,
    asked: { readonly isForPages: boolean; readonly isPreflight: boolean },
  ): Answer | undefined {
    const malformed = mayBeFramed(incoming);
    if (malformed !== undefined) {
      return refuse({ refusal: malformed, headers: { Connection: 'close' } }, contractVersionMax);
    }
    const refusal = origins.mayAsk(hostOf(incoming), incoming.headers.origin, asked);
    return refusal && refuse(refusal, contractVersionMax);
  }

  async function decide(
    incoming: IncomingMessage,
    match: ReturnType<typeof table.find>,
  ): Promise<Answer> {
    const { headers } = incoming as { headers: Readonly<Record<string, string | undefined>> };

    if (!('route' in match)) return refuse(match, contractVersionMax);
    const { route, params, search } = match;
    if (route.auth !== 'none' && !isFit()) return outageResponse;

    let caller: Caller | undefined;
    if (route.auth !== 'none') {
      const nowMs = context.clock.nowMs();
      const answer = authenticator.authenticate(headers.authorization, nowMs);
      const known = answer instanceof Promise ? await answer : answer;
      if (known instanceof Refusal) return refuse(known, contractVersionMax);
      caller = known;
      if (known.kind === 'user') context.presence.note(known.xuid, nowMs);
    }

    const contractVersion =
      route.auth === 'mpsd'
        ? parseContractVersion(headers['x-xbl-contract-version'])
        : contractVersionMax;
    if (contractVersion instanceof Refusal) return refuse(contractVersion, contractVersionMax);

    let body = noBody;
    if (route.body === 'object') {
      const encoding = headers['content-encoding'];
      if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
        return refuse(unknownEncoding(encoding), contractVersion);
      }
      const bytes = await readBody(incoming, bodyBytesMax, state.uploads);
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
    await endOfReadBatch();
    const answer = await route.answer(request, context);
    // What was found out before the process stood still may be true no more.
    if (route.auth !== 'none' && !isFit()) return outageResponse;
    return 'status' in answer ? answer : refuse(answer, contractVersion);
  }
}

const noBody: JsonObject = {};
const contractVersionMin = 104;
const contractVersionMax = 107;

/** Nothing when it is clear where a request ends and whom it is for. Refuses: requestMalformed. */
export function mayBeFramed({ httpVersion, headers }: IncomingMessage): Refusal | undefined {
  if (headers.host?.includes(',')) {
    return new Refusal('requestMalformed', 'The request has more than one Host header.');
  }
  if (headers['transfer-encoding'] !== undefined && httpVersion === '1.0') {
    return new Refusal('requestMalformed', 'HTTP/1.0 has no Transfer-Encoding; send HTTP/1.1.');
  }
  return undefined;
}

/** Whom a request is for: its target, where that is a whole URL, goes before `Host`. */
export function hostOf({ url = '', headers }: IncomingMessage): string | undefined {
  return url.startsWith('/') ? headers.host : (parseTarget(url).host ?? headers.host);
}

/** The method that a browser asks about before it sends a request; undefined for other requests. */
function preflightMethod({ method, headers }: IncomingMessage): string | undefined {
  return method === 'OPTIONS' ? headers['access-control-request-method'] : undefined;
}

function unknownEncoding(encoding: string): RefusalWithHeaders {
  return {
    refusal: new Refusal(
      'contentEncodingUnknown',
      `The body is encoded (Content-Encoding: ${encoding.slice(0, 100)}); send it as it is.`,
    ),
    headers: { 'Accept-Encoding': 'identity' },
  };
}

/** Refuses: contractVersionMissing. @source docs/wire/README.md "Every request" */
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
  { isOutage, log }: PipelineSettings,
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

/** Counts what the client of `outgoing` has not read. */
function holdUnsent(outgoing: ServerResponse, unsent: HeldBytes<ServerResponse>): void {
  const bytes = outgoing.writableLength;
  // The system has taken nearly every answer by now.
  if (bytes === 0) return;
  unsent.add(outgoing, bytes, () => outgoing.req.socket.destroy());
  outgoing.once('close', () => unsent.delete(outgoing));
}
