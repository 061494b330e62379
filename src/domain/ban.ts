import type { Xuid } from './ids.ts';
import { Refusal } from './refusal.ts';
import { formatTime, type Milliseconds } from './time.ts';

/** A user who may not call for a time. */
export type Ban = {
  readonly xuid: Xuid;
  readonly fromMs: Milliseconds;
  readonly untilMs: Milliseconds;
  /** The name of the operator or service who banned the user. */
  readonly by: string;
  readonly reason?: string;
};

/** The refusal of a banned user. */
export function bannedRefusal({ xuid, untilMs, reason }: Ban): Refusal {
  const until = formatTime(untilMs);
  const why = reason === undefined ? '.' : `: ${reason}`;
  return new Refusal('banned', `User ${xuid} is banned until ${until}${why}`, { detail: until });
}
