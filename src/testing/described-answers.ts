/** Whether answers are as the API description says: each one that a test gets is looked at. */

import assert from 'node:assert/strict';
import * as v from 'valibot';
import { Refusal } from '../domain/refusal.ts';
import { answerShapes } from '../http/openapi/answer-shapes.ts';
import { keyOf, refusalsByStatus } from '../http/openapi/document.ts';
import { frameShapes } from '../http/openapi/frame-shapes.ts';
import { operations } from '../http/openapi/operations.ts';
import { buildRouteTable } from '../http/route-table.ts';
import { describedRoutes } from './described-routes.ts';

/** Not every server has the routes of these operations. One that has not does not describe them. */
const optionalTags: ReadonlySet<string> = new Set([
  ...['Login', 'Metrics', 'Administration', 'History', 'Control'],
]);

const table = buildRouteTable(describedRoutes);

/** Checking a longer one would take the time of a test. */
const charactersMax = 100_000;

/** Throws AssertionError for an answer whose status, refusal or body the description does not have. */
export function assertDescribed(
  method: string,
  path: string,
  { status, refusal, text }: { status: number; refusal: string | undefined; text: string },
): void {
  const found = table.find(method, path);
  if (found instanceof Refusal || !('route' in found)) return;
  const { route } = found;
  const key = keyOf(route);
  const operation = operations[key];
  if (operation === undefined) return;
  const isAbsent = refusal === 'pathUnknown' || refusal === 'serviceAbsent';
  if (isAbsent && optionalTags.has(operation.tag)) return;
  if (refusal !== undefined) {
    const codes: ReadonlySet<string> =
      refusalsByStatus(route, operation.tag).get(status) ?? new Set();
    assert.ok(codes.has(refusal), `${key}: ${status} ${refusal} is not described`);
    return;
  }
  // Faults and outages are no answers of a route.
  if (status >= 500) return;
  const shape = operation.answers[status];
  assert.ok(shape !== undefined, `${key}: ${status} is not described`);
  if (method === 'HEAD' || text.length > charactersMax) return;
  if (shape === 'text' || shape === 'page') return;
  if (shape === 'none') {
    assert.equal(text, '', `${key}: ${status} has a body`);
    return;
  }
  const { issues } = v.safeParse(answerShapes[shape], JSON.parse(text));
  const [issue] = issues ?? [];
  assert.ok(
    issue === undefined,
    `${key}: ${status} does not fit ${shape}: ${issue?.message} at ${issue && v.getDotPath(issue)}`,
  );
}

const sentFrames = Object.values(frameShapes).filter(({ from }) => from === 'server');

/** Throws AssertionError for a frame of RTA that no message of the description has. */
export function assertDescribedFrame(frame: readonly unknown[]): void {
  assert.ok(
    sentFrames.some(({ shape }) => v.is(shape, frame)),
    `${JSON.stringify(frame).slice(0, 1_000)} is not described`,
  );
}
