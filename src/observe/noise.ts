import type { RequestEnded } from './events.ts';

/**
 * True of what would fill logs and traces and says nothing: answered health checks, scrapes of metrics,
 * and what the inspector asks.
 */
export function isNoise({ route, status }: RequestEnded): boolean {
  if (route === undefined || status >= 400) return false;
  return (
    route.startsWith('/health/') ||
    route === '/metrics' ||
    route === '/' ||
    route.startsWith('/assets') ||
    route.startsWith('/inspector')
  );
}
