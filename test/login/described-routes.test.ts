/** What /openapi.json has, with each kind of login: all that a server answers, and nothing else. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operations } from '../../src/http/openapi/operations.ts';
import { type ServerOptions, startServer } from '../../src/server.ts';
import { addSignIn } from '../../src/testing/issuer-sign-in.ts';
import { startLocalIssuer } from '../../src/testing/local-issuer.ts';

/** Refusals by which a server says that it has no such route. */
const absences: readonly (string | null)[] = ['pathUnknown', 'verbNotAllowed', 'serviceAbsent'];

/** Operations of a server that it describes, and those that it answers, as `GET /handles/{id}`. */
async function operationsOf(options: ServerOptions) {
  await using server = await startServer({ port: 0, store: 'memory', ...options });
  const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    readonly paths: Readonly<Record<string, object>>;
  };
  const described = Object.entries(paths).flatMap(([path, verbs]) =>
    Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`),
  );
  const answered: string[] = [];
  for (const key of Object.keys(operations)) {
    const [method = '', path = ''] = key.split(' ');
    const url = `${server.url}${path.replaceAll(/\{\w+\}/g, '1')}`;
    const { headers } = await fetch(url, { method, redirect: 'manual' });
    if (!absences.includes(headers.get('x-mpsd-refusal'))) answered.push(key);
  }
  return { described: described.toSorted(), answered: answered.toSorted() };
}

// Kills: steps of a login, or calls of administrators, that a server describes and does not have.
test('a server describes the routes that it answers, with each kind of login', async (t) => {
  await using issuer = await startLocalIssuer();
  addSignIn(issuer, { clientId: 'game', redirectUris: [], claims: {} });
  const signed = { auth: 'signed', authKeys: `${issuer.url}/keys` } as const;
  const oidc = { auth: 'oidc', oidcIssuer: issuer.issuer, oidcAudience: ['game'] } as const;
  const page = ['POST /authenticate', 'GET /oauth20_authorize.srf', 'POST /oauth20_token.srf'];
  const kinds: readonly (readonly [string, ServerOptions, chain: boolean, page: boolean])[] = [
    ['dev', { auth: 'dev', control: true }, true, true],
    ['signed', { ...signed, adminToken: 'a token of administrators' }, false, false],
    ['oidc', oidc, true, false],
    ['oidc with a client id', { ...oidc, oidcClientId: 'game', metrics: 'off' }, true, true],
  ];
  for (const [name, options, hasChain, hasPage] of kinds) {
    await t.test(name, async () => {
      const { described, answered } = await operationsOf(options);
      assert.deepEqual(described, answered);
      assert.equal(described.includes('POST /xsts/authorize'), hasChain);
      for (const key of page) assert.equal(described.includes(key), hasPage, key);
      const hasAdministrators = name === 'dev' || name === 'signed';
      assert.equal(
        described.some((key) => key.includes(' /admin')),
        hasAdministrators,
      );
    });
  }
});
