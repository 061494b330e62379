import type { Xuid } from '../domain/ids.ts';
import type { ListNotice } from '../domain/people/list.ts';
import type { Catalog } from '../domain/session/template.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { People } from '../people/people.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Store } from '../store/store.ts';

/** All that the directory needs of what is around it. */
export type World = {
  readonly store: Store;
  readonly people: People;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Asked anew for each request, so that a reloaded configuration takes effect at once. */
  readonly catalog: () => Catalog;
  /** Told of each change to whom a user follows, once it is made. */
  readonly friendsChanged?: (owner: Xuid, notice: ListNotice) => Promise<void>;
  readonly settings: {
    readonly inviteLifetimeMs: Milliseconds;
    /** Key of the hash that turns secure device addresses into device tokens. */
    readonly deviceTokenKey: Uint8Array;
  };
};
