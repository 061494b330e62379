import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeTypeNames } from '../../testing/change-type-names.ts';
import {
  ada,
  bert,
  me,
  referee,
  reserve,
  sessionOf,
  system,
  write,
} from '../../testing/samples.ts';
import { sampleTemplate } from '../../testing/samples.ts';
import { changeTypes } from '../session/request.ts';
import type { Session } from '../session/session.ts';
import { type ChangeType, changeTypesOf, parseChangeTypes } from './change-types.ts';

const template = sampleTemplate({ maxMembersCount: 2, capabilities: { connectivity: true } });
const session = sessionOf([ada], { template });
const addressed = write(session, me({ secureDeviceAddress: 'MS4xLjEuMQ==' }), { by: ada });
const withRoles: Session = {
  ...session,
  roleTypes: { lfg: { mutableRoleSettings: ['max'], roles: { confirmed: { max: 4 } } } },
};
const host = addressed.members[0]?.deviceToken ?? '';
const server = (status: string) => ({
  ...session,
  servers: {
    matchmaking: {
      constants: { system: {}, custom: {} },
      properties: { system: { status }, custom: {} },
    },
  },
});
const initializing = {
  stage: 'measuring',
  stageStartTimeMs: 0,
  episode: 1,
} as unknown as NonNullable<Session['initialization']>;

const cases: readonly (readonly [
  what: string,
  before: Session,
  next: Session,
  types: readonly ChangeType[],
])[] = [
  ['a host', addressed, write(addressed, system({ host }), { by: ada }), ['host']],
  ['closing', session, write(session, system({ closed: true }), { by: ada }), ['joinability']],
  [
    'whom to let in',
    session,
    write(session, system({ joinRestriction: 'local' }), { by: ada }),
    ['joinability'],
  ],
  [
    'the default restriction, written out',
    session,
    write(session, system({ joinRestriction: 'none', keywords: ['a'] }), { by: ada }),
    [],
  ],
  [
    'joining the last seat',
    session,
    write(session, me(), { by: bert }),
    ['membersList', 'membersOnly', 'joinability'],
  ],
  [
    'joining with a team',
    {
      ...session,
      constants: {
        ...session.constants,
        system: { ...session.constants.system, maxMembersCount: 9 },
      },
    },
    {
      ...write(session, me({ active: true }, { team: 'red' }), { by: bert }),
      constants: {
        ...session.constants,
        system: { ...session.constants.system, maxMembersCount: 9 },
      },
    },
    ['membersList', 'membersOnly', 'membersCustomProperty'],
  ],
  [
    'taking a reserved seat',
    write(session, reserve(bert), { by: ada }),
    write(write(session, reserve(bert), { by: ada }), me(), { by: bert }),
    ['membersList', 'membersOnly', 'membersStatus'],
  ],
  [
    'becoming inactive',
    session,
    write(session, me({ active: false }), { by: ada }),
    ['membersStatus', 'membersOnly'],
  ],
  [
    'a role',
    withRoles,
    write(withRoles, { members: { me: { roles: { lfg: 'confirmed' } } } }, { by: ada }),
    ['roles', 'membersOnly'],
  ],
  [
    'the settings of a role',
    withRoles,
    write(withRoles, { roleTypes: { lfg: { roles: { confirmed: { max: 2 } } } } }, { by: referee }),
    ['roles'],
  ],
  [
    'when to play',
    session,
    write(session, system({ scheduledTime: '2026-12-05T20:15:00Z' }), { by: ada }),
    ['scheduledTime'],
  ],
  [
    'whether a server is wanted',
    session,
    write(session, system({ allocateCloudCompute: true }), { by: ada }),
    ['cloudCompute'],
  ],
  [
    'a description',
    session,
    write(session, system({ description: { text: 'two seats' } }), { by: ada }),
    [],
  ],
  [
    'a stage of initialization',
    session,
    { ...session, initialization: initializing },
    ['initialization'],
  ],
  ['a match is searched', server('found'), server('searching'), ['matchmakingStatus']],
  ['a keyword', session, write(session, system({ keywords: ['a'] }), { by: ada }), []],
];

for (const [what, before, next, types] of cases) {
  // @source docs/wire/unknowns.md "which type a change is of", docs/wire/unknowns.md "change types of party clients"
  test(`the types of a change: ${what}`, () => {
    const named = changeTypeNames(changeTypesOf(before, next));
    assert.deepEqual([...named].sort(), ['everything', ...types].sort());
  });
}

test('change types are asked for in any case, and what is none counts for nothing', () => {
  assert.deepEqual(changeTypeNames(parseChangeTypes(['MEMBERSLIST', 'host', 'hOst', 'no'])), [
    'host',
    'membersList',
  ]);
  assert.deepEqual(changeTypeNames(parseChangeTypes([])), []);
  assert.deepEqual(changeTypeNames(parseChangeTypes(changeTypes)), changeTypes);
});
