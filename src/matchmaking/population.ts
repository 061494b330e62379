/**
 * Who comes to a hopper in a simulation, and what they bring.
 *
 *   population = { "playersPerMinute"?, "giveUpSeconds"?, "partySizes"?: { size: share },
 *                  "attributes"?: { name: attribute }, "regions"?: { name: region } }
 *   attribute  = { "normal": [mean, deviation] } | { "uniform": [from, to] }
 *              | { "oneOf": { value: share } } | { "someOf": [ value … ] }
 *   region     = { "share", "latencies": { server: milliseconds } }
 */

import * as v from 'valibot';
import type { Json, JsonObject } from '../domain/json.ts';
import type { Hopper, Rule } from '../domain/matchmaking/hopper.ts';
import type { MatchPlayer, MatchTicket } from '../domain/matchmaking/ticket.ts';
import { checkShape, exactObject, list, type ShapeProblem } from '../domain/shape.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Random } from '../platform/seeded-random.ts';

type Attribute =
  | { readonly normal: readonly [mean: number, deviation: number] }
  | { readonly uniform: readonly [from: number, to: number] }
  | { readonly oneOf: Readonly<Record<string, number>> }
  | { readonly someOf: readonly string[] };

type Region = {
  readonly share: number;
  readonly latencies: Readonly<Record<string, Milliseconds>>;
};

export type Population = {
  readonly playersPerMinute: number;
  readonly giveUpMs: Milliseconds;
  /** How often each size comes, in any unit. */
  readonly partySizes: Readonly<Record<string, number>>;
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly regions: Readonly<Record<string, Region>>;
};

const finite = v.pipe(v.number('Expected a number'), v.finite('Expected a number'));
const atLeast0 = v.pipe(finite, v.minValue(0, 'Expected a number of at least 0'));
const above0 = v.pipe(
  finite,
  v.check((given) => given > 0, 'Expected a number above 0'),
);
const pair = v.tuple([finite, finite], 'Expected two numbers');

/** At least one name, with a share of at least one above 0. */
const shares = v.pipe(
  v.record(v.string(), atLeast0, 'Expected an object of shares'),
  v.check(
    (given) => Object.values(given).some((share) => share > 0),
    'Expected at least one share above 0',
  ),
);

const attributeShape = v.union(
  [
    exactObject({ normal: pair }),
    exactObject({ uniform: pair }),
    exactObject({ oneOf: shares }),
    exactObject({
      someOf: list(v.string('Expected a text'), { lengthMin: 1, lengthMax: 100 }, 'texts'),
    }),
  ],
  'Expected "normal", "uniform", "oneOf" or "someOf"',
);

const populationShape = exactObject({
  playersPerMinute: v.optional(above0),
  giveUpSeconds: v.optional(above0),
  partySizes: v.optional(
    v.pipe(
      shares,
      v.check(
        (given) => Object.keys(given).every((size) => /^[1-9]\d{0,2}$/.test(size)),
        'Expected sizes from 1 to 999',
      ),
    ),
  ),
  attributes: v.optional(v.record(v.string(), attributeShape, 'Expected an object of attributes')),
  regions: v.optional(
    v.record(
      v.string(),
      exactObject({
        share: above0,
        latencies: v.record(v.string(), atLeast0, 'Expected an object of latencies'),
      }),
      'Expected an object of regions',
    ),
  ),
});

/** Without a file: as many players as a small game has. */
const defaultPlayersPerMinute = 60;
const defaultGiveUpSeconds = 120;

/**
 * The population that a value describes, or what is wrong with it. What it does not say, the hopper
 * suggests: parties up to the largest that fits, a value for each attribute that a rule reads, and two
 * regions with a server near to each where a rule reads latencies.
 */
export function parsePopulation(
  value: Json,
  hopper: Hopper,
): Population | { readonly problems: readonly ShapeProblem[] } {
  const checked = checkShape(populationShape, value);
  if ('problems' in checked) return checked;
  const given = checked.value;
  const tooLarge = Object.entries(given.partySizes ?? {}).find(
    ([size, share]) => share > 0 && Number(size) > hopper.maxGroupSize,
  );
  if (tooLarge !== undefined) {
    const expected = `Expected parties of at most ${hopper.maxGroupSize}, the maxGroupSize of hopper ${hopper.name}; there is one of ${tooLarge[0]}`;
    return { problems: [{ path: '$.partySizes', expected }] };
  }
  return {
    playersPerMinute: given.playersPerMinute ?? defaultPlayersPerMinute,
    giveUpMs: (given.giveUpSeconds ?? defaultGiveUpSeconds) * 1_000,
    partySizes: given.partySizes ?? suggestedSizes(hopper),
    attributes: {
      ...suggestedAttributes(hopper),
      ...(given.attributes as Population['attributes'] | undefined),
    },
    regions: (given.regions as Population['regions'] | undefined) ?? suggestedRegions(hopper),
  };
}

function suggestedSizes(hopper: Hopper): Population['partySizes'] {
  const team = hopper.rules.find((rule) => rule.dataType === 'team');
  const largest = team
    ? Math.max(...team.teams.map(({ maxSize }) => maxSize))
    : Math.max(1, Math.floor(hopper.maxGroupSize / 2));
  const usual: readonly (readonly [string, number])[] = [
    ['1', 60],
    ['2', 25],
    ['3', 10],
    ['4', 5],
  ];
  return Object.fromEntries(usual.filter(([size]) => Number(size) <= largest));
}

/** Two regions: the server of the own one is near enough for the strictest rule, the other is not. */
function suggestedRegions({ rules }: Hopper): Population['regions'] {
  const maxima = rules.flatMap((rule) =>
    rule.dataType === 'qualityOfService' ? [rule.latencyMaximum] : [],
  );
  if (maxima.length === 0) return {};
  const latencyMaximum = Math.min(...maxima);
  const nearMs = latencyMaximum / 4;
  const farMs = latencyMaximum * 1.5;
  return {
    west: { share: 1, latencies: { west: nearMs, east: farMs } },
    east: { share: 1, latencies: { west: farMs, east: nearMs } },
  };
}

function suggestedAttributes({ rules }: Hopper): Population['attributes'] {
  const suggested: Record<string, Attribute> = {};
  for (const rule of rules) {
    const attribute = suggestedAttribute(rule);
    if (attribute && 'attribute' in rule) suggested[rule.attribute] = attribute;
  }
  return suggested;
}

function suggestedAttribute(rule: Rule): Attribute | undefined {
  switch (rule.dataType) {
    case 'number':
      return { normal: [rule.defaultValue ?? 1_000, Math.max(1, 4 * rule.maxDiff)] };
    case 'totalValue':
      return { oneOf: { 1: 1 } };
    case 'string':
      return { oneOf: { a: 3, b: 1 } };
    case 'collection':
      if (rule.operation === 'rolePreference') return { someOf: Object.keys(rule.roles) };
      return rule.operation === 'intersection' ? { someOf: ['a', 'b', 'c'] } : undefined;
    case 'qualityOfService':
    case 'team':
      return undefined;
  }
}

/** The time until the next party comes: parties come by chance, and do not know of each other. */
export function nextArrivalMs(population: Population, random: Random): Milliseconds {
  const perParty = meanSize(population);
  const meanMs = (60_000 * perParty) / population.playersPerMinute;
  return -Math.log(1 - random.fraction()) * meanMs;
}

function meanSize({ partySizes }: Population): number {
  const all = Object.entries(partySizes);
  const total = all.reduce((sum, [, share]) => sum + share, 0);
  return all.reduce((sum, [size, share]) => sum + Number(size) * share, 0) / total;
}

/**
 * The `index`-th ticket of a simulation. Numbers and lists are drawn for each player; texts for the
 * ticket, since players who come together want the same.
 */
export function drawTicket(
  population: Population,
  random: Random,
  index: number,
  sinceMs: Milliseconds,
): MatchTicket {
  const size = Number(drawShare(population.partySizes, random));
  const shared: Record<string, Json> = {};
  for (const [name, attribute] of Object.entries(population.attributes)) {
    if ('oneOf' in attribute) shared[name] = asNumber(drawShare(attribute.oneOf, random));
  }
  const regions = Object.fromEntries(
    Object.entries(population.regions).map(([name, { share }]) => [name, share]),
  );
  const region =
    Object.keys(regions).length > 0 ? population.regions[drawShare(regions, random)] : undefined;
  const players = Array.from(
    { length: size },
    (_, i): MatchPlayer => ({
      xuid: `${index}${String(i).padStart(3, '0')}`,
      attributes: drawOwn(population, random),
      ...(region && { latenciesMs: drawLatencies(region, random) }),
    }),
  );
  return { id: String(index).padStart(12, '0'), sinceMs, attributes: shared, players };
}

function drawOwn({ attributes }: Population, random: Random): JsonObject {
  const own: Record<string, Json> = {};
  for (const [name, attribute] of Object.entries(attributes)) {
    if ('normal' in attribute) own[name] = Math.round(drawNormal(attribute.normal, random));
    else if ('uniform' in attribute) {
      const [from, to] = attribute.uniform;
      own[name] = Math.round(from + random.fraction() * (to - from));
    } else if ('someOf' in attribute) {
      const some = attribute.someOf.filter(() => random.chance(0.5));
      own[name] = some.length > 0 ? some : [random.pick(attribute.someOf)];
    }
  }
  return own;
}

function drawNormal([mean, deviation]: readonly [number, number], random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.fraction()));
  return mean + deviation * radius * Math.cos(2 * Math.PI * random.fraction());
}

/** Around the latencies of the region, up to a fifth more. */
function drawLatencies({ latencies }: Region, random: Random): Record<string, Milliseconds> {
  return Object.fromEntries(
    Object.entries(latencies).map(([server, latencyMs]) => [
      server,
      Math.round(latencyMs * (1 + random.fraction() / 5)),
    ]),
  );
}

/** One of the names, each as often as its share says. */
function drawShare(shareOf: Readonly<Record<string, number>>, random: Random): string {
  const all = Object.entries(shareOf);
  const total = all.reduce((sum, [, share]) => sum + share, 0);
  let left = random.fraction() * total;
  for (const [name, share] of all) {
    left -= share;
    if (left < 0) return name;
  }
  return all.findLast(([, share]) => share > 0)?.[0] ?? '';
}

/** A value that was written as a key: a number where it is one. */
function asNumber(text: string): string | number {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
