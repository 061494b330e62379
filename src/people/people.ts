import type { Xuid } from '../domain/ids.ts';

/**
 * What the directory asks about people. A studio can plug its own.
 *
 * @source contract 10
 */
export interface People {
  /** True when somebody of `followers` follows `xuid`. */
  anyFollows(followers: readonly Xuid[], xuid: Xuid): Promise<boolean>;

  /** True when `owner` has put `xuid` on the avoid list. */
  avoids(owner: Xuid, xuid: Xuid): Promise<boolean>;

  /** Those whom `xuid` follows, or the favourites among them. */
  followedBy(xuid: Xuid, list: 'people' | 'favorites'): Promise<readonly Xuid[]>;
}
