import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bodyWithoutSecrets,
  headersWithoutSecrets,
  replacementOf,
  targetWithoutSecrets,
} from './secrets.ts';

test('headers keep everything but what proves who the client is', () => {
  const token = 'x=-;xuid=1001&gtg=Ada';
  assert.deepEqual(
    headersWithoutSecrets({
      authorization: `XBL3.0 ${token}`,
      Signature: 'AAAA',
      'set-cookie': ['a=1', 'b=2'],
      'x-xbl-contract-version': '107',
      absent: undefined,
    }),
    {
      authorization: `XBL3.0 ${replacementOf(token)}`,
      Signature: replacementOf('AAAA'),
      'set-cookie': `${replacementOf('a=1')}, ${replacementOf('b=2')}`,
      'x-xbl-contract-version': '107',
      absent: undefined,
    },
  );
  assert.equal(replacementOf('a'), replacementOf('a'));
  assert.notEqual(replacementOf('a'), replacementOf('b'));
});

test('a query keeps everything but its tokens, however their names are written', () => {
  assert.equal(
    targetWithoutSecrets('/connect?a=%zz&Nonce=n1&%6Eonce=n2&plain'),
    `/connect?a=%zz&Nonce=${replacementOf('n1')}&%6Eonce=${replacementOf('n2')}&plain`,
  );
  assert.equal(targetWithoutSecrets('/nonce'), '/nonce');
  assert.deepEqual(headersWithoutSecrets({ Location: 'https://a/?code=c#access_token=t&x=1' }), {
    Location: `https://a/?code=${replacementOf('c')}#access_token=${replacementOf('t')}&x=1`,
  });
});

test('bodies of the login chain lose their tokens; what a game writes is left alone', () => {
  const body = {
    Properties: { SandboxId: 'RETAIL', UserTokens: ['u1'], RpsTicket: 't=1' },
    Token: 'x',
  };
  assert.equal(
    bodyWithoutSecrets('/xsts/authorize', JSON.stringify(body)),
    JSON.stringify({
      Properties: {
        SandboxId: 'RETAIL',
        UserTokens: [replacementOf('u1')],
        RpsTicket: replacementOf('t=1'),
      },
      Token: replacementOf('x'),
    }),
  );
  assert.equal(
    bodyWithoutSecrets('/oauth20_token.srf', 'grant_type=refresh_token&refresh_token=r'),
    `grant_type=refresh_token&refresh_token=${replacementOf('r')}`,
  );
  assert.equal(bodyWithoutSecrets('/nonce', 'n'), replacementOf('n'));
  const session = '{"properties":{"custom":{"code":"ABCD","token":1.50}}}';
  const path = '/serviceconfigs/{scid}/sessionTemplates/{template}/sessions/{name}';
  assert.equal(bodyWithoutSecrets(path, session), session);
  assert.equal(bodyWithoutSecrets(undefined, session), session);
});
