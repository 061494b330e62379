/** How often, and with which delays, a lost connection is opened again. */
export type ReconnectPolicy = {
  /** Before the first try; doubles with each further one. */
  readonly firstDelayMs: number;
  readonly delayMsMax: number;
  /** Tries before it is given up. */
  readonly attemptsMax: number;
};

/**
 * About 0.5, 1, 2, 4, 8 s, then every 15 s, and given up after some two minutes: the first tries
 * fall well into the time for which the server keeps a disconnected member active.
 */
export const defaultReconnectPolicy: ReconnectPolicy = {
  firstDelayMs: 500,
  delayMsMax: 15_000,
  attemptsMax: 12,
};

/**
 * How long to wait before try number `attempt`, the first being 0. Random by half either way, so
 * that the clients of a lost server do not all return at once.
 */
export function reconnectDelayMs(
  attempt: number,
  random: number,
  { firstDelayMs, delayMsMax }: ReconnectPolicy,
): number {
  return Math.min(firstDelayMs * 2 ** attempt, delayMsMax) * (0.5 + random);
}
