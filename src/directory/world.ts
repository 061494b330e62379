import type { Catalog } from '../domain/session/template.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { People } from '../people/people.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Store } from '../store/store.ts';
import type { SearchIndex } from './search-index.ts';

/** All that the directory needs of what is around it. */
export type World = {
  readonly store: Store;
  readonly people: People;
  readonly clock: Clock;
  readonly ids: Ids;
  /** What this process knows of live search handles. */
  readonly searchIndex: SearchIndex;
  /** Asked anew for each request, so that a reloaded configuration takes effect at once. */
  readonly catalog: () => Catalog;
  readonly settings: {
    readonly inviteLifetimeMs: Milliseconds;
    /** Key of the hash that turns secure device addresses into device tokens. */
    readonly deviceTokenKey: Uint8Array;
  };
};
