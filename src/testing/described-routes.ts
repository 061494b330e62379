import { adminRoutes } from '../admin/admin-routes.ts';
import { controlRoutes } from '../admin/routes.ts';
import { historyRoutes } from '../history/history-routes.ts';
import type { Route } from '../http/route.ts';
import { routes } from '../http/routes.ts';
import { healthRoutes } from '../http/routes/health.ts';
import { matchmakingRoutes } from '../http/routes/matchmaking.ts';
import { metricsRoutes } from '../http/routes/metrics.ts';
import { rtaRoutes } from '../http/routes/rta.ts';
import { signInRoutes } from '../http/routes/sign-in.ts';
import { tokenChainRoutes } from '../http/routes/token-chain.ts';

/** What makes routes: only their paths are asked for here. */
const nothing = {} as never;

/** All routes that the API description may have. They cannot answer. */
export const describedRoutes: readonly Route[] = [
  ...routes,
  ...matchmakingRoutes(nothing),
  ...healthRoutes(nothing),
  ...rtaRoutes(nothing),
  ...tokenChainRoutes(nothing),
  ...signInRoutes(nothing),
  ...historyRoutes,
  ...adminRoutes(nothing),
  ...controlRoutes(nothing),
  ...metricsRoutes(nothing, false),
];
