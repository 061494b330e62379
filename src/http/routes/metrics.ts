import type { Route } from '../route.ts';

/** What is counted, as text. */
type MetricsText = {
  format(): Promise<string>;
  readonly contentType: string;
};

/**
 * `GET /metrics`, for Prometheus: for everybody who reaches the server if `isOpen`, else for
 * administrators; never for pages of other origins.
 */
export function metricsRoutes(metrics: MetricsText, isOpen: boolean): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/metrics',
      auth: isOpen ? 'none' : 'admin',
      isForPages: false,
      body: 'none',
      async answer() {
        const body = await metrics.format();
        return { status: 200, body, contentType: metrics.contentType };
      },
    },
  ];
}
