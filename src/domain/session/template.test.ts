import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ada, asRefusal, referee, sampleTemplate, sampleTitleId } from '../../testing/samples.ts';
import type { Caller } from '../caller.ts';
import { formatJson, type JsonObject, parseExactJson } from '../json.ts';
import type { Refusal } from '../refusal.ts';
import {
  type Catalog,
  findTemplate,
  mayUseServiceConfig,
  type ServiceConfig,
  titleNameOf,
  viewTemplate,
} from './template.ts';

const scid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';
const deathmatch = sampleTemplate({}, { name: 'DeathMatch' });

function configOf(more: Partial<ServiceConfig> = {}): ServiceConfig {
  return {
    scid,
    titles: [{ titleId: sampleTitleId }],
    sessionTemplates: new Map([['deathmatch', deathmatch]]),
    ...more,
  };
}

function ask(caller: Caller, config: ServiceConfig, asked = scid): ServiceConfig | Refusal {
  const catalog: Catalog = new Map([[scid, config]]);
  return mayUseServiceConfig(catalog, asked, caller);
}

test('a service config is found in any letter case, by callers of its titles', () => {
  const config = configOf();
  assert.equal(ask(ada, config, scid.toUpperCase()), config);
});

// @source docs/wire/unknowns.md "token without a title"
test('a title has the name of its service config, or one made of its id', () => {
  const titles = [{ titleId: '1' }, { titleId: '2', name: 'Contoso Racer' }];
  const nameOf = titleNameOf(new Map([[scid, configOf({ titles })]]));
  assert.deepEqual(['1', '2', '3'].map(nameOf), ['Title 1', 'Contoso Racer', 'Title 3']);
});

test('a caller whose token names no title may use any', () => {
  const config = configOf();
  assert.equal(ask(referee, config), config);
});

test('an unknown service config, one of another title and one of another sandbox are refused', () => {
  asRefusal(ask(ada, configOf(), '00000000-0000-0000-0000-000000000000'), 'serviceConfigUnknown');
  const ofTitle = asRefusal(
    ask(ada, configOf({ titles: [{ titleId: '1' }] })),
    'serviceConfigForbidden',
  );
  assert.equal(ofTitle.detail, `title ${sampleTitleId}`);
  const ofSandbox = asRefusal(
    ask(ada, configOf({ sandboxes: ['retail'] })),
    'serviceConfigForbidden',
  );
  assert.equal(ofSandbox.detail, 'sandbox RETAIL');
});

test('a sandbox that is listed may use the service config', () => {
  const config = configOf({ sandboxes: ['XDKS.1', 'RETAIL'] });
  assert.equal(ask(ada, config), config);
});

test('a template is found in any letter case', () => {
  assert.equal(findTemplate(configOf(), 'deathMATCH'), deathmatch);
  const refusal = asRefusal(findTemplate(configOf(), 'capture'), 'templateUnknown');
  assert.equal(refusal.detail, 'capture');
});

test('a template is shown in the shape that is asked for, with the numbers of the title', () => {
  const custom = parseExactJson('{"seed":12345678901234567890,"rate":1.50}') as JsonObject;
  const template = sampleTemplate(
    { maxMembersCount: 8, readyRemovalTimeout: 5, inactiveRemovalTimeout: null },
    {
      constants: {
        system: { maxMembersCount: 8, readyRemovalTimeout: 5, inactiveRemovalTimeout: null },
        custom,
      },
      properties: { system: { joinRestriction: 'local' }, custom: {} },
      roleTypes: { lfg: { roles: { confirmed: { max: 2 } } } },
    },
  );
  const rest = {
    properties: { system: { joinRestriction: 'local' }, custom: {} },
    roleTypes: { lfg: { roles: { confirmed: { max: 2 } } } },
  };
  assert.deepEqual(viewTemplate(template, 107), {
    contractVersion: 107,
    constants: template.constants,
    ...rest,
  });
  const older = viewTemplate(template, 105);
  assert.deepEqual(older, {
    contractVersion: 105,
    constants: { system: { maxMembersCount: 8, timeouts: { ready: 5, inactive: null } }, custom },
    ...rest,
  });
  assert.match(formatJson(older), /"custom":\{"seed":12345678901234567890,"rate":1\.50\}/);
});

test('a template of 105 shows readers of 107 the defaults that differ', () => {
  const template = sampleTemplate(
    { memberInitialization: { joinTimeout: 1 } },
    { contractVersion: 105 },
  );
  assert.deepEqual(viewTemplate(template, 107).constants, {
    system: {
      inactiveRemovalTimeout: 7_200_000,
      memberInitialization: {
        joinTimeout: 1,
        measurementTimeout: 5_000,
        externalEvaluation: true,
        membersNeededToStart: 2,
      },
    },
    custom: {},
  });
  assert.deepEqual(viewTemplate(template, 104).constants, {
    system: { managedInitialization: { joinTimeout: 1 } },
    custom: {},
  });
});
