import type { CountedPart } from '../store.ts';
import type { Queries } from './queries.ts';

/** Where a count goes on: what is counted, and after which row. */
type Place = readonly [
  what: 'sessions' | 'handles' | 'joined' | 'reserved',
  ...after: readonly string[],
];

type Counter = (queries: Queries, rowsMax: number, after: readonly string[]) => CountStep;
type CountStep = {
  readonly counts: CountedPart['counts'];
  /** The last row of this step; undefined: there are no more. */
  readonly last: readonly string[] | undefined;
  readonly next: Place | undefined;
};

const counters: Readonly<Record<Place[0], Counter>> = {
  sessions({ countSessions }, rowsMax, [after = '']) {
    const { count, last } = countSessions.get(after, rowsMax) ?? {};
    return {
      counts: { sessions: Number(count) },
      last: Number(count) < rowsMax ? undefined : [String(last)],
      next: ['handles'],
    };
  },
  handles({ countHandles }, rowsMax, [after = '-1']) {
    const { count, activities, invites, last } = countHandles.get(Number(after), rowsMax) ?? {};
    return {
      counts: {
        handles: Number(count),
        activities: Number(activities),
        invites: Number(invites),
      },
      last: Number(count) < rowsMax ? undefined : [String(last)],
      next: ['joined'],
    };
  },
  joined: (queries, rowsMax, after) => ({
    ...countHints(queries, 'joined', 'xuid', rowsMax, after),
    next: ['reserved'],
  }),
  reserved: (queries, rowsMax, after) => ({
    ...countHints(queries, 'reserved', 'seat', rowsMax, after),
    next: undefined,
  }),
};

function countHints(
  { hintFurther, countHints }: Queries,
  what: 'joined' | 'reserved',
  kind: 'xuid' | 'seat',
  rowsMax: number,
  [hint = `${kind}:`, key = '']: readonly string[],
): Pick<CountStep, 'counts' | 'last'> {
  // The character after the colon: every hint of the kind is before it.
  const end = `${kind};`;
  const further = hintFurther.get(hint, key, end, rowsMax - 1);
  if (further) {
    return { counts: { [what]: rowsMax }, last: [String(further['hint']), String(further['key'])] };
  }
  return { counts: { [what]: Number(countHints.get(hint, key, end)?.['count']) }, last: undefined };
}

/** As `SessionFinder.countPart` says; `rowsMax` rows in one step take a few milliseconds. */
export function countPart(
  queries: Queries,
  cursor: string | undefined,
  rowsMax = 10_000,
): CountedPart {
  const [what, ...after] = (cursor === undefined ? ['sessions'] : JSON.parse(cursor)) as Place;
  const { counts, last, next } = counters[what](queries, rowsMax, after);
  const place = last === undefined ? next : [what, ...last];
  return { counts, cursor: place && JSON.stringify(place) };
}
