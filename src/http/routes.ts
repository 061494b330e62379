import type { Route } from './route.ts';
import { handleRoutes } from './routes/handles.ts';
import { peopleRoutes } from './routes/people.ts';
import { sessionElementRoutes } from './routes/session-elements.ts';
import { sessionQueryRoutes } from './routes/session-queries.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { templateRoutes } from './routes/templates.ts';
import { titleEndpointRoutes } from './routes/title-endpoints.ts';

/**
 * The API's table of contents: what every server answers. The order does not matter.
 *
 * @source docs/wire/service-configs.md "Service configs and session templates", docs/wire/sessions.md "PUT", docs/wire/sessions.md "Access", docs/wire/handles.md "POST /handles", docs/wire/people.md "People"
 */
export const routes: readonly Route[] = [
  ...sessionRoutes,
  ...sessionElementRoutes,
  ...sessionQueryRoutes,
  ...handleRoutes,
  ...templateRoutes,
  ...peopleRoutes,
  ...titleEndpointRoutes,
];
