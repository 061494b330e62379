import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { isJsonObject, type Json } from '../domain/json.ts';
import {
  capabilityNames,
  constantsProblems,
  resolveConstantsSystem,
} from '../domain/session/constants.ts';
import { anyJsonText } from '../testing/arbitraries.ts';
import { demoConfigFile } from './read-service-configs.ts';
import { parseServiceConfigs } from './service-configs.ts';
import { Hits } from '../testing/hits.ts';

const demo: Json = JSON.parse(await readFile(demoConfigFile, 'utf8'));

/** `json` with `text` in place of one of its values, which `steps` lead to. */
function replaced(json: Json, steps: readonly number[], text: string): string {
  const [step, ...rest] = steps;
  const entries = isJsonObject(json) || Array.isArray(json) ? Object.entries(json) : [];
  if (step === undefined || entries.length === 0) return text;
  const chosen = step % entries.length;
  const items = entries.map(([key, value], i) => {
    const item = i === chosen ? replaced(value, rest, text) : JSON.stringify(value);
    return Array.isArray(json) ? item : `${JSON.stringify(key)}:${item}`;
  });
  return Array.isArray(json) ? `[${items.join(',')}]` : `{${items.join(',')}}`;
}

const spoiledDemo = fc
  .tuple(fc.array(fc.nat(20), { maxLength: 9 }), anyJsonText)
  .map(([steps, text]) => replaced(demo, steps, text));

// Kills: a part that is looked into before its shape is known, which throws on null or a list.
test('any JSON makes a catalog or problems with a place and something to do', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(fc.oneof(spoiledDemo, anyJsonText), (text) => {
      const parsed = parseServiceConfigs([{ file: 'a.json', text }]);
      if ('catalog' in parsed) return;
      hits.count();
      assert.ok(parsed.problems.length > 0);
      for (const { place, expected } of parsed.problems) {
        assert.match(place ?? '', /^(\$|line \d)/);
        assert.match(expected, /\S/);
      }
    }),
    { numRuns: 1_000 },
  );
  hits.assertAtLeast(200);
});

const anySystem = fc.record({
  maxMembersCount: fc.constantFrom(1, 100, 101),
  capabilities: fc.dictionary(fc.constantFrom(...capabilityNames), fc.boolean(), { maxKeys: 3 }),
});

// Kills: constants that are checked by their shape alone.
test('a template is taken exactly when its constants go together', () => {
  fc.assert(
    fc.property(anySystem, fc.constantFrom(104, 105, 107), (system, contractVersion) => {
      const template = { contractVersion, constants: { system } };
      const scid = '11111111-1111-4111-8111-111111111111';
      const config = { scid, titles: [{ titleId: 1 }], sessionTemplates: { template } };
      const text = JSON.stringify({ serviceConfigs: [config] });
      const parsed = parseServiceConfigs([{ file: 'a.json', text }]);
      const problems = constantsProblems(resolveConstantsSystem(system, contractVersion));
      assert.equal('catalog' in parsed, problems.length === 0);
    }),
  );
});
