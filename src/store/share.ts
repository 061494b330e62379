/**
 * The part of all records that one of several nodes processes: the `index`-th of `of`. Together the
 * shares are everything; a store for one process gives everything to each.
 */
export type Share = { readonly index: number; readonly of: number };
