import type { TitleId, Xuid } from './ids.ts';

/** Who calls: a user, or a game service without a xuid. @source docs/wire/callers.md "Callers" */
export type Caller = UserCaller | ServiceCaller;

export type UserCaller = {
  readonly kind: 'user';
  readonly xuid: Xuid;
  readonly gamertag?: string;
  /** A token without a title may use every service config. */
  readonly titleId?: TitleId;
  readonly deviceId?: string;
  readonly sandbox: string;
  /** Absent: the token lists no privileges, and the user has all. */
  readonly privileges?: readonly string[];
  readonly ageGroup?: string;
  /** Of a token that nobody here can read: the xuid is what the client states, and must stay the same. */
  readonly userHash?: string;
  /** True while the client has stated no xuid. */
  readonly hasMadeUpXuid?: boolean;
};

export type ServiceCaller = {
  readonly kind: 'service';
  readonly name: string;
  readonly titleId?: TitleId;
  readonly sandbox: string;
};

/** The privilege to play with others: "multiplayer sessions". */
const multiplayerPrivilege = '254';

/** True when the caller may create and join sessions. Services always may. @source docs/wire/callers.md "Callers" */
export function hasMultiplayerPrivilege(caller: Caller): boolean {
  return caller.kind === 'service' || (caller.privileges?.includes(multiplayerPrivilege) ?? true);
}

/** The caller's xuid, or none for a service. */
export function xuidsOf(caller: Caller): readonly Xuid[] {
  return caller.kind === 'user' ? [caller.xuid] : [];
}

/** The caller's xuid; undefined for a service. */
export function xuidOf(caller: Caller): Xuid | undefined {
  return caller.kind === 'user' ? caller.xuid : undefined;
}
