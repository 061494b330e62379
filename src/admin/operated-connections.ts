import type { Guid, Xuid } from '../domain/ids.ts';

/** The RTA connections of this node, as an operator sees them. */
export interface OperatedConnections {
  /** Those that are open now, the oldest first. */
  list(): readonly OperatedConnection[];
  /** Ends the connection as if the network had failed; false when it is not open here. */
  drop(id: Guid): boolean;
}

export type OperatedConnection = {
  readonly id: Guid;
  readonly xuid: Xuid;
  readonly subscriptionsCount: number;
};
