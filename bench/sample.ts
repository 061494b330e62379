/** What all benches talk about: a session of 4 members, about 2 KB as a document. */

import { demoScid } from '../src/testing/demo.ts';

export const template = 'deathmatch';

/** The path of the n-th session. */
export function pathOf(n: number): string {
  return `/serviceconfigs/${demoScid}/sessionTemplates/${template}/sessions/session-${n}`;
}

/** The headers of one of the four users of the n-th session. */
export function headersOf(n: number, seat = 0): Record<string, string> {
  const user = `xuid=${2_535_000_000_000_000 + n * 4 + seat}&gtg=Player${n}x${seat}&tid=1234567890`;
  return {
    authorization: `XBL3.0 x=-;${user}`,
    'x-xbl-contract-version': '107',
    'content-type': 'application/json; charset=utf-8',
  };
}

/**
 * Joins as an active member with what a game keeps of a player. A server marks a member as disconnected
 * at once whose connection is not open there, as the one that stands here if none is given. It follows
 * changes of one type.
 */
export function joinBody(
  seat: number,
  connection = `85b40569-0000-4000-8000-00000000000${seat}`,
  changeType = 'everything',
): string {
  return JSON.stringify({
    members: {
      me: {
        properties: {
          system: {
            active: true,
            connection,
            subscription: {
              id: `81A3266D-0000-4000-8000-00000000000${seat}`,
              changeTypes: [changeType],
            },
          },
          custom: { health: 100, team: seat % 2 ? 'red' : 'blue', loadout: ['rifle', 'medkit'] },
        },
      },
    },
    ...(seat === 0 && { properties: { custom: { map: 'atoll', mode: 'ctf', round: 1 } } }),
  });
}

/** Changes one custom property of the writer; each n is another value. */
export function changeBody(n: number): string {
  return JSON.stringify({ members: { me: { properties: { custom: { score: n } } } } });
}

/** Sets the n-th session as the writer's activity. */
export function activityBody(n: number): string {
  return JSON.stringify({
    type: 'activity',
    version: 1,
    sessionRef: { scid: demoScid, templateName: template, name: `session-${n}` },
  });
}

/** A document as the directory answers it, for the reference to print. */
export function sampleDocument() {
  const members = Object.fromEntries(
    [0, 1, 2, 3].map((seat) => [
      seat,
      {
        next: seat + 1,
        joinTime: '2026-01-01T00:00:00.0000000Z',
        constants: {
          system: { xuid: String(2_535_000_000_000_000 + seat), index: seat },
          custom: {},
        },
        properties: {
          system: {
            connection: `85b40569-0000-4000-8000-00000000000${seat}`,
            subscription: {
              id: `81A3266D-0000-4000-8000-00000000000${seat}`,
              changeTypes: ['everything'],
            },
            active: true,
          },
          custom: { health: 100, team: seat % 2 ? 'red' : 'blue', loadout: ['rifle', 'medkit'] },
        },
        gamertag: `Player0x${seat}`,
        activeTitleId: '1234567890',
      },
    ]),
  );
  return {
    membersInfo: { first: 0, next: 4, count: 4, accepted: 4, active: 4 },
    constants: {
      system: {
        version: 1,
        maxMembersCount: 16,
        visibility: 'open',
        capabilities: {},
        inviteProtocol: 'game',
        reservedRemovalTimeout: 30_000,
        inactiveRemovalTimeout: 900_000,
        readyRemovalTimeout: 180_000,
        sessionEmptyTimeout: 0,
      },
      custom: {},
    },
    properties: { system: { turn: [] }, custom: { map: 'atoll', mode: 'ctf', round: 1 } },
    servers: {},
    members,
    correlationId: '267363b5-0000-4000-8000-000000000000',
    contractVersion: 107,
    branch: '17a13f76-0000-4000-8000-000000000000',
    changeNumber: 1,
    startTime: '2026-01-01T00:00:00.0000000Z',
  };
}
