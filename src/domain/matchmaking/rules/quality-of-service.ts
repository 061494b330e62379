import type { Milliseconds } from '../../time.ts';
import { peerLatencyMaxMs, serverLatencyMarginMs } from '../expansion.ts';
import type { Hopper, QualityRule } from '../hopper.ts';
import { givenValues, type RuleBody } from '../rule.ts';
import type { MatchTicket } from '../ticket.ts';
import { formatNumber } from './number.ts';

/** The worst latency of the players of a ticket to each server that all of them have measured. */
export type ServerLatencies = ReadonlyMap<string, Milliseconds>;

/**
 * The network between the players is good enough.
 *
 * Between peers nothing has been measured before they meet. It is estimated: from one to the other by
 * the server that is best for both. Tickets without measurements are not kept apart.
 *
 * @source docs/wire/matchmaking.md "Quality of service"
 */
export function qualityRule(rule: QualityRule, hopper: Hopper): RuleBody<ServerLatencies> {
  return rule.topology === 'clientServer' ? serverRule(rule, hopper) : peerRule(rule, hopper);
}

function peerRule(rule: QualityRule, hopper: Hopper): RuleBody<ServerLatencies> {
  const isNear = (a: ServerLatencies, b: ServerLatencies, cycle: number): boolean =>
    peerLatencyMs(a, b) <= peerLatencyMaxMs(rule, hopper, cycle);
  const isHosted = rule.topology === 'peerToHost';
  return {
    valueOf: (ticket) => latenciesOf(ticket) ?? undefined,
    ...(!isHosted && { admits: isNear }),
    ...(isHosted && {
      // Before it is complete, the host may be still to come.
      admitsGroup(group) {
        const values = givenValues(group);
        if (!group.isComplete || values.length < 2) return true;
        return values.some((host) =>
          values.every((one) => one === host || isNear(host, one, group.cycle)),
        );
      },
      groupProblem: ({ cycle }) =>
        `no player reaches all others within ${formatNumber(peerLatencyMaxMs(rule, hopper, cycle))} ms`,
    }),
    closeness: (a, b) => 1 / (1 + peerLatencyMs(a, b) / Math.max(1, rule.latencyMaximum)),
    difference: (a, b) => {
      const latencyMs = peerLatencyMs(a, b);
      return Number.isFinite(latencyMs)
        ? `latency is about ${formatNumber(latencyMs)} ms`
        : 'no server was measured by both';
    },
    allowance: (cycle) => `${formatNumber(peerLatencyMaxMs(rule, hopper, cycle))} ms`,
    missing: 'no server was measured',
    words: isHosted
      ? `one player reaches all others within ${rule.latencyMaximum} ms`
      : `all players reach each other within ${rule.latencyMaximum} ms`,
  };
}

function peerLatencyMs(a: ServerLatencies, b: ServerLatencies): Milliseconds {
  let least = Number.POSITIVE_INFINITY;
  for (const [server, latencyMs] of a) {
    const other = b.get(server);
    if (other !== undefined) least = Math.min(least, latencyMs + other);
  }
  return least;
}

function serverRule(rule: QualityRule, hopper: Hopper): RuleBody<ServerLatencies> {
  const shared = (values: readonly ServerLatencies[], cycle: number): readonly string[] => {
    const [first = new Map<string, Milliseconds>(), ...others] = values;
    const accepts = (one: ServerLatencies, server: string): boolean => {
      const latencyMs = one.get(server);
      return latencyMs !== undefined && latencyMs <= latencyMaxMs(one, rule, hopper, cycle);
    };
    return [...first.keys()].filter(
      (server) => accepts(first, server) && others.every((other) => accepts(other, server)),
    );
  };
  return {
    // A preserved session that names no server may be on any.
    valueOf: (ticket) =>
      ticket.preserved && ticket.preserved.server === undefined ? undefined : latenciesOf(ticket),
    admits: (a, b, cycle) => shared([a, b], cycle).length > 0,
    admitsGroup(group) {
      const values = givenValues(group);
      return values.length < 2 || shared(values, group.cycle).length > 0;
    },
    groupProblem: () => 'no server is near enough to all players',
    closeness(a, b) {
      const best = Math.min(...sumsOfShared(a, b), Number.POSITIVE_INFINITY);
      return 1 / (1 + best / Math.max(1, 2 * rule.latencyMaximum));
    },
    difference(a, b) {
      const best = bestShared(a, b);
      if (best === undefined) return 'no server was measured by both';
      if (rule.type === 'should') return 'no server is near enough to both';
      return `latency ${formatNumber(best.worstMs)} ms to ${best.server}`;
    },
    ...(rule.type === 'must' && { allowance: () => `${formatNumber(rule.latencyMaximum)} ms` }),
    missing: 'no server was measured by all its players',
    words:
      rule.type === 'must'
        ? `there is a server within ${rule.latencyMaximum} ms of each player`
        : `there is a server that is among the best of each ticket; with each cycle worse ones count too, up to ${rule.scalingMaximum} ms above the best`,
  };
}

function latencyMaxMs(
  latencies: ServerLatencies,
  rule: QualityRule,
  hopper: Hopper,
  cycle: number,
): Milliseconds {
  if (rule.type === 'must') return rule.latencyMaximum;
  return Math.min(...latencies.values()) + serverLatencyMarginMs(rule, hopper, cycle);
}

/** The server whose worst latency of the two is the least; undefined: none was measured by both. */
function bestShared(
  a: ServerLatencies,
  b: ServerLatencies,
): { readonly server: string; readonly worstMs: Milliseconds } | undefined {
  return [...a]
    .flatMap(([server, latencyMs]) => {
      const other = b.get(server);
      return other === undefined ? [] : [{ server, worstMs: Math.max(latencyMs, other) }];
    })
    .sort((one, other) => one.worstMs - other.worstMs)[0];
}

function sumsOfShared(a: ServerLatencies, b: ServerLatencies): readonly Milliseconds[] {
  return [...a].flatMap(([server, latencyMs]) => {
    const other = b.get(server);
    return other === undefined ? [] : [latencyMs + other];
  });
}

/** Null when no server has been measured by all players. */
function latenciesOf({ players, preserved }: MatchTicket): ServerLatencies | null {
  if (preserved) return preserved.server === undefined ? null : new Map([[preserved.server, 0]]);
  if (players[0]?.latenciesMs === undefined) return null;
  const [first, ...others] = players.map(({ latenciesMs }) => latenciesMs ?? {});
  const worst = new Map<string, Milliseconds>();
  for (const [server, latencyMs] of Object.entries(first ?? {})) {
    const all = [
      latencyMs,
      ...others.map((one) => (Object.hasOwn(one, server) ? one[server] : undefined)),
    ];
    if (all.every((one) => one !== undefined)) worst.set(server, Math.max(...all));
  }
  return worst.size > 0 ? worst : null;
}

/**
 * The servers that the whole group can use, the best first: by the worst latency of its tickets. Tickets
 * without measurements do not count.
 */
export function serverPreference(tickets: readonly MatchTicket[]): readonly string[] {
  const [first, ...others] = tickets.map(latenciesOf).filter((one) => one !== null);
  if (first === undefined) return [];
  return [...first]
    .flatMap(([server, latencyMs]) => {
      const all = [latencyMs, ...others.map((other) => other.get(server))];
      return all.every((one) => one !== undefined) ? [{ server, worstMs: Math.max(...all) }] : [];
    })
    .sort((a, b) => a.worstMs - b.worstMs || (a.server < b.server ? -1 : 1))
    .map(({ server }) => server);
}
