import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AdminAccess } from '../auth/admin-access.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { Context } from '../directory/context.ts';
import type { Caller, UserCaller } from '../domain/caller.ts';
import type { Guid } from '../domain/ids.ts';
import { type JsonObject, parseExactJson, parseRequestJson } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import { answerEarly, askForBody, isBodyDue } from './answer-early.ts';
import { parseQuery } from './query.ts';
import { endOfReadBatch } from './read-batch.ts';
import { parseBody, parseForm, readBody, sizeRefusal } from './body.ts';
import {
  type FailureSettings,
  failureResponse,
  becameUnfitResponse,
  unfitResponse,
} from './failure-response.ts';
import { hostOf, mayBeFramed } from './framing.ts';
import type { HeldBytes } from './held-bytes.ts';
import type { Hosts } from './hosts.ts';
import {
  noteCaller,
  type ObservedRequest,
  observeRequest,
  requestEnded,
} from './observed-request.ts';
import { formatPreflight, type Origins } from './origins.ts';
import { refusalResponse } from './refusal-response.ts';
import { type SendAnswer, sendAnswer } from './send-answer.ts';
import { type Answer, isReading, type RefusalWithHeaders, type Route } from './route.ts';
import { buildRouteTable, parseTarget } from './route-table.ts';
import { rateServiceOf } from './rate-service.ts';
import { bothJudgements, type Judgement, type RequestLimits } from './request-limits.ts';
import { mayWithoutXuid, statedXuid } from './stated-xuid.ts';

type HttpLimits = {
  readonly bodyBytesMax: number;
  /** Bytes of all bodies being received. */
  readonly uploadsBytesMax: number;
  /** Bytes of all answers that clients have not read. */
  readonly unsentBytesMax: number;
  /** How long an answer may wait for its client. */
  readonly sendTimeoutMs: Milliseconds;
};

export type PipelineSettings = FailureSettings & {
  readonly routes: readonly Route[];
  readonly authenticator: Authenticator;
  /** Who may call the routes of administrators; undefined: there are no such routes. */
  readonly admin?: AdminAccess | undefined;
  readonly context: Context;
  readonly limits: HttpLimits;
  /** Which pages of browsers may call. */
  readonly origins: Origins;
  /** Which routes answer under which host; every route under each unless given. */
  readonly hosts?: Hosts;
  /** How many requests are too many; any number unless given. */
  readonly requestLimits?: RequestLimits | undefined;
  /** False while every answer must be 503; always true unless given. */
  readonly isFit?: () => boolean;
  /** What a test wants answered in place of the real answer, if anything. */
  readonly answerInstead?: (asked: AskedRequest) => Answer | undefined;
  /** Does the work of a request where it can be known of which. */
  readonly within?: <T>(id: Guid, work: () => T) => T;
};

/** A request, and who makes it; undefined where the route needs no token. */
type AskedRequest = {
  readonly method: string;
  readonly url: string;
  readonly caller: Caller | undefined;
};

/** The steps of every HTTP request. */
export type Pipeline = {
  /**
   * Answers one request: host and origin, limits of the address, path, verb, caller, limits of the caller,
   * contract version, body, route, in this order; the first that fails decides. Never rejects. `send` is `sendAnswer` unless given.
   *
   * @source docs/wire/README.md "Every request"
   */
  answer(incoming: IncomingMessage, outgoing: ServerResponse, send?: SendAnswer): Promise<void>;
};

/** The bytes that clients make the server hold, and whether it is ending. */
export type PipelineState = {
  /** Unread answers. */
  readonly unsent: HeldBytes<ServerResponse>;
  /** Incomplete bodies, by the request. */
  readonly uploads: HeldBytes<object>;
  /** True when this answer should be the last of its connection. */
  isLast(outgoing: ServerResponse): boolean;
};

/** The pipeline in front of these routes. */
export function openPipeline(settings: PipelineSettings, state: PipelineState): Pipeline {
  const { authenticator, admin, origins, context, requestLimits } = settings;
  const table = buildRouteTable(
    settings.routes.filter(({ auth }) => auth !== 'admin' || admin !== undefined),
  );
  const { bodyBytesMax } = settings.limits;
  const { isFit = () => true, within } = settings;

  return {
    async answer(incoming, outgoing, send = sendAnswer) {
      const correlationId = context.ids.guid();
      const observed = observeRequest(settings, incoming, correlationId);
      const { origin } = incoming.headers;
      const preflightOf = origin && preflightMethod(incoming);
      const match = table.find(preflightOf || (incoming.method ?? ''), incoming.url ?? '');
      const isForPages = !('route' in match) || mayAnswerPages(match.route);
      const sendShared = (answer: Answer): void => {
        const sharing = origin !== undefined && isForPages ? origins.sharing(origin) : undefined;
        const shared = sharing ? { ...answer, headers: { ...answer.headers, ...sharing } } : answer;
        if (state.isLast(outgoing)) outgoing.shouldKeepAlive = false;
        if (isBodyDue(incoming)) answerEarly(outgoing, shared, correlationId, send);
        else send(outgoing, shared, correlationId);
        holdUnsent(outgoing, shared, state.unsent);
        if (observed) requestEnded(context, observed, incoming, shared);
      };
      if (observed && 'route' in match) observed.route = match.route.path;
      try {
        const refusal = mayAsk(incoming, { isForPages, isPreflight: Boolean(preflightOf) });
        if (refusal !== undefined) sendShared(refusal);
        else if (preflightOf && 'route' in match) {
          sendShared({ status: 204, headers: formatPreflight(preflightOf, incoming.headers) });
        } else if (within === undefined) {
          sendShared(await decide(outgoing, match, correlationId, observed));
        } else {
          const work = () => decide(outgoing, match, correlationId, observed);
          sendShared(await within(correlationId, work));
        }
      } catch (error) {
        if (observed) observed.fault = error;
        const isRead =
          !('route' in match) || isReading(match.route, new URLSearchParams(match.search));
        sendShared(failureResponse(settings, error, incoming, correlationId, isRead));
      }
    },
  };

  /** The refusal of a request with wrong framing, or from a forbidden host or origin. */
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
    outgoing: ServerResponse,
    match: ReturnType<typeof table.find>,
    id: Guid,
    observed: ObservedRequest | undefined,
  ): Promise<Answer> {
    const { req: incoming } = outgoing;
    const path = 'route' in match ? match.route.path : undefined;
    let judged = requestLimits?.ofAddress(incoming, context.clock.nowMs());
    if (judged instanceof Refusal) return refuse(judged, contractVersionMax);
    const elsewhere = settings.hosts?.refusalOf(hostOf(incoming), path);
    if (elsewhere !== undefined) return refuse(elsewhere, contractVersionMax);
    if (!('route' in match)) return refuse(match, contractVersionMax);
    const { route, params, search } = match;
    const headers = incoming.headers as Headers;
    if (!mayAnswer(route)) return unfitResponse;

    const asked = callerOf(route, headers);
    let caller = asked instanceof Promise ? await asked : asked;
    noteCaller(observed, caller);
    if (caller instanceof Refusal) return refuse(caller, contractVersionMax);
    const { method = '', url = '' } = incoming;
    const instead = settings.answerInstead?.({ method, url, caller });
    if (instead !== undefined) return instead;
    if (caller !== undefined && requestLimits !== undefined) {
      judged = bothJudgements(judged, judge(requestLimits, route, caller, hostOf(incoming)));
      if (judged instanceof Refusal) return refuse(judged, contractVersionMax);
    }

    const contractVersion = contractVersionOf(route, headers);
    if (contractVersion instanceof Refusal) return refuse(contractVersion, contractVersionMax);
    const query = parseQuery(search);
    if (query instanceof Refusal) return refuse(query, contractVersion);

    const encoded = route.body === 'none' ? undefined : encodingRefusal(headers);
    if (encoded !== undefined) return refuse(encoded, contractVersion);
    const body = route.body === 'none' ? noBody : await readObject(outgoing, route, observed);
    if (body instanceof Refusal) return refuse(body, contractVersion);
    if (caller?.kind === 'user' && caller.userHash !== undefined) {
      caller = await learned(caller, route, url, query, body);
      noteCaller(observed, caller);
      if (caller instanceof Refusal) return refuse(caller, contractVersion);
    }

    if (caller !== undefined && requestLimits !== undefined && route.rateServiceOf !== undefined) {
      const nowMs = context.clock.nowMs();
      const service = route.rateServiceOf(body);
      judged = bothJudgements(judged, requestLimits.ofService(service, caller, nowMs));
    }
    if (judged !== undefined) {
      const tooMany = await judged;
      if (tooMany !== undefined) return refuse(tooMany, contractVersion);
    }
    await endOfReadBatch();
    // Undefined only where the route said that it does not ask.
    const known = caller as Caller;
    const answer = await route.answer(
      {
        params,
        headers,
        body,
        caller: known,
        cause: { kind: 'request', caller: known, id, method, route: route.path },
        contractVersion,
        query,
      },
      context,
    );
    // What was known before the process was paused may no longer be true.
    if (!mayAnswer(route)) return becameUnfitResponse;
    return 'status' in answer ? answer : refuse(answer, contractVersion);
  }

  /** False while this node must not answer from the store. */
  function mayAnswer(route: Route): boolean {
    return route.auth === 'none' || isFit();
  }

  /** The caller; undefined where the route needs none. Refuses: notAuthenticated. */
  function callerOf(
    route: Route,
    { authorization }: Headers,
  ): Promise<Caller | Refusal> | Caller | Refusal | undefined {
    if (route.auth === 'none') return undefined;
    const nowMs = context.clock.nowMs();
    if (route.auth === 'admin') return admin?.authenticate(authorization, nowMs);
    const answer = authenticator.authenticate(authorization, nowMs);
    return answer instanceof Promise
      ? answer.then((known) => noted(known, nowMs))
      : noted(answer, nowMs);
  }

  /** Counts a request of this caller, as far as its body need not be known for that. */
  function judge(
    limits: RequestLimits,
    route: Route,
    caller: Caller,
    host: string | undefined,
  ): Judgement {
    const service = route.rateServiceOf === undefined ? rateServiceOf(route, host) : undefined;
    return limits.ofCaller(caller, service, context.clock.nowMs());
  }

  /**
   * The caller with the xuid that the request states, if it does: the one that was stated before.
   *
   * Refuses: notAuthenticated.
   */
  async function learned(
    caller: UserCaller,
    route: Route,
    url: string,
    query: URLSearchParams,
    body: JsonObject,
  ): Promise<UserCaller | Refusal> {
    const xuid = statedXuid(route.method, parseTarget(url).path, body);
    if (xuid === undefined) return mayWithoutXuid(caller, route, query) ?? caller;
    if (xuid === caller.xuid) return caller;
    return (await authenticator.learn?.(caller, xuid)) ?? caller;
  }

  /** A request is a sign of life of its user. */
  function noted(caller: Caller | Refusal, nowMs: Milliseconds): Caller | Refusal {
    if ('kind' in caller && caller.kind === 'user') {
      context.presence.note(caller.xuid, nowMs);
      context.names.note(caller.xuid, caller.gamertag);
    }
    return caller;
  }

  /** Refuses: bodyTooLarge, requestTooSlow, bodyNotJson, requestInvalid, tooManyItems. */
  async function readObject(
    outgoing: ServerResponse,
    { body, bodyBytesMax: ownBytesMax = bodyBytesMax, keepsUnknown = false }: Route,
    observed: ObservedRequest | undefined,
  ): Promise<JsonObject | Refusal> {
    const tooLarge = sizeRefusal(outgoing.req, ownBytesMax);
    if (tooLarge !== undefined) return tooLarge;
    askForBody(outgoing);
    const bytes = await readBody(outgoing.req, ownBytesMax, state.uploads);
    if (bytes instanceof Refusal) return bytes;
    if (observed) observed.body = bytes;
    if (body === 'form') return parseForm(bytes);
    if (body === 'text') return { text: bytes.toString('utf8') };
    const keeps = keepsUnknown && context.settings.unknownMembers === 'keep';
    return parseBody(bytes, keeps || body === 'exact' ? parseExactJson : parseRequestJson);
  }
}

type Headers = Readonly<Record<string, string | undefined>>;

const noBody: JsonObject = {};
const contractVersionMin = 104;
const contractVersionMax = 107;

/** True of a route that may answer pages of other origins. */
function mayAnswerPages({ auth, isForPages = auth !== 'admin' }: Route): boolean {
  return isForPages;
}

/** The method that a browser asks about before it sends a request; undefined for other requests. */
function preflightMethod({ method, headers }: IncomingMessage): string | undefined {
  return method === 'OPTIONS' ? headers['access-control-request-method'] : undefined;
}

/** The refusal of a compressed body. */
function encodingRefusal(headers: Headers): RefusalWithHeaders | undefined {
  const encoding = encodingOf(headers);
  if (encoding === undefined) return undefined;
  return {
    refusal: new Refusal(
      'contentEncodingUnknown',
      `The body is encoded (${encoding}); send it as it is.`,
    ),
    headers: { 'Accept-Encoding': 'identity' },
  };
}

/** The header that says how a body is compressed. */
function encodingOf(headers: Headers): string | undefined {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return `Content-Encoding: ${encoding.slice(0, 100)}`;
  }
  // Node decodes chunks, and leaves what is in them as it is.
  const transfer = headers['transfer-encoding'];
  if (transfer === undefined || transfer.toLowerCase() === 'chunked') return undefined;
  return `Transfer-Encoding: ${transfer.slice(0, 100)}`;
}

/** 107 where the route asks for none. Refuses: contractVersionMissing. */
function contractVersionOf(route: Route, headers: Headers): number | Refusal {
  if (route.auth !== 'mpsd') return contractVersionMax;
  const header = headers['x-xbl-contract-version'];
  const version = header !== undefined && /^\d+$/.test(header) ? Number(header) : 0;
  const min = route.contractVersionMin ?? contractVersionMin;
  if (version >= min) return Math.min(version, contractVersionMax);
  return new Refusal(
    'contractVersionMissing',
    `The header X-Xbl-Contract-Version must be an integer from ${min}; it is ${header === undefined ? 'missing' : `"${header}"`}.`,
    { accepted: [String(min)] },
  );
}

function refuse(refused: Refusal | RefusalWithHeaders, contractVersion: number): Answer {
  if (refused instanceof Refusal) return refusalResponse(refused, contractVersion);
  const answer = refusalResponse(refused.refusal, contractVersion);
  return { ...answer, headers: { ...answer.headers, ...refused.headers } };
}

/** Counts what the client of `outgoing` has not read of `answer`, which has been written whole. */
function holdUnsent(
  outgoing: ServerResponse,
  { stream }: Answer,
  unsent: HeldBytes<ServerResponse>,
): void {
  const bytes = outgoing.writableLength;
  // The system has taken nearly every answer by now. A stream that goes on bounds itself.
  if (bytes === 0 || (stream !== undefined && !outgoing.writableEnded)) return;
  unsent.add(outgoing, bytes, () => outgoing.req.socket.destroy());
  const release = () => unsent.delete(outgoing);
  outgoing.once('close', release);
  // An early answer may be read long before its connection ends.
  outgoing.once('drain', release);
}
