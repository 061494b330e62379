import type { Xuid } from '../domain/ids.ts';
import type { People } from './people.ts';

/** Who follows and avoids whom, as it was given. */
export type PeopleLists = {
  readonly follows?: ReadonlyMap<Xuid, readonly Xuid[]>;
  readonly favorites?: ReadonlyMap<Xuid, readonly Xuid[]>;
  readonly avoids?: ReadonlyMap<Xuid, readonly Xuid[]>;
};

/** People whose lists are given once and held in memory; without lists nobody knows anybody. */
export function memoryPeople({ follows, favorites, avoids }: PeopleLists = {}): People {
  return {
    async anyFollows(followers, xuid) {
      return followers.some((follower) => follows?.get(follower)?.includes(xuid));
    },
    async avoids(owner, xuid) {
      return avoids?.get(owner)?.includes(xuid) ?? false;
    },
    async followedBy(xuid, list) {
      return (list === 'favorites' ? favorites : follows)?.get(xuid) ?? [];
    },
  };
}
