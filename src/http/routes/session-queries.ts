import { Refusal } from '../../domain/refusal.ts';
import type { Route } from '../route.ts';

const refuse = (): Promise<Refusal> =>
  Promise.resolve(
    new Refusal(
      'notYetSupported',
      'Queries for sessions are not yet supported by this server; activities are found by POST /handles/query.',
    ),
  );

/** Queries for sessions: known paths, refused aloud. @source contract 8.2 */
export const sessionQueryRoutes: readonly Route[] = [
  '/serviceconfigs/{scid}',
  '/serviceconfigs/{scid}/sessiontemplates/{templateName}',
].flatMap((path): readonly Route[] => [
  {
    method: 'GET',
    path: `${path}/sessions`,
    door: 'sessionDirectory',
    body: 'none',
    answer: refuse,
  },
  {
    method: 'POST',
    path: `${path}/batch`,
    door: 'sessionDirectory',
    body: 'object',
    answer: refuse,
  },
]);
