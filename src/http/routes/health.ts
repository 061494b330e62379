import { formatJson, type JsonObject } from '../../domain/json.ts';
import type { Readiness } from '../readiness.ts';
import { retryAfter, textResponse } from '../refusal-response.ts';
import type { Route } from '../route.ts';

/**
 * For balancers and supervisors, without a token: `GET /health/live`, whether the process answers,
 * and `GET /health/ready`, whether it should get requests.
 */
export function healthRoutes(readiness: Readiness): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/health/live',
      auth: 'none',
      body: 'none',
      answer: async () => ({ status: 200, body: formatJson({ status: 'live' }) }),
    },
    {
      method: 'GET',
      path: '/health/ready',
      auth: 'none',
      body: 'none',
      async answer() {
        const problem = await readiness.problem();
        return problem === undefined
          ? { status: 200, body: formatJson(viewReady(readiness.conditions())) }
          : textResponse(503, problem, retryAfter);
      },
    },
  ];
}

/** Other nodes would mostly report the same conditions, so none of them turns requests away. */
function viewReady(problems: readonly string[]): JsonObject {
  return problems.length === 0 ? { status: 'ready' } : { status: 'degraded', problems };
}
