import type { HubSettings } from '../rta/hub.ts';

/** Settings of a hub in tests: taps wait for a window, and nothing else is near its bound. */
export const hubSettings: HubSettings = {
  tapWindowMs: 2_500,
  subscriptionsMax: 9,
  outboxBytesMax: 1_000,
  connectionsMax: 1_000,
  connectionsPerUserMax: 1_000,
  sendTimeoutMs: 30_000,
  unsentBytesMax: 1_000_000,
};
