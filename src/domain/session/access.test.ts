import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  asRefusal,
  bert,
  cleo,
  decide,
  dora,
  leave,
  me,
  referee,
  refuse,
  reserve,
  sampleTemplate,
  sampleUser,
  sessionOf,
  system,
  write,
} from '../../testing/samples.ts';
import type { Caller, UserCaller } from '../caller.ts';
import type { JsonObject } from '../json.ts';
import { Refusal, type RefusalCode } from '../refusal.ts';
import { followersToAsk, mayJoin, mayRead, mayWriteAsMember } from './access.ts';
import type { Session } from './session.ts';
import { sessionShownBy } from './refusal-with-session.ts';

const noFacts = { granted: false, followed: false, blockedByOwner: false };
const housemate = sampleUser(5, 'Eve', { deviceId: 'device-1' });
const deviceless: UserCaller = { kind: 'user', xuid: '5', sandbox: 'RETAIL' };

/** A session of Ada, active, with a seat held for Bert. */
function sessionWith(constants: JsonObject, properties: JsonObject = {}): Session {
  const template = sampleTemplate(constants);
  const session = write(undefined, { ...me(), ...system(properties) }, { template });
  return write(session, reserve(bert));
}

type Who =
  | 'a member'
  | 'a reserved user'
  | 'a service'
  | 'a stranger'
  | 'a stranger on the same device';

const whoIs: Readonly<Record<Who, Caller>> = {
  'a member': ada,
  'a reserved user': bert,
  'a service': referee,
  'a stranger': dora,
  'a stranger on the same device': housemate,
};

type Reading = readonly [
  session: Session,
  what: string,
  who: Who,
  facts: Partial<typeof noFacts>,
  code: RefusalCode | undefined,
];

const open = sessionWith({});
const local = sessionWith({}, { joinRestriction: 'local', readRestriction: 'local' });
const followed = sessionWith({}, { joinRestriction: 'followed', readRestriction: 'followed' });
const hidden = sessionWith({ visibility: 'private' });
const visible = sessionWith({ visibility: 'visible' });

const readings: readonly Reading[] = [
  [open, 'an open session', 'a stranger', {}, undefined],
  [visible, 'a visible session', 'a stranger', {}, undefined],
  [hidden, 'a private session', 'a member', {}, undefined],
  [hidden, 'a private session', 'a reserved user', {}, undefined],
  [hidden, 'a private session', 'a service', {}, undefined],
  [hidden, 'a private session', 'a stranger', {}, 'sessionPrivate'],
  [hidden, 'a private session', 'a stranger on the same device', {}, 'sessionPrivate'],
  [hidden, 'a private session', 'a stranger', { followed: true, granted: true }, 'sessionPrivate'],
  [local, 'a session with readRestriction local', 'a member', {}, undefined],
  [local, 'a session with readRestriction local', 'a reserved user', {}, undefined],
  [local, 'a session with readRestriction local', 'a service', {}, undefined],
  [local, 'a session with readRestriction local', 'a stranger', {}, 'readRestricted'],
  [
    local,
    'a session with readRestriction local',
    'a stranger',
    { followed: true },
    'readRestricted',
  ],
  [local, 'a session with readRestriction local', 'a stranger', { granted: true }, undefined],
  [local, 'a session with readRestriction local', 'a stranger on the same device', {}, undefined],
  [followed, 'a session with readRestriction followed', 'a stranger', {}, 'readRestricted'],
  [
    followed,
    'a session with readRestriction followed',
    'a stranger',
    { followed: true },
    undefined,
  ],
  [followed, 'a session with readRestriction followed', 'a stranger', { granted: true }, undefined],
  [
    followed,
    'a session with readRestriction followed',
    'a stranger on the same device',
    {},
    undefined,
  ],
];

for (const [session, what, who, facts, code] of readings) {
  test(`${who}${JSON.stringify(facts)} ${code ? 'may not' : 'may'} read ${what}`, () => {
    assert.equal(mayRead(session, whoIs[who], { ...noFacts, ...facts })?.code, code);
  });
}

test('titles that a broadcast lists as viewers read it, even when it is private', () => {
  const broadcast: Session = {
    ...hidden,
    constants: {
      ...hidden.constants,
      system: {
        ...hidden.constants.system,
        capabilities: { large: true, broadcast: true },
        broadcastViewerTitleIds: ['77'],
      },
    },
  };
  const viewer = { ...dora, titleId: '77' };
  assert.equal(mayRead(broadcast, viewer, noFacts), undefined);
  assert.equal(mayRead(broadcast, dora, noFacts)?.code, 'sessionPrivate');
  assert.equal(mayRead(broadcast, deviceless, noFacts)?.code, 'sessionPrivate');
  assert.equal(mayRead(hidden, viewer, noFacts)?.code, 'sessionPrivate');
});

/** Who else than the member counts for "local": only an active one, and only a device that is known. */
test('a device is local while a member on it is active', () => {
  const restricted = write(
    sessionOf([ada, cleo]),
    system({ joinRestriction: 'local', readRestriction: 'local' }),
  );
  assert.equal(mayRead(restricted, housemate, noFacts), undefined);
  const idle = write(restricted, me({ active: false }));
  assert.equal(mayRead(idle, housemate, noFacts)?.code, 'readRestricted');
  assert.equal(mayRead(restricted, deviceless, noFacts)?.code, 'readRestricted');
  const unknown = write(
    sessionOf([{ ...ada, xuid: '6' }, deviceless]),
    system({ joinRestriction: 'local', readRestriction: 'local' }),
    { by: deviceless },
  );
  assert.equal(mayRead(unknown, { ...deviceless, xuid: '7' }, noFacts)?.code, 'readRestricted');
});

const closed = { closed: true };
const full = { maxMembersCount: 2 };

/** Joining: the first rule that refuses, in the order of docs/wire/sessions.md. */
const joinings: readonly (readonly [
  what: string,
  session: Session,
  who: UserCaller,
  facts: Partial<typeof noFacts>,
  code: RefusalCode | undefined,
])[] = [
  ['an open session', open, dora, {}, undefined],
  ['a private session', hidden, dora, {}, 'sessionPrivate'],
  [
    'a private session by a grant',
    hidden,
    dora,
    { granted: true, followed: true },
    'sessionPrivate',
  ],
  ['a private session with a reservation', hidden, bert, {}, undefined],
  ['a visible session', visible, dora, {}, 'reservationNeeded'],
  ['a visible session by a grant', visible, dora, { granted: true }, 'reservationNeeded'],
  ['a visible session with a reservation', visible, bert, {}, undefined],
  ['a full session', sessionWith(full), dora, {}, 'sessionFull'],
  ['a full session by a grant', sessionWith(full), dora, { granted: true }, 'sessionFull'],
  ['a full session with a reservation', sessionWith(full), bert, {}, undefined],
  ['a full and closed session', sessionWith(full, closed), dora, {}, 'sessionFull'],
  ['a closed session', sessionWith({}, closed), dora, {}, 'sessionClosed'],
  [
    'a closed session by a grant',
    sessionWith({}, closed),
    dora,
    { granted: true },
    'sessionClosed',
  ],
  ['a closed session with a reservation', sessionWith({}, closed), bert, {}, undefined],
  [
    'a closed and local session',
    sessionWith({}, { ...closed, joinRestriction: 'local' }),
    dora,
    {},
    'sessionClosed',
  ],
  ['a local session', local, dora, {}, 'joinRestricted'],
  ['a local session, followed', local, dora, { followed: true }, 'joinRestricted'],
  ['a local session on the device', local, housemate, {}, undefined],
  ['a local session by a grant', local, dora, { granted: true }, undefined],
  ['a local session with a reservation', local, bert, {}, undefined],
  ['a session for followed, a stranger', followed, dora, {}, 'joinRestricted'],
  ['a session for followed, followed', followed, dora, { followed: true }, undefined],
  ['a session for followed, on the device', followed, housemate, {}, undefined],
  [
    'any session without the privilege',
    open,
    { ...dora, privileges: ['1'] },
    {},
    'privilegeMissing',
  ],
  [
    'a private session without the privilege',
    hidden,
    { ...dora, privileges: [] },
    {},
    'privilegeMissing',
  ],
  [
    'a reserved seat without the privilege',
    open,
    { ...bert, privileges: [] },
    {},
    'privilegeMissing',
  ],
];

for (const [what, session, who, facts, code] of joinings) {
  test(`joining ${what}: ${code ?? 'yes'}`, () => {
    assert.equal(mayJoin(session, who, { ...noFacts, ...facts })?.code, code);
    const decision = decide(session, me(), { by: who, ...facts });
    assert.equal(decision instanceof Refusal ? decision.code : undefined, code);
  });
}

test('a locked session readmits only former members of its branch', () => {
  const session = write(sessionOf([ada, bert]), system({ closed: true, locked: true }));
  const left = write(session, leave, { by: bert });
  assert.equal(write(left, me(), { by: bert }).members.length, 2);
  assert.equal(refuse(left, me(), { by: cleo }).code, 'sessionClosed');
  const onlyClosed = write(left, system({ locked: false }));
  assert.equal(refuse(onlyClosed, me(), { by: bert }).code, 'sessionClosed');
});

test('a declined reservation is no membership that a lock would remember', () => {
  const reserved = write(sessionOf([ada]), {
    ...reserve(bert),
    ...system({ closed: true, locked: true }),
  });
  const declined = write(reserved, leave, { by: bert });
  assert.equal(refuse(declined, me(), { by: bert }).code, 'sessionClosed');
});

test('only members write', () => {
  assert.equal(mayWriteAsMember(open, ada), undefined);
  assert.equal(mayWriteAsMember(open, bert)?.code, 'reservedOnly');
  assert.equal(mayWriteAsMember(open, dora)?.code, 'notAMember');
  for (const body of [{}, system({ closed: true }), reserve(cleo)]) {
    assert.equal(refuse(open, body, { by: dora }).code, 'notAMember');
    assert.equal(refuse(open, body, { by: bert }).code, 'reservedOnly');
  }
  assert.equal(refuse(open, leave, { by: dora }).code, 'notAMember');
});

test('who declines a reservation writes nothing else by the way', () => {
  for (const more of [system({ closed: true }), reserve(cleo)]) {
    const body = { ...more, members: { ...(more['members'] as JsonObject | undefined), me: null } };
    assert.equal(refuse(open, body, { by: bert }).code, 'reservedOnly');
  }
});

test('who joins may write the rest in the same request, also from a reservation', () => {
  for (const by of [bert, dora]) {
    const session = write(open, { ...me(), ...system({ keywords: ['a'] }) }, { by });
    assert.deepEqual(session.properties.system.keywords, ['a']);
  }
});

/** Refused writes, and whether the answer shows the current session. */
const shown: readonly (readonly [
  what: string,
  session: Session,
  body: JsonObject,
  by: Caller,
  code: RefusalCode,
  isShown: boolean,
])[] = [
  ['to a session that the caller may read', open, {}, dora, 'notAMember', true],
  ['by somebody with a reservation', hidden, {}, bert, 'reservedOnly', true],
  ['to a session that the caller may not read', hidden, {}, dora, 'notAMember', false],
  ['to a restricted session', local, me(), dora, 'joinRestricted', false],
  [
    'to a restricted session that may be read',
    sessionWith({}, { joinRestriction: 'local' }),
    me(),
    dora,
    'joinRestricted',
    true,
  ],
  ['to a closed session', sessionWith({}, closed), me(), dora, 'sessionClosed', true],
  ['without privilege', open, me(), { ...dora, privileges: [] }, 'privilegeMissing', true],
  ["to somebody else's member", open, { members: { 1: null } }, ada, 'memberNotYours', true],
  ['of servers by a user', open, { servers: { s: {} } }, ada, 'serviceRequired', true],
  ['of me by a service', open, me(), referee, 'userRequired', true],
  // 400: a fault of the request, answered as text.
  ['to a visible session', visible, me(), dora, 'reservationNeeded', false],
  ['to a full session', sessionWith(full), me(), dora, 'sessionFull', false],
  ['that does not fit', open, system({ locked: true }), ada, 'requestInvalid', false],
];

for (const [what, session, body, by, code, isShown] of shown) {
  test(`a refused write ${what} (${code}) ${isShown ? 'shows' : 'does not show'} the session`, () => {
    const refusal = asRefusal(decide(session, body, { by }), code);
    assert.equal(sessionShownBy(refusal), isShown ? session : undefined);
  });
}

test('a failed precondition shows the session to a caller who may read it', () => {
  for (const [ifs, code] of [
    [{ ifMatch: '"stale"' }, 'etagDiffers'],
    [{ ifNoneMatch: '*' }, 'sessionExists'],
  ] as const) {
    assert.equal(sessionShownBy(asRefusal(decide(open, {}, { by: dora, ...ifs }), code)), open);
    assert.equal(
      sessionShownBy(asRefusal(decide(hidden, {}, { by: dora, ...ifs }), code)),
      undefined,
    );
  }
});

test('people are asked about only when a restriction to followed users meets a stranger', () => {
  const ask = (session: Session, caller: Caller): readonly string[] | undefined =>
    followersToAsk(session, caller);
  assert.deepEqual(ask(followed, dora), [ada.xuid]);
  assert.deepEqual(ask(sessionWith({}, { joinRestriction: 'followed' }), dora), [ada.xuid]);
  for (const [session, caller] of [
    [open, dora],
    [local, dora],
    [followed, ada],
    [followed, bert],
    [followed, referee],
  ] as const) {
    assert.equal(ask(session, caller), undefined);
  }
});
