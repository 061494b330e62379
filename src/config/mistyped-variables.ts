/** Environment variables that look like those of settings, and are none: they would be ignored in silence. */

import { nearestName } from './nearest-name.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const prefix = 'MPSD_';

/**
 * A sentence for each variable of `env` that is nearly one of `names`, or nearly `<name>_FILE`, and is
 * none; values are not shown. Others that begin with `MPSD_` are not ours to judge: tests, clients and
 * Kubernetes make such names too.
 */
export function findMistypedVariables(
  env: Environment,
  names: readonly string[],
): readonly string[] {
  const known = new Set(names.flatMap((name) => [name, `${name}_FILE`]));
  return Object.keys(env).flatMap((given) => {
    if (!given.startsWith(prefix) || known.has(given)) return [];
    // With more, short names would be near to everything.
    const length = given.length - prefix.length;
    const nearest = nearestName(given, known, length <= 4 ? 1 : length < 12 ? 2 : 3);
    if (nearest === undefined) return [];
    return [`${given} is no setting and is ignored; did you mean ${nearest}?`];
  });
}
