/** Sessions whose members are initialized, to try the domain core on. */

import type { UserCaller } from '../domain/caller.ts';
import { keyedDigest } from '../domain/ids.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import type { Session } from '../domain/session/session.ts';
import type { SessionTemplate } from '../domain/session/template.ts';
import { ada, deviceTokenKey, sampleTemplate, write } from './samples.ts';

/** Stages have different lengths. */
const stageTimeouts = {
  joinTimeout: 1_000,
  measurementTimeout: 3_000,
  evaluationTimeout: 5_000,
};

/** A template whose sessions initialize their members, with these members of `memberInitialization`. */
export function initializingTemplate(
  initialization: JsonObject = {},
  system: JsonObject = {},
): SessionTemplate {
  return sampleTemplate({
    capabilities: { connectivity: true },
    inactiveRemovalTimeout: null,
    memberInitialization: { ...stageTimeouts, ...initialization },
    ...system,
  });
}

/** The address of a user's device. */
export function addressOf({ deviceId = 'unknown' }: UserCaller): string {
  return Buffer.from(deviceId.padEnd(12)).toString('base64');
}

/** The device token of a user's address. */
export function tokenOf(user: UserCaller): string {
  return keyedDigest(deviceTokenKey, addressOf(user));
}

/** A body that joins to be initialized: active, with an address; `system` is added to that. */
export function come(by: UserCaller, system: JsonObject = {}): JsonObject {
  return {
    members: {
      me: {
        constants: { system: { xuid: by.xuid, initialize: true } },
        properties: { system: { active: true, secureDeviceAddress: addressOf(by), ...system } },
      },
    },
  };
}

/** Reservations of users who are to be initialized. */
export function seatsFor(...users: readonly UserCaller[]): JsonObject {
  return Object.fromEntries(
    users.map(({ xuid }, n) => [
      `reserve_${n}`,
      { constants: { system: { xuid, initialize: true } } },
    ]),
  );
}

/** A body that joins and reserves seats for others, all to be initialized. */
export function comeWith(by: UserCaller, ...others: readonly UserCaller[]): JsonObject {
  const { members } = come(by) as { readonly members: JsonObject };
  return { members: { ...members, ...seatsFor(...others) } };
}

/** A connection that meets all requirements of the samples. */
const goodMeasurement = { latency: 20, bandwidthDown: 200_000, bandwidthUp: 200_000 };

/** Measurements of the connections to these users. */
export function measurementsOf(
  users: readonly UserCaller[],
  measurement: JsonObject = goodMeasurement,
): JsonObject {
  return Object.fromEntries(users.map((user) => [tokenOf(user), measurement]));
}

/**
 * Connections that are not good: `ab` is what the first user reports of the second, null for
 * nothing; `a: null` is a first user who reports nothing at all.
 */
export type Reports = {
  readonly [ends: string]: { readonly [metric: string]: Json | undefined } | null;
};

/** A session of these users with what they measured of each other, and whom they named. */
export function measuredSession(
  users: readonly UserCaller[],
  reports: Reports,
  constants: JsonObject,
  groups: readonly (readonly number[])[] = [],
): Session {
  const template = initializingTemplate({ membersNeededToStart: 0 }, constants);
  const [first = ada, ...others] = users;
  const created = write(undefined, comeWith(first, ...others), { template });
  const session = others.reduce((one, by) => write(one, come(by), { by }), created);
  const letterOf = (n: number): string => String.fromCharCode(97 + n);
  const members = session.members.map((member, from) => {
    const measurements = Object.fromEntries(
      users.flatMap((user, to) => {
        const differing = reports[letterOf(from) + letterOf(to)];
        if (from === to || differing === null) return [];
        return [[tokenOf(user), { ...goodMeasurement, ...differing }]];
      }),
    );
    const group = groups[from];
    const system = {
      ...member.properties.system,
      ...(reports[letterOf(from)] !== null && { measurements }),
      ...(group !== undefined && { initializationGroup: group }),
    };
    return { ...member, properties: { ...member.properties, system } };
  });
  return { ...session, members };
}
