import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';

const noQuery = new URLSearchParams();

/**
 * The parameters of a query, which is what follows the `?` of a target.
 *
 * Refuses: requestInvalid for more parameters than a query may have: they would cost much more memory
 * than their text.
 *
 * @source docs/wire/README.md "Every request"
 */
export function parseQuery(search: string): URLSearchParams | Refusal {
  if (search === '') return noQuery;
  if (!hasTooManyParameters(search)) return new URLSearchParams(search);
  return new Refusal(
    'requestInvalid',
    `The query of the URL has more than ${limits.queryParametersMax} parameters; send those that the page of the request names.`,
    { detail: 'query' },
  );
}

function hasTooManyParameters(search: string): boolean {
  let count = 1;
  for (let at = search.indexOf('&'); at !== -1; at = search.indexOf('&', at + 1)) {
    count += 1;
    if (count > limits.queryParametersMax) return true;
  }
  return false;
}
