import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { Lever } from '../measured-cost.ts';

/** As many as Xbox Live and the general ones together have, and none that is met. */
const limits = [15, 300].map((seconds) => ({ requests: 1_000_000, seconds }));
/** What a file with all kinds of limits has. */
export const allLimits: string = JSON.stringify({
  services: { sessiondirectory: limits },
  caller: limits,
  address: limits,
});
const noLimits = '{}';
let file = '';

/** Counts requests against their limits; off: the file has none. The server reads it again, as on SIGHUP. */
export const lever: Lever = {
  options(place) {
    file = `${place}-limits.json`;
    writeFileSync(file, allLimits);
    return { rateLimits: file };
  },
  async set(isOn, server) {
    await writeFile(file, isOn ? allLimits : noLimits);
    const problems = await server.reload();
    if (problems.length > 0) throw new Error(problems.join('; '));
  },
};
