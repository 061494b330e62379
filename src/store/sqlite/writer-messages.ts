/** The messages between the event loop and the thread that writes, beside the groups of writes. */

import type { Durability } from '../store.ts';

/** What the thread starts with. */
export type WriterSettings = {
  readonly file: string;
  readonly durability: Durability;
  readonly fileBytesMax: number | undefined;
};

/** What the thread sends. */
export type WriterMessage =
  | { readonly kind: 'answer'; readonly failure: WriteFailure | undefined }
  /** Undefined: all changes were sorted into their histories. */
  | { readonly kind: 'history'; readonly fault: HistoryFault | undefined };

/** What happened to changes of histories. Sessions themselves are as they were. */
export type HistoryFault = {
  /**
   * `forgotten`: there was no room for the recent ones. `unsorted`: they are kept, and sorted in later.
   * `damaged`: those on damaged pages are lost.
   */
  readonly kind: 'forgotten' | 'unsorted' | 'damaged';
  readonly message: string;
};

/** Why a group is not known to be committed. */
export type WriteFailure = {
  readonly message: string;
  /** That of SQLite, if it is the cause. */
  readonly errcode?: number;
  /** True when nothing of the group is there; else that is unknown. */
  readonly isUndone: boolean;
};
