import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Refusal, refusalCodes, type RefusalCode } from '../domain/refusal.ts';
import { TooManyRequests } from '../domain/rate-limits/too-many-requests.ts';
import { etagOf } from '../domain/session/etag.ts';
import { renderSession } from '../domain/session/document-text.ts';
import { me, write } from '../testing/samples.ts';
import { formatHeaderValue, refusalResponse } from './refusal-response.ts';
import { RefusalWithSession } from '../domain/session/refusal-with-session.ts';

test('a refusal is a text that names its rule, its place, and nothing that is absent', () => {
  const full = new Refusal('sessionFull', 'Full.');
  assert.deepEqual(refusalResponse(full, 107), {
    refusal: full,
    status: 400,
    headers: { 'X-Mpsd-Refusal': 'sessionFull' },
    body: 'Full.',
    contentType: 'text/plain; charset=utf-8',
  });
  assert.deepEqual(
    refusalResponse(new Refusal('requestInvalid', 'No.', { detail: '$.é\r\nSet-Cookie: a%' }), 107)
      .headers,
    {
      'X-Mpsd-Refusal': 'requestInvalid',
      'X-Mpsd-Detail': '$.%C3%A9%0D%0ASet-Cookie: a%25',
    },
  );
});

test('every answer of a refusal has it, for the log and the metrics', () => {
  const limit = { requestsMax: 2, periodSeconds: 15 };
  const refusals = [
    ...refusalCodes.map((code) => new Refusal(code, 'No.')),
    new RefusalWithSession(new Refusal('etagDiffers', 'No.'), write(undefined, me())),
    new TooManyRequests('user 1', { limit, count: 3, endMs: 15_000 }, 0),
  ];
  for (const refusal of refusals) assert.equal(refusalResponse(refusal, 107).refusal, refusal);
});

const statuses: Partial<Record<RefusalCode, number>> = {
  pathUnknown: 404,
  verbNotAllowed: 405,
  notAuthenticated: 401,
  contractVersionMissing: 400,
  bodyTooLarge: 413,
  bodyNotJson: 400,
  requestInvalid: 400,
  serviceConfigUnknown: 404,
  serviceConfigForbidden: 403,
  templateUnknown: 404,
  sessionExists: 412,
  sessionMissing: 412,
  etagDiffers: 412,
  etagWeak: 412,
  constantsConflict: 409,
  privilegeMissing: 403,
  sessionPrivate: 403,
  reservationNeeded: 400,
  sessionFull: 400,
  blockedByOwner: 403,
  sessionClosed: 403,
  joinRestricted: 403,
  notAMember: 403,
  initializationMembersNeeded: 400,
  initializationNotEvaluating: 409,
  handleUnknown: 404,
  handleIdTaken: 409,
  notActive: 403,
  tooBusy: 503,
};

for (const [code, status] of Object.entries(statuses) as [RefusalCode, number][]) {
  test(`${code} is a ${status}`, () => {
    assert.equal(refusalResponse(new Refusal(code, 'No.'), 107).status, status);
  });
}

test('Retry-After goes with 503, WWW-Authenticate with 401, and neither with anything else', () => {
  for (const code of refusalCodes) {
    const { status, headers } = refusalResponse(new Refusal(code, 'No.'), 107);
    assert.ok(status >= 400, code);
    assert.equal(headers?.['Retry-After'], status === 503 ? '1' : undefined, code);
    assert.equal(
      headers?.['WWW-Authenticate'],
      status === 401 ? 'XBL3.0, Bearer' : undefined,
      code,
    );
  }
});

test('If-Match on a session that does not exist is a 412 without a body', () => {
  const refusal = new Refusal('sessionMissing', 'No.');
  const headers = { 'X-Mpsd-Refusal': 'sessionMissing' };
  assert.deepEqual(refusalResponse(refusal, 107), { status: 412, headers, refusal });
});

for (const code of ['etagDiffers', 'sessionExists', 'ownerRequired'] as const) {
  for (const contractVersion of [105, 107]) {
    test(`${code} with a session is answered with its document of version ${contractVersion}`, () => {
      const session = write(undefined, me());
      const { status, headers, body, contentType, isSession } = refusalResponse(
        new RefusalWithSession(new Refusal(code, 'No.'), session),
        contractVersion,
      );
      assert.equal(status, refusalResponse(new Refusal(code, 'No.'), 107).status);
      assert.equal(headers?.['ETag'], etagOf(session));
      assert.equal(headers?.['X-Mpsd-Refusal'], code);
      assert.deepEqual(body, renderSession(session, contractVersion));
      // JSON, but not to be kept: it is no answer to what was asked.
      assert.equal(contentType, undefined);
      assert.equal(isSession, undefined);
    });
  }
}

// Kills: the cut made within a "%XX"; lone surrogates handed to encodeURIComponent; a control
// character let through.
test('a detail is a header of printable ASCII that can be decoded, however long it was', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('\ud800', '\r', '\n', '%', 'é', 'a'), maxLength: 2_000 }),
    fc.nat(1_010).map((length) => `${'a'.repeat(length)}${'é€😀'.repeat(3)}`),
  );
  fc.assert(
    fc.property(text, (detail) => {
      const value = formatHeaderValue(detail);
      assert.ok(value.length <= 1_000);
      assert.match(value, /^(?:[\x20-\x24\x26-\x7e]|%[0-9A-F]{2})*$/);
      const whole = detail.toWellFormed();
      if (encodeURIComponent(whole).length <= 1_000) assert.equal(decodeURIComponent(value), whole);
    }),
    { numRuns: 500 },
  );
});
