/** The messages between the event loop and the thread that writes, beside the groups of writes. */

import type { Durability } from '../store.ts';

/** What the thread starts with. */
export type WriterSettings = {
  readonly file: string;
  readonly durability: Durability;
  readonly fileBytesMax: number | undefined;
};

/** Why a group is not known to be committed. */
export type WriteFailure = {
  readonly message: string;
  /** That of SQLite, if it is the cause. */
  readonly errcode?: number;
  /** True when nothing of the group is there; else that is unknown. */
  readonly isUndone: boolean;
};
