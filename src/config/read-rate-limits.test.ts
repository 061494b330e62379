import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generalRateLimits, xboxRateLimits } from '../domain/rate-limits/rate-limits.ts';
import { readRateLimits } from './read-rate-limits.ts';

const wrong: readonly (readonly [text: string, problem: RegExp])[] = [
  ['{', /line 1, column 2: Expected .*found/],
  ['[]', /\$: Expected an object/],
  ['{"callers": []}', /\$\.callers: This member is not known here/],
  ['{"services": {"sessions": []}}', /\$\.services\.sessions: This member is not known here/],
  ['{"caller": [{"requests": 0, "seconds": 15}]}', /\$\.caller\[0\]\.requests: Expected/],
  ['{"caller": [{"requests": 5}]}', /\$\.caller\[0\]\.seconds: This member is missing/],
  ['{"caller": {"requests": 5, "seconds": 1}}', /\$\.caller: Expected at most 4 limits such as/],
  ['{"caller": [], "caller": []}', /line 1, column 16: Expected each key once/],
];

test('limits come from a file, from a word, or not at all', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-limits-'));
  try {
    const file = join(folder, 'limits.json');
    const read = async (text: string) => {
      await writeFile(file, text);
      return readRateLimits(file);
    };
    assert.deepEqual(await readRateLimits('xbox'), { limits: xboxRateLimits });
    assert.deepEqual(await readRateLimits('general'), { limits: generalRateLimits });
    const text =
      '\uFEFF{"services": {"rta": [{"requests": 7, "seconds": 9}]}, "address": [{"requests": 1, "seconds": 2}]}';
    assert.deepEqual(await read(text), {
      limits: {
        services: { rta: [{ requestsMax: 7, periodSeconds: 9 }] },
        caller: [],
        address: [{ requestsMax: 1, periodSeconds: 2 }],
      },
    });
    for (const [faulty, problem] of wrong) {
      const outcome = await read(faulty);
      assert.ok('problems' in outcome, faulty);
      assert.match(outcome.problems.join('\n'), problem);
      assert.ok(outcome.problems.every((one) => one.startsWith(`${file}: `)));
    }
    const missing = await readRateLimits(join(folder, 'none.json'));
    assert.ok('problems' in missing);
    assert.match(
      missing.problems.join(),
      /expected off, general, xbox, or a file .*it is not there/,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
