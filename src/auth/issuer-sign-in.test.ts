import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { SignInUnavailable } from './authenticator.ts';
import { shareIssuerDocument } from './issuer-keys.ts';
import { type IssuerClient, openIssuerSignIn } from './issuer-sign-in.ts';
import { isAway } from './key-set.ts';

const issuer = 'https://login.example';
const discovery = `${issuer}/.well-known/openid-configuration`;
const whole: Readonly<Record<string, unknown>> = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  device_authorization_endpoint: `${issuer}/device`,
};

/** A sign-in at an issuer whose paths answer what `answers` holds; what it has not is away. */
function startSignIn(t: TestContext, staleMsMax = 0, client: IssuerClient = { id: 'game' }) {
  const answers = new Map<string, unknown>([
    [discovery, whole],
    [`${issuer}/token`, {}],
    [`${issuer}/device`, {}],
  ]);
  const asked: string[] = [];
  const sent: RequestInit[] = [];
  const problems: (string | undefined)[] = [];
  t.mock.method(globalThis, 'fetch', async (url: string, init: RequestInit) => {
    asked.push(url);
    sent.push(init);
    const answer = answers.get(url);
    if (answer instanceof Response) return answer.clone();
    if (answer !== undefined) return Response.json(answer);
    const cause = Object.assign(new Error('no route'), { code: 'EHOSTUNREACH' });
    throw new TypeError('fetch failed', { cause });
  });
  const signIn = openIssuerSignIn({
    ...{ issuer, client, staleMsMax, readDocument: shareIssuerDocument(issuer) },
    report: (problem) => problems.push(problem),
  });
  const reads = (): number => asked.filter((url) => url === discovery).length;
  return { signIn, answers, asked, sent, reads, problems };
}

// Kills: a read for each request; a read for each request while the issuer is away.
test('the discovery document is read once for all who ask, and not within two seconds after a failure', async (t) => {
  const { signIn, answers, reads, problems } = startSignIn(t);
  const pages = await Promise.all([signIn.pageUrl({}, 0), signIn.pageUrl({}, 0)]);
  assert.match(pages[0] ?? '', /^https:\/\/login\.example\/authorize\?client_id=game&/);
  await signIn.tokens({ code: 'x' }, 599_999);
  assert.equal(reads(), 1);
  answers.delete(discovery);
  const away = { name: 'SignInUnavailable', message: /^The sign-in at https:.*: no route\.$/ };
  await assert.rejects(signIn.pageUrl({}, 600_000), away);
  await assert.rejects(signIn.tokens({ code: 'x' }, 601_999), away);
  assert.equal(reads(), 2);
  answers.set(discovery, whole);
  await signIn.pageUrl({}, 602_000);
  assert.equal(reads(), 3);
  assert.match(problems.findLast((one) => one !== undefined) ?? '', /no route/);
  assert.equal(problems.at(-1), undefined);
});

// Kills: a sign-in that ends ten minutes after its issuer stopped describing itself.
test('the discovery document stays good while it cannot be read, for as long as keys do', async (t) => {
  const { signIn, answers } = startSignIn(t, 3_600_000);
  const page = await signIn.pageUrl({}, 0);
  for (const answer of [undefined, { ...whole, token_endpoint: undefined }]) {
    answers.set(discovery, answer);
    assert.equal(await signIn.pageUrl({}, 4_199_999 - 10_000), page);
    assert.equal((await signIn.tokens({ code: 'x' }, 4_199_999)).status, 200);
    await assert.rejects(signIn.pageUrl({}, 4_200_000), SignInUnavailable);
  }
});

// Kills: a code with its verifier, or the password of a user, that is sent without encryption.
test('the endpoints of an issuer at https are at https too, and each one is checked', async (t) => {
  const { signIn, answers, asked } = startSignIn(t);
  let nowMs = 0;
  for (const name of [
    'authorization_endpoint',
    'token_endpoint',
    'device_authorization_endpoint',
  ]) {
    for (const [url, text] of [
      ['http://login.example/x', `the "${name}" of ${discovery} is plain http`],
      [
        'ftp://login.example/x',
        `the "${name}" of ${discovery} is no address of http or https: "ftp:`,
      ],
      ['https://', `the "${name}" of ${discovery} is no address of http or https: "https://"`],
      [7, `the "${name}" of ${discovery} is no address of http or https: 7`],
    ] as const) {
      answers.set(discovery, { ...whole, [name]: url });
      nowMs += 2_000;
      await assert.rejects(signIn.read(nowMs), (error: Error) => {
        assert.ok(error.message.includes(text), error.message);
        assert.ok(!isAway(error));
        return true;
      });
      await assert.rejects(signIn.deviceCode(nowMs), SignInUnavailable);
    }
  }
  assert.deepEqual([...new Set(asked)], [discovery]);
  answers.set(discovery, { ...whole, device_authorization_endpoint: undefined });
  assert.equal(await signIn.deviceCode(nowMs + 2_000), undefined);
});

// Kills: an endpoint that answers hides one that does not.
test('what is wrong is reported until the same thing is right again', async (t) => {
  const { signIn, answers, problems } = startSignIn(t);
  for (const answer of [new Response('', { status: 500 }), new Response('<html>'), undefined]) {
    answers.set(`${issuer}/device`, answer);
    await assert.rejects(signIn.deviceCode(0), SignInUnavailable);
    await signIn.tokens({ code: 'x' }, 0);
  }
  const said = [/device answers 500/, /device does not answer JSON/, /no route/];
  const [, ...later] = problems;
  assert.equal(later.length, 6);
  for (const [i, problem] of later.entries()) {
    assert.match(problem ?? '', said[Math.floor(i / 2)] ?? /^$/);
  }
  answers.set(`${issuer}/device`, new Response('{"error":"slow_down"}', { status: 400 }));
  const refused = await signIn.deviceCode(0);
  assert.deepEqual(refused, { status: 400, body: { error: 'slow_down' } });
  assert.equal(problems.at(-1), undefined);
});

// Kills: a secret that is sent where the issuer does not look for it, in two places, or to the browser.
test('the secret of a client and its audience go where the issuer wants them', async (t) => {
  const client = { id: 'my game', secret: 's:1+é', audience: 'https://game.example/mpsd' };
  const { signIn, answers, sent } = startSignIn(t, 0, client);
  const last = () => {
    const { body, headers } = sent.at(-1) ?? {};
    const { authorization } = Object(headers);
    return { authorization, form: Object.fromEntries(body as URLSearchParams) };
  };
  const page = new URL(await signIn.pageUrl({ audience: 'of the client' }, 0));
  assert.equal(page.searchParams.get('audience'), client.audience);
  assert.ok(!page.href.includes('s%3A1'));
  const grant = { code: 'x', grant_type: 'authorization_code' };
  // Both parts are encoded as in a form, before Base64.
  const authorization = `Basic ${Buffer.from('my+game:s%3A1%2B%C3%A9').toString('base64')}`;
  await signIn.tokens({ code: 'x' }, 0);
  assert.deepEqual(last(), { authorization, form: grant });
  await signIn.deviceCode(0);
  const device = { scope: 'openid profile', audience: client.audience };
  assert.deepEqual(last(), { authorization, form: device });

  const methods = 'token_endpoint_auth_methods_supported';
  answers.set(discovery, { ...whole, [methods]: ['client_secret_post'] });
  const proof = { client_id: client.id, client_secret: client.secret };
  await signIn.tokens({ code: 'x' }, 600_000);
  assert.deepEqual(last(), { authorization: undefined, form: { ...grant, ...proof } });
  answers.set(discovery, { ...whole, [methods]: ['client_secret_post', 'client_secret_basic'] });
  await signIn.tokens({ code: 'x' }, 1_200_000);
  assert.deepEqual(last(), { authorization, form: grant });
});

test('a public client sends its id alone', async (t) => {
  const { signIn, sent } = startSignIn(t);
  await signIn.tokens({ code: 'x' }, 0);
  const { body, headers } = sent.at(-1) ?? {};
  assert.deepEqual(headers, { accept: 'application/json' });
  assert.equal(String(body), 'code=x&grant_type=authorization_code&client_id=game');
});
