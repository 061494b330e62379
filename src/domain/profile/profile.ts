/**
 * What this server says of a user: a gamertag, and nothing made of it that clients would take for real.
 *
 * @source docs/wire/neighbours.md "Profile"
 */

import type { Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';

/** The gamertag of a user whom no token has named yet. */
export function madeUpGamertag(xuid: Xuid): string {
  return `Player ${xuid.slice(-4)}`;
}

/** A gamertag as newer clients read it: `Ada#1234` is the modern gamertag `Ada` with a suffix. */
export type GamertagParts = {
  readonly modernGamertag: string;
  readonly modernGamertagSuffix: string;
  readonly uniqueModernGamertag: string;
};

/** The parts of a gamertag; without a suffix the modern gamertag is the whole of it. */
export function gamertagParts(gamertag: string): GamertagParts {
  const [, modern = gamertag, suffix = ''] = /^([^#]+)#(\d{1,14})$/.exec(gamertag) ?? [];
  return {
    modernGamertag: modern,
    modernGamertagSuffix: suffix,
    uniqueModernGamertag: gamertag,
  };
}

type Setting = (gamertag: string, parts: GamertagParts) => string;

const nothing: Setting = () => '';
const whole: Setting = (gamertag) => gamertag;

/** The settings that clients ask for. Of pictures and words of users there are none here. */
const settings: Readonly<Record<string, Setting>> = {
  AccountTier: () => 'Gold',
  AppDisplayName: whole,
  AppDisplayPicRaw: nothing,
  Bio: nothing,
  GameDisplayName: whole,
  GameDisplayPicRaw: nothing,
  Gamerscore: () => '0',
  Gamertag: whole,
  IsQuarantined: () => 'False',
  Location: nothing,
  ModernGamertag: (_, { modernGamertag }) => modernGamertag,
  ModernGamertagSuffix: (_, { modernGamertagSuffix }) => modernGamertagSuffix,
  PreferredColor: nothing,
  PublicGamerpic: nothing,
  RealName: nothing,
  RealNameOverride: nothing,
  ShowUserAsAvatar: () => '0',
  TenureLevel: () => '0',
  UniqueModernGamertag: whole,
  Watermarks: nothing,
  XboxOneRep: () => 'GoodPlayer',
};

const names: ReadonlyMap<string, string> = new Map(
  Object.keys(settings).map((name) => [name.toLowerCase(), name]),
);

/**
 * The profile of a user with these settings, in the order in which they were asked for. Settings that
 * are not known here are left out.
 *
 * @source docs/wire/unknowns.md "profile settings that nobody knows"
 */
export function viewProfile(xuid: Xuid, gamertag: string, asked: readonly string[]): JsonObject {
  const parts = gamertagParts(gamertag);
  return {
    id: xuid,
    hostId: xuid,
    settings: asked.flatMap((one) => {
      const id = names.get(one.toLowerCase());
      const value = id === undefined ? undefined : settings[id]?.(gamertag, parts);
      return id === undefined || value === undefined ? [] : [{ id, value }];
    }),
    isSponsoredUser: false,
  };
}
