import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyPlot, deepFreeze, play } from '../../testing/arbitraries.ts';
import {
  ada,
  bert,
  cleo,
  handleFacts,
  notRefused,
  referee,
  sampleReference,
  sampleTemplate,
  sampleUser,
  sessionOf,
} from '../../testing/samples.ts';
import type { Caller } from '../caller.ts';
import { formatJson, parseExactJson } from '../json.ts';
import { Refusal } from '../refusal.ts';
import { acceptedMemberOf } from '../session/session.ts';
import { viewSession } from '../session/view.ts';
import { confirmsActivity } from './confirm.ts';
import {
  createActivity,
  createInvite,
  createSearch,
  createTransfer,
  isSameHandle,
} from './create.ts';
import type { ActivityHandle, Handle } from './handle.ts';
import type { HandleRequest } from './request.ts';
import { viewHandle } from './view.ts';
import { Hits } from '../../testing/hits.ts';

const { titleId, ...untitled } = cleo;
const session = deepFreeze(sessionOf([ada, bert, untitled]));
const searchable = deepFreeze(
  sessionOf([ada, bert, untitled], {
    template: sampleTemplate({ capabilities: { searchable: true } }),
  }),
);
const facts = handleFacts();

const anyReference = fc.record(
  {
    scid: fc.constant(sampleReference.scid),
    templateName: fc.constantFrom('deathmatch', 'DeathMatch'),
    name: fc.constantFrom('one', 'ONE', 'two'),
  },
  { noNullPrototype: true },
);

const anyRequest: fc.Arbitrary<HandleRequest> = fc.oneof(
  anyReference.map((reference) => ({ type: 'activity', reference }) as const),
  fc
    .tuple(
      anyReference,
      fc.constantFrom('1', '2'),
      fc.constantFrom({ titleId: '1' }, { titleId: '1', context: 'c' }),
    )
    .map(
      ([reference, invitedXuid, inviteAttributes]) =>
        ({ type: 'invite', reference, invitedXuid, inviteAttributes }) as const,
    ),
  fc
    .tuple(anyReference, anyReference)
    .map(([reference, origin]) => ({ type: 'transfer', reference, origin }) as const),
  fc
    .tuple(anyReference, fc.constantFrom({}, { tags: ['a'] }, { numbers: { a: 1 } }))
    .map(
      ([reference, searchAttributes]) => ({ type: 'search', reference, searchAttributes }) as const,
    ),
);

const anyCaller = fc.constantFrom<Caller>(ada, bert, untitled, referee, {
  ...referee,
  name: 'other',
});

function make(request: HandleRequest, by: Caller): Handle | Refusal {
  const reference = { ...request.reference, name: request.reference.name ?? '' };
  const decision =
    request.type === 'activity'
      ? createActivity(request, reference, session, by, false, facts)
      : request.type === 'invite'
        ? createInvite(request, reference, session, by, false, facts)
        : request.type === 'transfer'
          ? createTransfer(request, session, session, by, facts)
          : createSearch(request, searchable, by, facts);
  return decision instanceof Refusal ? decision : decision.handle;
}

/** What a request asks for, as one text; references in lower case. */
function askedFor(request: HandleRequest, by: Caller): string {
  const lower = (reference: object): string => formatJson(reference).toLowerCase();
  return formatJson([
    by.kind === 'user' ? by.xuid : by.name,
    request.type,
    lower(request.reference),
    request.type === 'invite' && [request.invitedXuid, request.inviteAttributes],
    request.type === 'transfer' && lower(request.origin),
    request.type === 'search' && request.searchAttributes,
  ]);
}

// Kills: each comparison of isSameHandle left out: owner, sender, invited user, attributes, origin,
// reference; a reference compared by its letters.
test('a handle is the same exactly when the same caller asks for the same', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(anyRequest, anyCaller, anyRequest, anyCaller, (first, by, second, other) => {
      const handle = make(first, by);
      if (handle instanceof Refusal) return;
      hits.count();
      assert.ok(isSameHandle(handle, first, by));
      const same = askedFor(first, by) === askedFor(second, other);
      assert.equal(isSameHandle(handle, second, other), same);
    }),
    { numRuns: 1_000 },
  );
  hits.assertAtLeast(150);
});

// Kills: titleId: undefined where a token has none.
test('a handle is plain JSON, and what is shown of it holds no null', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(anyRequest, anyCaller, (request, by) => {
      const handle = make(request, by);
      if (handle instanceof Refusal) return;
      hits.count();
      assert.deepEqual(parseExactJson(formatJson(handle)), handle);
      assert.doesNotMatch(formatJson(viewHandle(handle)), /null/);
    }),
  );
  hits.assertAtLeast(13);
});

// Kills: activityHandleId kept when its member becomes inactive; the id not compared in
// confirmsActivity; an activity that does not change its session.
test('an activity is confirmed until its owner is inactive, out, or the session ends, and then never again', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(anyPlot, anyPlot, fc.nat(4), (before, after, n) => {
      const last = play(before).at(-1);
      const xuid = sampleUser(n + 1, '').xuid;
      const owner = last?.after && acceptedMemberOf(last.after, xuid);
      if (last === undefined || owner?.status !== 'active') return;
      hits.count();
      const by = sampleUser(n + 1, `Player ${n + 1}`);
      const made = createActivity(
        { type: 'activity', reference: sampleReference },
        sampleReference,
        last.after,
        by,
        false,
        handleFacts({ nowMs: last.nowMs }),
      );
      const { handle, session: acting } = notRefused(made);
      assert.ok(acting && last.after);
      assert.equal(acting.changeNumber, last.after.changeNumber + 1);
      assert.deepEqual(
        { ...viewSession(acting, 107), changeNumber: 0 },
        { ...viewSession(last.after, 107), changeNumber: 0 },
      );
      let lives = true;
      assert.equal(confirmsActivity(acting, handle as ActivityHandle, true), lives);
      for (const turn of play(after, { session: deepFreeze(acting), nowMs: last.nowMs })) {
        const status = turn.after && acceptedMemberOf(turn.after, xuid)?.status;
        lives &&= status === 'active' || status === 'ready';
        assert.equal(confirmsActivity(turn.after, handle as ActivityHandle, true), lives);
        assert.equal(confirmsActivity(turn.after, handle as ActivityHandle, false), false);
      }
    }),
    { numRuns: 300 },
  );
  hits.assertAtLeast(6);
});
