import type { Guid, Xuid } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';

/** The RTA connections of this process, as the control API sees and disturbs them. */
export interface ControlledConnections {
  /** Those that are open now, the oldest first. */
  list(): readonly ControlledConnection[];
  /** Ends the connection without a close frame, as if the network had failed; false when it is not open. */
  drop(id: Guid): boolean;
  /** False when it is not open. */
  setTaps(id: Guid, taps: TapsControl): boolean;
}

export type ControlledConnection = {
  /** The connection id, lower-case: what members write as `connection`. */
  readonly id: Guid;
  /** Undefined: a game service. */
  readonly xuid: Xuid | undefined;
  readonly taps: TapsControl;
};

/** What happens to the taps of a connection. */
export type TapsControl = {
  /** How long each is held back; 0: not at all. */
  readonly delayMs: Milliseconds;
  /** True: they are lost. */
  readonly drop: boolean;
};
