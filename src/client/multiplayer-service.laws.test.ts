import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MultiplayerError, MultiplayerService, type Fetch } from './multiplayer-service.ts';

const reference = {
  scid: 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862',
  templateName: 'deathmatch',
  name: 'session-49',
};

/**
 * What happens to one request: it arrives and is answered, or the request or the answer is lost.
 */
type Fate = 'answered' | 'requestLost' | 'answerLost' | 'busy';

type Custom = { readonly [key: string]: unknown };

/**
 * A directory with one session and its invites, behind a network that loses requests and answers as
 * `fates` say, and then none.
 */
function directory(fates: readonly Fate[]) {
  const state = { custom: {} as Custom, changeNumber: 1, writes: 0 };
  const invites = new Map<string, string>();
  const etag = () => `"${state.changeNumber}"`;
  let requests = 0;

  function answer(method: string, path: string, headers: Record<string, string>, body: unknown) {
    if (path === '/handles') {
      const { id, invitedXuid } = body as { id: string; invitedXuid: string };
      const status = invites.has(id) ? 200 : 201;
      invites.set(id, invitedXuid);
      return { status, text: JSON.stringify({ id }) };
    }
    const ifMatch = headers['If-Match'];
    const holds = ifMatch === undefined || ifMatch === '*' || ifMatch === etag();
    if (method === 'PUT' && holds) {
      const { properties } = body as { properties: { custom: Custom } };
      state.custom = { ...state.custom, ...properties.custom };
      state.changeNumber += 1;
      state.writes += 1;
    }
    const session = { constants: {}, members: {}, properties: { custom: state.custom } };
    return { status: holds ? 200 : 412, text: JSON.stringify(session) };
  }

  const fetch: Fetch = async (url, { method, headers, body }) => {
    await Promise.resolve(); // requests of several callers interleave
    const fate = fates[requests] ?? 'answered';
    requests += 1;
    if (fate === 'requestLost') throw new TypeError('fetch failed');
    if (fate === 'busy') {
      return {
        status: 503,
        headers: new Headers({ 'X-Mpsd-Refusal': 'tooBusy', 'Retry-After': '1' }),
        text: async () => 'Busy.',
      };
    }
    const { status, text } = answer(
      method,
      new URL(url).pathname,
      headers,
      body === undefined ? undefined : JSON.parse(body),
    );
    const responseHeaders = new Headers({ ETag: etag() });
    await Promise.resolve();
    if (fate === 'answerLost') throw new TypeError('terminated');
    return { status, headers: responseHeaders, text: async () => text };
  };

  let nowMs = 0;
  const user = () =>
    new MultiplayerService({
      baseUrl: 'http://directory.test',
      authorization: 'token',
      timeoutMs: Number.POSITIVE_INFINITY,
      random: () => 0.5,
      nowMs: () => nowMs,
      sleep: async (ms) => {
        nowMs += ms;
      },
      fetch,
    });
  return { user, state, invites };
}

const fates = (...other: Fate[]) =>
  fc.array(fc.constantFrom<Fate>('answered', ...other), { maxLength: 12 });

// Kills: an update without If-Match; one that keeps the old session after a 412; a write with a
// precondition that is made again after its answer was lost; one that is not after tooBusy.
test('however users and lost answers interleave, each update that is acknowledged is counted once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fates('requestLost', 'answerLost', 'busy'),
      async (users, script) => {
        const { user, state } = directory(script);
        let counted = 0;
        let untold = 0;
        await Promise.all(
          Array.from({ length: users }, async () => {
            try {
              await user().updateSession(reference, ({ properties: { custom } }) => ({
                properties: { custom: { count: Number(custom.count ?? 0) + 1 } },
              }));
              counted += 1;
            } catch (error) {
              assert(error instanceof MultiplayerError);
              assert.notEqual(error.status, 412); // nobody loses the race for ever
              untold += 1;
            }
          }),
        );
        const count = Number(state.custom.count ?? 0);
        assert.equal(count, state.writes);
        assert(count >= counted && count <= counted + untold, `${count} of ${counted}+${untold}`);
      },
    ),
  );
});

// Kills: an id made for each try; an invite that is not tried again.
test('no user is invited twice, and everyone whom the answer calls invited is', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fates('requestLost', 'answerLost', 'busy'),
      async (count, script) => {
        const { user, invites } = directory(script);
        const xuids = Array.from({ length: count }, (_, i) => String(i));
        const outcomes = await user().sendInvites(reference, xuids, { titleId: '1' });
        const invited = [...invites.values()];
        assert.equal(new Set(invited).size, invited.length);
        for (const { xuid, status } of outcomes) {
          if (status === 'sent') assert(invited.includes(xuid));
        }
        if (script.filter((fate) => fate !== 'answered').length <= 3) {
          assert.equal(invited.length, count);
        }
      },
    ),
  );
});
