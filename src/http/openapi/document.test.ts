import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeHtml } from '../escape-html.ts';
import { assertDescribedFrame } from '../../testing/described-answers.ts';
import { describedRoutes as all } from '../../testing/described-routes.ts';
import { absentRoutes } from '../routes/absent.ts';
import { asyncApiDocument } from './async-document.ts';
import { keyOf, openApiDocument, refusalsByStatus } from './document.ts';
import { operations } from './operations.ts';
import { referencePage } from './reference-page.ts';

type Operation = {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string }[];
  readonly requestBody: {
    readonly content: {
      readonly 'application/json': { readonly schema: { readonly properties: object } };
    };
  };
  readonly responses: Readonly<Record<number, unknown>>;
};
const document = openApiDocument(all, '1.2.3') as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

test('every route has an operation but those whose service is absent, and every operation a route', () => {
  const keys = all.map(keyOf);
  assert.deepEqual(
    Object.keys(operations).filter((key) => !keys.includes(key)),
    [],
  );
  const absent = absentRoutes.map(keyOf);
  assert.deepEqual(
    keys.filter((key) => operations[key] === undefined && !absent.includes(key)),
    [],
  );
});

test('an operation has its parameters, the schema of its body, answers and refusals', () => {
  const put = document.paths['/handles/{id}/session']?.['put'] ?? assert.fail();
  assert.deepEqual(
    put.parameters.map(({ name }) => name),
    ['id', 'nocommit', 'X-Xbl-Contract-Version'],
  );
  const { schema } = put.requestBody.content['application/json'];
  assert.deepEqual(Object.keys(schema.properties), [
    'constants',
    'properties',
    'roleTypes',
    'members',
    'servers',
  ]);
  assert.deepEqual(put.responses[201], {
    description: 'Session',
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Session' } } },
  });
  const codes = ['sessionExists', 'sessionMissing', 'etagDiffers', 'etagWeak'];
  assert.deepEqual(put.responses[412], {
    description: `Refused: ${codes.join(', ')}`,
    headers: {
      'X-Mpsd-Refusal': {
        description: 'The rule that refuses',
        schema: { type: 'string', enum: codes },
      },
    },
  });
});

test('ids of operations are unique', () => {
  const ids = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  assert.ok(ids.length > 60);
  assert.equal(new Set(ids).size, ids.length);
});

test('a join by the handle of a full session is 403, by the path 400', () => {
  const byStatus = (key: string) => {
    const route = all.find((one) => keyOf(one) === key) ?? assert.fail();
    return refusalsByStatus(route, operations[key]?.tag ?? '');
  };
  assert.ok(byStatus('PUT /handles/{id}/session').get(403)?.has('sessionFull'));
  const path = 'PUT /serviceconfigs/{scid}/sessiontemplates/{templateName}/sessions/{name}';
  assert.ok(!byStatus(path).get(403)?.has('sessionFull'));
});

test('the page names every path, and asks for nothing from elsewhere', () => {
  const page = referencePage(document as never).body ?? '';
  for (const path of Object.keys(document.paths)) assert.ok(page.includes(escapeHtml(path)), path);
  assert.doesNotMatch(page, /<script|src=|url\(|@import|https?:/);
});

const asyncDocument = asyncApiDocument('1.2.3');

test('every frame of RTA has a message', () => {
  type Sent = { readonly messages: readonly { readonly $ref: string }[] };
  const { operations: sent, components } = asyncDocument as {
    readonly operations: { readonly listen: Sent; readonly notify: Sent };
    readonly components: { readonly messages: object };
  };
  const named = [...sent.listen.messages, ...sent.notify.messages].map(({ $ref }) =>
    $ref.split('/').at(-1),
  );
  assert.deepEqual(named.sort(), Object.keys(components.messages).sort());
});

test('the schemas of frames are tuples of draft 07, and what they refer to is there', () => {
  const { messages } = asyncDocument['components'] as {
    readonly messages: Readonly<Record<string, { readonly payload: object }>>;
  };
  const resync = { type: 'array', items: [{ const: 4 }], minItems: 1, additionalItems: false };
  assert.deepEqual(messages['resync']?.payload, resync);
  const references = [...JSON.stringify(asyncDocument).matchAll(/"\$ref":"#\/([^"]+)"/g)];
  assert.ok(references.some(([, to]) => to === 'components/schemas/Taps'));
  for (const [, to = ''] of references) {
    const found = to.split('/').reduce<unknown>((part, name) => {
      return (part as Readonly<Record<string, unknown>> | undefined)?.[name];
    }, asyncDocument);
    assert.ok(found, to);
  }
});

test('a frame that the description does not have is found', () => {
  assertDescribedFrame([4]);
  assertDescribedFrame([3, 0, 'started:1234567890']);
  for (const wrong of [[5], [4, 0], [3, 0, {}], [3, -1, 'ended:1'], [1, 7, 0, null, 'why']]) {
    assert.throws(() => assertDescribedFrame(wrong), /is not described/);
  }
});
