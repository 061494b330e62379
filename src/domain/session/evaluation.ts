/**
 * What the measurements of an episode say: which members have measured, which pass, which may be
 * host. A connection is judged in the enabled metrics. A required metric that was not measured is
 * the problem `network`. A group passes or fails whole.
 *
 * @source docs/wire/initialization.md "Stages", docs/wire/sessions.md "PUT"
 */

import type { ConstantsSystem } from './constants.ts';
import {
  type Measurement,
  type Member,
  type Session,
  initializationFailures,
  type InitializationFailure,
} from './session.ts';

/** Why members fail, by their index. A member without an entry passes. */
export type Failures = ReadonlyMap<number, InitializationFailure>;

/** True when members measure their connections to each other. */
export function measuresPeers({ metrics }: ConstantsSystem): boolean {
  return Object.values(metrics ?? {}).includes(true);
}

/** True when members measure their connections to servers. */
export function measuresServers({ measurementServerAddresses }: ConstantsSystem): boolean {
  return Object.keys(measurementServerAddresses ?? {}).length > 0;
}

/**
 * True when the member has reported every server and every peer that it must measure. A report
 * without numbers counts: the peer was not reached.
 */
export function hasMeasured(session: Session, member: Member, peers: readonly Member[]): boolean {
  const { measurements, serverMeasurements } = member.properties.system;
  const servers = new Map(lowerCaseEntries(serverMeasurements));
  const tokens = new Map(lowerCaseEntries(measurements));
  const { measurementServerAddresses } = session.constants.system;
  return (
    Object.keys(measurementServerAddresses ?? {}).every((name) => servers.has(name)) &&
    tokensToMeasure(session, member, peers).every((token) => tokens.has(token))
  );
}

/** True when the member has reported anything that it must measure. */
function hasReported(session: Session, member: Member, peers: readonly Member[]): boolean {
  const { measurements, serverMeasurements } = member.properties.system;
  return (
    (serverMeasurements !== undefined || !measuresServers(session.constants.system)) &&
    (measurements !== undefined || tokensToMeasure(session, member, peers).length === 0)
  );
}

/**
 * The peers that it must measure; with requirements on the connection to a known host only, the
 * host.
 */
function tokensToMeasure(
  { constants: { system }, properties }: Session,
  { deviceToken }: Member,
  peers: readonly Member[],
): readonly string[] {
  if (!measuresPeers(system)) return [];
  const tokens = tokensOf(peers);
  const { host } = properties.system;
  const onlyHost = system.peerToHostRequirements && !system.peerToPeerRequirements;
  return (onlyHost && host !== undefined && tokens.includes(host) ? [host] : tokens).filter(
    (token) => token !== deviceToken,
  );
}

function tokensOf(members: readonly Member[]): readonly string[] {
  return members.flatMap(({ deviceToken }) => deviceToken ?? []);
}

function lowerCaseEntries(
  measurements: Readonly<Record<string, Measurement>> | undefined,
): readonly [string, Measurement][] {
  return Object.entries(measurements ?? {}).map(([name, one]) => [name.toLowerCase(), one]);
}

/**
 * Which of an episode's `members` fail, and why, and which members may be host, best first. The
 * `established` members are already in the session: they stay, and do not measure.
 *
 * Peer to peer: every two members that pass are well connected, as both of them measured. Members
 * with the fewest bad connections pass first, then each member that fits all that passed. So a bad
 * connection costs one of its two members, and a member with only bad connections costs only itself.
 *
 * Peer to host: the host is the one that is set, else the one with which the most members pass. A
 * member that does not fit the host fails.
 *
 * @source docs/wire/unknowns.md "who fails for a bad connection"
 */
export function evaluateMeasurements(
  session: Session,
  members: readonly Member[],
  established: readonly Member[],
): { readonly failures: Failures; readonly hostCandidates: readonly string[] } {
  const peers = [...established, ...members];
  const late = new Set(members.filter((member) => !hasReported(session, member, peers)));
  const measured = measuredBy(members);
  const groups = groupsOf(members);
  const onTime = groups.filter((group) => !group.some((member) => late.has(member)));

  const toPeer = judge(measured, peerRequirement(session));
  const between: Judge = (a, b) => [...toPeer(a, b), ...toPeer(b, a)];
  const admitted = admit(onTime, established, between);
  const host = chooseHost(session, admitted, established, measured);

  const failures = new Map(host.failures);
  for (const group of groups) {
    if (admitted.includes(group)) continue;
    // A measurement missing from a late member does not count against others.
    const others = [...established, ...admitted.flat(), ...group].filter((one) => !late.has(one));
    for (const member of group) {
      const problems = late.has(member)
        ? ['timeout' as const]
        : others.flatMap((other) => between(member, other));
      failures.set(member.index, foremost(problems));
    }
  }
  return { failures, hostCandidates: host.candidates };
}

type Group = readonly Member[];

/** Members in groups that pass or fail together, because one named the other. */
export function groupsOf(members: readonly Member[]): readonly Group[] {
  return members.reduce<readonly Group[]>((groups, member) => {
    const isBound = (group: Group): boolean =>
      group.some((other) => names(other, member) || names(member, other));
    const apart = groups.filter((group) => !isBound(group));
    return [...apart, [...groups.filter(isBound).flat(), member]];
  }, []);
}

function names({ properties }: Member, { index }: Member): boolean {
  return properties.system.initializationGroup?.includes(index) === true;
}

/**
 * The largest admitted set: groups that fit each other and the established members, so that no
 * group left out would fit too.
 */
function admit(
  groups: readonly Group[],
  established: readonly Member[],
  between: Judge,
): readonly Group[] {
  const members = groups.flat();
  const badConnections = (member: Member): number =>
    members.filter((other) => between(member, other).length > 0).length;
  const ranked = groups
    .map((group) => ({
      group,
      bad: sum(group.map(badConnections)),
      first: Math.min(...group.map(({ index }) => index)),
    }))
    .sort((a, b) => a.bad - b.bad || a.first - b.first);
  const admitted: Group[] = [];
  for (const { group } of ranked) {
    const others = [...established, ...admitted.flat(), ...group];
    const fits = group.every((a) => others.every((b) => between(a, b).length === 0));
    if (fits) admitted.push(group);
  }
  return admitted;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

/** The first of the precedence; a member without a problem of its own fails with its group. */
function foremost(problems: readonly InitializationFailure[]): InitializationFailure {
  return initializationFailures.find((failure) => problems.includes(failure)) ?? 'group';
}

/** What a connection must reach, in the enabled metrics. */
type Requirement = readonly {
  readonly metric: Exclude<keyof Measurement, 'custom'>;
  readonly failure: InitializationFailure;
  readonly holds: (value: number) => boolean;
}[];

function peerRequirement({ constants: { system } }: Session): Requirement {
  const required = system.peerToPeerRequirements;
  if (required === undefined) return [];
  const { latencyMaximum, bandwidthMinimum } = required;
  return requirement(system, latencyMaximum, bandwidthMinimum, bandwidthMinimum);
}

function hostRequirement({ constants: { system } }: Session): Requirement {
  const required = system.peerToHostRequirements;
  if (required === undefined) return [];
  const { latencyMaximum, bandwidthDownMinimum, bandwidthUpMinimum } = required;
  return requirement(system, latencyMaximum, bandwidthDownMinimum, bandwidthUpMinimum);
}

function requirement(
  { metrics }: ConstantsSystem,
  latencyMaximum: number,
  bandwidthDownMinimum: number,
  bandwidthUpMinimum: number,
): Requirement {
  const all: Requirement = [
    { metric: 'latency', failure: 'latency', holds: (value) => value <= latencyMaximum },
    {
      metric: 'bandwidthDown',
      failure: 'bandwidthdown',
      holds: (value) => value >= bandwidthDownMinimum,
    },
    {
      metric: 'bandwidthUp',
      failure: 'bandwidthup',
      holds: (value) => value >= bandwidthUpMinimum,
    },
  ];
  return all.filter(({ metric }) => metrics?.[metric] === true);
}

/** By member, its measurement of each device token. A member without an entry does not measure. */
type MeasurementTable = ReadonlyMap<Member, ReadonlyMap<string, Measurement>>;

function measuredBy(members: readonly Member[]): MeasurementTable {
  return new Map(
    members.map((member) => [
      member,
      new Map(lowerCaseEntries(member.properties.system.measurements)),
    ]),
  );
}

/** The problems of a connection as its first member measured it. */
type Judge = (from: Member, to: Member) => readonly InitializationFailure[];

function judge(measured: MeasurementTable, requirement: Requirement): Judge {
  return (from, { deviceToken }) => {
    const reported = measured.get(from);
    // Users of one device share its token: there is no connection between them.
    const isNear = deviceToken !== undefined && from.deviceToken === deviceToken;
    if (reported === undefined || isNear) return [];
    const measurement = reported.get(deviceToken ?? '') ?? {};
    return requirement.flatMap(({ metric, failure, holds }) => {
      const value = measurement[metric];
      return value === undefined ? 'network' : holds(value) ? [] : failure;
    });
  };
}

/** The admitted members that fail at the host, and who may be host for all others. */
function chooseHost(
  session: Session,
  admitted: readonly Group[],
  established: readonly Member[],
  measured: MeasurementTable,
): { readonly failures: Failures; readonly candidates: readonly string[] } {
  const required = session.constants.system.peerToHostRequirements;
  const members = admitted.flat();
  if (required === undefined || members.length === 0)
    return { failures: new Map(), candidates: [] };
  const toHost = judge(measured, hostRequirement(session));
  const possible = [...established, ...members].filter(
    ({ deviceToken }) => deviceToken !== undefined,
  );
  const known = possible.filter(
    ({ deviceToken }) => deviceToken === session.properties.system.host,
  );
  const hosts = (known.length > 0 ? known : possible).map((host) => {
    const passing = admitted.filter((group) => group.every((one) => !toHost(one, host).length));
    const isIn = established.includes(host) || passing.flat().includes(host);
    return { host, passing: isIn ? passing.flat() : [] };
  });
  const costTo = costBy(required.hostSelectionMetric, measured);
  const [best] = hosts.toSorted(
    (a, b) =>
      b.passing.length - a.passing.length ||
      compare(costTo(a.host, a.passing), costTo(b.host, b.passing)),
  );
  const passing = best?.passing ?? [];
  const failing = members.filter((member) => !passing.includes(member));
  const candidates = hosts
    .filter((one) => passing.length > 0 && passing.every((member) => one.passing.includes(member)))
    .map(({ host }) => ({ host, cost: costTo(host, passing) }))
    .sort((a, b) => compare(a.cost, b.cost));
  return {
    failures: new Map(
      failing.map((member) => [member.index, foremost(best ? toHost(member, best.host) : [])]),
    ),
    candidates: [...new Set(tokensOf(candidates.map(({ host }) => host)))],
  };
}

/** The cost of the worst connection to a host, by the selection metric; lower is better. */
function costBy(metric: string, measured: MeasurementTable) {
  return (host: Member, members: readonly Member[]): number => {
    const distant = members.filter(({ deviceToken }) => deviceToken !== host.deviceToken);
    const costs = distant.map((member) => {
      const { latency, bandwidthDown, bandwidthUp } =
        measured.get(member)?.get(host.deviceToken ?? '') ?? {};
      switch (metric) {
        case 'bandwidthdown':
          return -(bandwidthDown ?? 0);
        case 'bandwidthup':
          return -(bandwidthUp ?? 0);
        case 'bandwidth':
          return -((bandwidthDown ?? 0) + (bandwidthUp ?? 0));
        default:
          return latency ?? Infinity;
      }
    });
    return Math.max(...costs);
  };
}

/** Costs may be infinite, so subtraction would fail. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
