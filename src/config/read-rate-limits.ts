import { readFile } from 'node:fs/promises';
import { fileProblemOf } from '../platform/file-problem.ts';
import { findJsonFault } from '../domain/json-fault.ts';
import {
  generalRateLimits,
  parseRateLimits,
  type RateLimits,
  xboxRateLimits,
} from '../domain/rate-limits/rate-limits.ts';
import { formatProblem } from './config-problem.ts';
import { findRepeatedKeys } from './repeated-keys.ts';

/** Limits, or a sentence for each problem. */
type RateLimitsRead = { readonly limits: RateLimits } | { readonly problems: readonly string[] };

/**
 * The limits that `--rate-limits` asks for: `general`, `xbox`, or those of a file.
 */
export async function readRateLimits(asked: string): Promise<RateLimitsRead> {
  if (asked === 'general') return { limits: generalRateLimits };
  if (asked === 'xbox') return { limits: xboxRateLimits };
  let text: string;
  try {
    text = await readFile(asked, 'utf8');
  } catch (error) {
    return {
      problems: [
        `--rate-limits is "${asked}"; expected off, general, xbox, or a file that can be read: ${fileProblemOf(error)}.`,
      ],
    };
  }
  return parseRateLimitsText(text.replace(/^\uFEFF/, ''), asked);
}

function parseRateLimitsText(text: string, file: string): RateLimitsRead {
  const fault = findJsonFault(text);
  if (fault !== undefined) {
    const place = `line ${fault.line}, column ${fault.column}`;
    const expected = `Expected ${fault.expected}, found ${fault.found}`;
    return { problems: [formatProblem({ file, place, expected })] };
  }
  const repeated = findRepeatedKeys(text).map(({ key, line, column }) =>
    formatProblem({
      file,
      place: `line ${line}, column ${column}`,
      expected: `Expected each key once; ${JSON.stringify(key)} is in this object already`,
    }),
  );
  const parsed = parseRateLimits(JSON.parse(text));
  const wrong =
    'problems' in parsed
      ? parsed.problems.map(({ path, expected }) => formatProblem({ file, place: path, expected }))
      : [];
  const problems = [...repeated, ...wrong];
  return problems.length > 0 || 'problems' in parsed ? { problems } : parsed;
}
