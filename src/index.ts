/** What the package exports to programs that run a directory of their own. */

export type {
  ListChange,
  ListEntry,
  ListName,
  OwnListName,
} from './domain/people/list.ts';
export { Refusal } from './domain/refusal.ts';
export type { Session } from './domain/session/session.ts';
export type { People } from './people/people.ts';
export type { Clock } from './platform/clock.ts';
export type { Ids } from './platform/ids.ts';
export { CannotStart, type RunningServer, type ServerOptions, startServer } from './server.ts';
export { type Store, StoreUnavailable } from './store/store.ts';
