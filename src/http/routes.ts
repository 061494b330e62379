import type { Route } from './route.ts';
import { handleRoutes } from './routes/handles.ts';
import { peopleRoutes } from './routes/people.ts';
import { sessionElementRoutes } from './routes/session-elements.ts';
import { sessionQueryRoutes } from './routes/session-queries.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { templateRoutes } from './routes/templates.ts';

/**
 * The API's table of contents: what every server answers. The order does not matter.
 *
 * @source contract 3, 4, 5, 8, 10
 */
export const routes: readonly Route[] = [
  ...sessionRoutes,
  ...sessionElementRoutes,
  ...sessionQueryRoutes,
  ...handleRoutes,
  ...templateRoutes,
  ...peopleRoutes,
];
