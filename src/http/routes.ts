import type { Route } from './route.ts';
import { absentRoutes } from './routes/absent.ts';
import { activityRoutes } from './routes/activity.ts';
import { handleRoutes } from './routes/handles.ts';
import { peopleHubRoutes } from './routes/people-hub.ts';
import { peopleRoutes } from './routes/people.ts';
import { permissionRoutes } from './routes/permissions.ts';
import { presenceRoutes } from './routes/presence.ts';
import { profileRoutes } from './routes/profile.ts';
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
  ...peopleHubRoutes,
  ...profileRoutes,
  ...presenceRoutes,
  ...permissionRoutes,
  ...activityRoutes,
  ...absentRoutes,
];
