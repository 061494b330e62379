import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';

/** True of a query that would cost much more memory than its text. */
export function hasTooManyParameters(search: string): boolean {
  let count = 1;
  for (let at = search.indexOf('&'); at !== -1; at = search.indexOf('&', at + 1)) {
    count += 1;
    if (count > limits.queryParametersMax) return true;
  }
  return false;
}

/** Says how many parameters a query may have. */
export function tooManyParameters(): Refusal {
  return new Refusal(
    'requestInvalid',
    `The query of the URL has more than ${limits.queryParametersMax} parameters; send those that the page of the request names.`,
    { detail: 'query' },
  );
}
