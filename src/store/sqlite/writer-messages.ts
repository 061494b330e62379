/** The messages between the event loop and the thread that writes. */

import type { Durability } from '../store.ts';
import type { Write } from './statements.ts';

/** What the thread starts with. */
export type WriterSettings = {
  readonly file: string;
  readonly durability: Durability;
  readonly fileBytesMax: number | undefined;
};

/** What the thread gets: a group of writes, a question, or null: it is to end. */
export type WriterRequest = readonly Write[] | WriterQuestion | null;

/** Between two groups. */
export type WriterQuestion = {
  readonly id: number;
  /** `rows`: the recent changes of this session. `mend`: damaged tables of recent ones are replaced first. */
  readonly kind: 'rows' | 'mend';
  readonly session: number;
};

/** What the thread sends. */
export type WriterMessage =
  /** The recent changes of a session, the oldest first; some may be gone. Undefined: not known. */
  | { readonly kind: 'rows'; readonly id: number; readonly rows: readonly number[] | undefined }
  | { readonly kind: 'answer'; readonly failure: WriteFailure | undefined }
  /** Undefined: changes are sorted into their histories again. */
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
