import { formatJson, type JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { formatTime, latestTimeMs } from '../domain/time.ts';
import type { ControlledClock } from '../platform/controlled-clock.ts';
import type { Answer, Route, RouteRequest } from '../http/route.ts';
import type { ControlledConnection, ControlledConnections } from './connections.ts';
import type { ForcedRefusals } from './forced-refusals.ts';
import {
  forcedRefusalsMax,
  parseClockRequest,
  parseForcedRefusal,
  parseTapsRequest,
} from './request.ts';

/** What the control API controls. */
export type ControlTargets = {
  readonly clock: ControlledClock;
  readonly connections: ControlledConnections;
  readonly refusals: ForcedRefusals;
  /** Applies the timeouts that are due. */
  readonly sweep: () => Promise<void>;
};

/**
 * The control API, by which a game's own tests provoke what is rare: `GET /control`,
 * `POST /control/clock`, `/control/connections/{id}/drop`, `/control/connections/{id}/taps`,
 * `POST` and `DELETE /control/refusals`.
 *
 * For game services only: a page in a browser cannot be made to call it by mistake, and a player
 * cannot call it at all.
 *
 * Refuses: serviceRequired, connectionUnknown, requestInvalid.
 *
 * See docs/control.md.
 */
export function controlRoutes({
  clock,
  connections,
  refusals,
  sweep,
}: ControlTargets): readonly Route[] {
  const viewClock = (): JsonObject => {
    const nowMs = clock.nowMs();
    return { nowMs, now: formatTime(nowMs), frozen: clock.isFrozen };
  };
  const find = (id: string | undefined): ControlledConnection | Refusal =>
    connections.list().find((one) => one.id === id?.toLowerCase()) ??
    new Refusal(
      'connectionUnknown',
      `No connection ${id} is open here; GET /control lists those that are.`,
    );

  const routes: readonly Route[] = [
    controlRoute('GET', '/control', 'none', async () =>
      answerJson({
        clock: viewClock(),
        connections: connections.list().map(viewConnection),
        refusals: viewRefusals(refusals),
        routes: routes.map(({ method, path }) => `${method} ${path}`),
      }),
    ),

    controlRoute('POST', '/control/clock', 'object', async ({ body }) => {
      const request = parseClockRequest(body);
      if (request instanceof Refusal) return request;
      const { freeze, advanceMs = 0, nowMs = clock.nowMs() + advanceMs } = request;
      if (nowMs > latestTimeMs) {
        return new Refusal(
          'requestInvalid',
          `$.advanceMs: Expected no more than what leads to ${formatTime(latestTimeMs)}.`,
          { detail: '$.advanceMs' },
        );
      }
      if (freeze === true) clock.freeze();
      if (request.advanceMs !== undefined || request.nowMs !== undefined) {
        clock.moveTo(nowMs);
      }
      if (freeze === false) clock.run();
      // The caller sees what time has done, without waiting for the next sweep.
      await sweep();
      return answerJson({ clock: viewClock() });
    }),

    controlRoute('POST', '/control/connections/{id}/drop', 'none', async ({ params }) => {
      const connection = find(params['id']);
      if (connection instanceof Refusal) return connection;
      connections.drop(connection.id);
      return { status: 204 };
    }),

    controlRoute('POST', '/control/connections/{id}/taps', 'object', async ({ params, body }) => {
      const connection = find(params['id']);
      if (connection instanceof Refusal) return connection;
      const request = parseTapsRequest(body);
      if (request instanceof Refusal) return request;
      const taps = { ...connection.taps, ...request };
      connections.setTaps(connection.id, taps);
      return answerJson(viewConnection({ ...connection, taps }));
    }),

    controlRoute('POST', '/control/refusals', 'object', async ({ body }) => {
      const refusal = parseForcedRefusal(body);
      if (refusal instanceof Refusal) return refusal;
      if (refusals.list().length >= forcedRefusalsMax) {
        return new Refusal(
          'requestInvalid',
          `$: Expected at most ${forcedRefusalsMax} refusals at a time; end them with DELETE /control/refusals.`,
          { detail: '$' },
        );
      }
      refusals.add(refusal);
      return answerJson({ refusals: viewRefusals(refusals) });
    }),

    controlRoute('DELETE', '/control/refusals', 'none', async () => {
      refusals.clear();
      return { status: 204 };
    }),
  ];
  return routes;
}

function controlRoute(
  method: Route['method'],
  path: string,
  body: Route['body'],
  answer: (request: RouteRequest) => Promise<Answer | Refusal>,
): Route {
  return {
    method,
    path,
    auth: 'token',
    body,
    isForPages: false,
    async answer(request) {
      if (request.caller.kind === 'service') return answer(request);
      return new Refusal(
        'serviceRequired',
        'Only a game service may control the server; use a token with svc, such as "svc=tests".',
      );
    },
  };
}

function viewConnection({ id, xuid, taps }: ControlledConnection): JsonObject {
  return { id, ...(xuid !== undefined && { xuid }), taps: { ...taps } };
}

function viewRefusals(refusals: ForcedRefusals): readonly JsonObject[] {
  return refusals.list().map((one) => ({ ...one }));
}

function answerJson(body: JsonObject): Answer {
  return { status: 200, body: formatJson(body) };
}
