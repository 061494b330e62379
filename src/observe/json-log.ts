import { pino } from 'pino';
import type { Caller } from '../domain/caller.ts';
import type { Milliseconds } from '../domain/time.ts';
import { parseLogText } from '../platform/log-level.ts';
import { describeChange } from './describe-change.ts';
import type { ObservedEvent, RequestEnded } from './events.ts';
import { isNoise } from './noise.ts';
import { targetWithoutSecrets } from './secrets.ts';
import { closeTexts } from './text-log.ts';

/** A log of JSON lines: events, and warnings of the server. */
export type JsonLog = {
  observe(event: ObservedEvent): void;
  /** A fault or a warning of the server, or the end of one: its beginning says the level. */
  warn(line: string): void;
};

/**
 * Writes each event as a line of JSON with level, time (ISO 8601, by `nowMs`), the event and its facts.
 */
export function openJsonLog(write: (line: string) => void, nowMs: () => Milliseconds): JsonLog {
  const log = pino(
    {
      base: null,
      timestamp: () => `,"time":"${new Date(nowMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  return {
    observe(event) {
      const facts = factsOf(event);
      if (facts === undefined) return;
      const level = event.kind === 'request' && event.status >= 500 ? 'warn' : 'info';
      log[level]({ event: event.kind, ...facts });
    },
    warn(line) {
      const { level, text } = parseLogText(line);
      log[level](text);
    },
  };
}

/** What a line says of an event; undefined where it has none. */
function factsOf(event: ObservedEvent): Readonly<Record<string, unknown>> | undefined {
  switch (event.kind) {
    case 'request':
      return isNoise(event) ? undefined : requestFacts(event);
    case 'connectionOpened': {
      const { connection, caller, requestId } = event;
      return { connection, caller: viewCaller(caller), requestId };
    }
    case 'connectionClosed': {
      const { connection, xuid, why } = event;
      return { connection, xuid, why, msg: closeTexts[why] };
    }
    case 'subscription': {
      const { change, connection, xuid, resource, code } = event;
      return { change, connection, xuid, resource, code };
    }
    case 'tapsSent': {
      const { connection, xuid } = event;
      const taps = event.taps.map(({ resource, changeNumber }) => ({
        session: resource,
        changeNumber,
      }));
      return { connection, xuid, taps };
    }
    case 'resyncSent': {
      const { connection, xuid } = event;
      return { connection, xuid };
    }
    case 'committed': {
      const { key, cause, change } = event;
      if (cause.kind === 'request') return undefined;
      const { branch, changeNumber } = change.next ?? {};
      const msg = describeChange(change, String);
      return { session: key, branch, changeNumber, cause, msg };
    }
    case 'sweep': {
      const { sessionsCount, invitesCount, durationMs, isFailed } = event;
      if (sessionsCount === 0 && invitesCount === 0 && !isFailed) return undefined;
      return { sessionsCount, invitesCount, durationMs: rounded(durationMs), isFailed };
    }
    case 'clockMoved':
      return { fromMs: event.atMs, toMs: event.toMs };
    case 'ticket': {
      const { change, hopper, ticketId, waitedMs } = event;
      return { change, hopper, ticketId, waitedMs };
    }
    case 'match': {
      const { hopper, ticketIds, playersCount, target } = event;
      return { hopper, ticketIds, playersCount, session: target };
    }
    // The log has the request that asked for it.
    case 'clockFrozen':
    case 'frame':
    case 'handlesCommitted':
    case 'conflict':
    case 'storeCalled':
    case 'groupCommitted':
    case 'busPublished':
    case 'hopperWorked':
      return undefined;
  }
}

function requestFacts(event: RequestEnded): Readonly<Record<string, unknown>> {
  const { id, method, target, route, status, caller, address, refusal, fault } = event;
  return {
    id,
    method,
    target: targetWithoutSecrets(target),
    route,
    status,
    durationMs: rounded(event.durationMs),
    caller: viewCaller(caller),
    address,
    refusal: refusal && { code: refusal.code, text: refusal.text, detail: refusal.detail },
    fault: fault instanceof Error ? fault.message : fault && String(fault),
  };
}

function viewCaller(caller: Caller | undefined): Readonly<Record<string, unknown>> | undefined {
  if (caller === undefined) return undefined;
  if (caller.kind === 'service') return { service: caller.name, titleId: caller.titleId };
  const { xuid, gamertag, titleId } = caller;
  return { xuid, gamertag, titleId };
}

/** To microseconds: more digits say nothing. */
function rounded(durationMs: number): number {
  return Math.round(durationMs * 1_000) / 1_000;
}
