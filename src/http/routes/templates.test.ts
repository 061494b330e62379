import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseServiceConfigs } from '../../config/service-configs.ts';
import type { Context } from '../../directory/context.ts';
import { Refusal } from '../../domain/refusal.ts';
import { ada, asRefusal, sampleTitleId } from '../../testing/samples.ts';
import type { Answer, RouteRequest } from '../route.ts';
import { templateRoutes } from './templates.ts';

const scid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';

const text = `{"serviceConfigs":[
  {"scid":"${scid}","titles":[{"titleId":${sampleTitleId}}],"sessionTemplates":{
    "DeathMatch":{"contractVersion":107,
      "constants":{"system":{"readyRemovalTimeout":5},"custom":{"seed":12345678901234567890}}},
    "lobby":{"contractVersion":105,"constants":{"system":{"timeouts":{"inactive":7}}},
      "properties":{"custom":{"rate":1.50}},"roleTypes":{"lfg":{"roles":{"confirmed":{"max":2}}}}}}},
  {"scid":"bd6c41c3-01c3-468a-a3b5-3e0fe8133863","titles":[{"titleId":1}],"sessionTemplates":{}}]}`;

async function get(path: string, params: RouteRequest['params'], contractVersion = 107) {
  const route = templateRoutes.find((one) => one.path === path);
  assert.ok(route);
  const parsed = parseServiceConfigs([{ file: 'a.json', text }]);
  assert.ok('catalog' in parsed);
  const request: RouteRequest = {
    params,
    query: new URLSearchParams(),
    headers: {},
    body: {},
    caller: ada,
    cause: { kind: 'request', caller: ada },
    contractVersion,
  };
  // Templates need nothing else of the context.
  const context: Pick<Context, 'catalog'> = { catalog: () => parsed.catalog };
  return route.answer(request, context as Context);
}

const list = '/serviceconfigs/{scid}/sessiontemplates';
const one = '/serviceconfigs/{scid}/sessiontemplates/{templateName}';

function bodyOf(answer: Awaited<ReturnType<typeof get>>): string {
  assert.ok(!(answer instanceof Refusal) && 'status' in answer, JSON.stringify(answer));
  const { status, body } = answer as Answer;
  assert.equal(status, 200);
  assert.equal(typeof body, 'string');
  return String(body);
}

test('the templates of a service config are listed by their names, as these are written', async () => {
  for (const contractVersion of [105, 107]) {
    const answer = await get(list, { scid: scid.toUpperCase() }, contractVersion);
    assert.equal(bodyOf(answer), '{"results":["DeathMatch","lobby"]}');
  }
});

test('one template is shown with its numbers as written', async () => {
  assert.equal(
    bodyOf(await get(one, { scid, templateName: 'deathmatch' })),
    '{"contractVersion":107,' +
      '"constants":{"system":{"readyRemovalTimeout":5},"custom":{"seed":12345678901234567890}},' +
      '"properties":{"system":{},"custom":{}}}',
  );
});

test('one template is shown in the shape of the contract version of the request', async () => {
  assert.deepEqual(JSON.parse(bodyOf(await get(one, { scid, templateName: 'LOBBY' }, 105))), {
    contractVersion: 105,
    constants: { system: { timeouts: { inactive: 7 } }, custom: {} },
    properties: { system: {}, custom: { rate: 1.5 } },
    roleTypes: { lfg: { roles: { confirmed: { max: 2 } } } },
  });
});

test('service configs that are not the caller’s, and templates that are not there, are refused', async () => {
  const foreign = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133863';
  for (const [path, params] of [
    [list, {}],
    [one, { templateName: 'lobby' }],
  ] as const) {
    asRefusal(await get(path, { scid: 'none', ...params }), 'serviceConfigUnknown');
    asRefusal(await get(path, { scid: foreign, ...params }), 'serviceConfigForbidden');
  }
  asRefusal(await get(one, { scid, templateName: 'none' }), 'templateUnknown');
});
