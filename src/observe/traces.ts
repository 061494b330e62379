/**
 * Traces for an OpenTelemetry collector: a span for each request, with what it committed and a span for
 * each of its calls of the store, and one for each sweep that had something to do. A request with the
 * header `traceparent` is a part of its trace.
 */

import {
  type Attributes,
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Guid } from '../domain/ids.ts';
import type {
  ObservedEvent,
  ObservedHeaders,
  RequestEnded,
  SessionCommitted,
  StoreCalled,
} from './events.ts';
import { isNoise } from './noise.ts';
import { targetWithoutSecrets } from './secrets.ts';

export type Traces = AsyncDisposable & {
  /** What this request does is remembered until it is answered. What it does later is not shown. */
  begin(id: Guid): void;
  observe(event: ObservedEvent): void;
};

export type TracesSettings = {
  /** The collector, without `/v1/traces`. */
  readonly url: string;
  readonly version: string;
  /** The kind of store: `memory`, `sqlite`, `redis` or `custom`. */
  readonly store: string;
  /** The clock of the machine. */
  readonly nowMs: () => number;
};

/** Requests whose commits and calls are remembered until they are answered. */
const openMax = 1_000;
/** Calls of the store that are shown of a request. */
const callsMax = 100;

/** What a request has done so far. */
type RequestWork = {
  readonly commits: SessionCommitted[];
  readonly calls: { readonly called: StoreCalled; readonly endMs: number }[];
};

/**
 * Sends spans to the collector now and then; disposing sends the rest. Name and further attributes of
 * the service come from the environment variables of OpenTelemetry. What the collector does not take is
 * lost.
 */
export function openTraces({ url, version, store, nowMs }: TracesSettings): Traces {
  const exporter = new OTLPTraceExporter({ url: `${url.replace(/\/$/, '')}/v1/traces` });
  const own = resourceFromAttributes({ 'service.name': 'openmpsd', 'service.version': version });
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer('openmpsd', version);
  const open = new Map<Guid, RequestWork>();

  const noteCommit = (event: SessionCommitted): void => {
    if (event.cause.kind !== 'request' || event.cause.id === undefined) return;
    open.get(event.cause.id)?.commits.push(event);
  };

  const noteCall = (called: StoreCalled): void => {
    if (called.requestId === undefined) return;
    const calls = open.get(called.requestId)?.calls;
    if (calls !== undefined && calls.length < callsMax) calls.push({ called, endMs: nowMs() });
  };

  const endRequest = (event: RequestEnded): void => {
    const done = open.get(event.id);
    open.delete(event.id);
    if (isNoise(event)) return;
    const endMs = nowMs();
    const span = tracer.startSpan(
      `${event.method || '?'} ${event.route ?? ''}`.trimEnd(),
      {
        kind: SpanKind.SERVER,
        startTime: endMs - event.durationMs,
        attributes: attributesOf(event),
      },
      parentOf(event.requestHeaders),
    );
    for (const { key, change } of done?.commits ?? []) {
      const changeNumber = change.next?.changeNumber;
      span.addEvent('session committed', {
        'openmpsd.session': key,
        ...(changeNumber !== undefined && { 'openmpsd.change_number': changeNumber }),
      });
    }
    const inSpan = trace.setSpan(ROOT_CONTEXT, span);
    for (const { called, endMs: calledMs } of done?.calls ?? []) {
      const attributes = { 'db.system.name': store, 'db.operation.name': called.call };
      const startTime = calledMs - called.durationMs;
      const options = { kind: SpanKind.CLIENT, startTime, attributes };
      const call = tracer.startSpan(`store ${called.call}`, options, inSpan);
      if (called.isFailed) call.setStatus({ code: SpanStatusCode.ERROR });
      call.end(calledMs);
    }
    if (event.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endMs);
  };

  return {
    begin(id) {
      open.set(id, { commits: [], calls: [] });
      if (open.size > openMax) open.delete(open.keys().next().value ?? '');
    },
    observe(event) {
      if (event.kind === 'committed') noteCommit(event);
      else if (event.kind === 'storeCalled') noteCall(event);
      else if (event.kind === 'request') endRequest(event);
      else if (event.kind === 'sweep' && event.sessionsCount + event.invitesCount > 0) {
        const endMs = nowMs();
        const attributes = {
          'openmpsd.sessions': event.sessionsCount,
          'openmpsd.invites': event.invitesCount,
        };
        const startTime = endMs - event.durationMs;
        const span = tracer.startSpan('sweep', { startTime, attributes }, ROOT_CONTEXT);
        if (event.isFailed) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end(endMs);
      }
    },
    async [Symbol.asyncDispose]() {
      // The collector may be away.
      await provider.shutdown().catch(() => undefined);
    },
  };
}

/** By the semantic conventions of HTTP servers, and our own. */
function attributesOf(event: RequestEnded): Attributes {
  const { method, target, route, status, refusal, caller, address, id } = event;
  const [path = '', query] = targetWithoutSecrets(target).split('?', 2);
  return {
    'http.request.method': method,
    'http.response.status_code': status,
    'url.path': path,
    'url.scheme': 'http',
    'openmpsd.correlation_id': id,
    ...(query !== undefined && { 'url.query': query }),
    ...(route !== undefined && { 'http.route': route }),
    ...(address !== undefined && { 'client.address': address }),
    ...(caller?.kind === 'user' && { 'enduser.id': caller.xuid }),
    ...(refusal !== undefined && { 'openmpsd.refusal': refusal.code }),
    ...(status >= 500 && { 'error.type': String(status) }),
  };
}

/** The span that the client names in `traceparent`: `00-<trace id>-<span id>-<flags>`. */
function parentOf({ traceparent }: ObservedHeaders): Context {
  if (typeof traceparent !== 'string') return ROOT_CONTEXT;
  const [version = '', traceId = '', spanId = '', flags = ''] = traceparent.trim().split('-', 5);
  const traceFlags = Number.parseInt(flags, 16);
  const parent = { traceId, spanId, traceFlags, isRemote: true };
  if (version.length !== 2 || Number.isNaN(traceFlags) || !isSpanContextValid(parent)) {
    return ROOT_CONTEXT;
  }
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}
