/**
 * The log for people: one line for each request, and for what happens without one.
 *
 *     12:04:31.123  PUT     201  deathmatch/room-1            Ada            1.2 ms
 *     12:04:31.140  PUT     412  deathmatch/room-1            Ben            0.8 ms  etagDiffers  The session …
 *     12:04:31.190  RTA     tap  deathmatch/room-1 #4         Ada
 *     12:04:58.000  TIMER        deathmatch/room-1 #5         Ben active → inactive
 */

import type { Cause } from '../domain/cause.ts';
import type { Caller } from '../domain/caller.ts';
import type { Xuid } from '../domain/ids.ts';
import { formatPrintable } from '../domain/printable-text.ts';
import { formatTime, type Milliseconds } from '../domain/time.ts';
import { describeChange, type NameOfUser } from './describe-change.ts';
import type { CloseReason, ObservedEvent, RequestEnded } from './events.ts';
import { isNoise } from './noise.ts';
import { shortKey, shortSegment, shortTarget } from './short-target.ts';

/** How a part of a line looks; without colours each is the text itself. */
type Style = (text: string) => string;
export type Styles = Readonly<
  Record<'dim' | 'bold' | 'good' | 'other' | 'refused' | 'failed' | 'live' | 'time', Style>
>;

const asIs: Style = (text) => text;
const sgr =
  (code: string): Style =>
  (text) =>
    text === '' ? text : `\u001b[${code}m${text}\u001b[0m`;

/** Lines without colours. */
export const plainStyles: Styles = {
  dim: asIs,
  bold: asIs,
  good: asIs,
  other: asIs,
  refused: asIs,
  failed: asIs,
  live: asIs,
  time: asIs,
};

/** Lines with the sixteen colours that every terminal has, so that its theme decides. */
export const colourStyles: Styles = {
  dim: sgr('2'),
  bold: sgr('1'),
  good: sgr('32'),
  other: sgr('36'),
  refused: sgr('33'),
  failed: sgr('1;31'),
  live: sgr('35'),
  time: sgr('34'),
};

export type TextLogSettings = {
  readonly styles: Styles;
  /** The time of day of a line. */
  readonly nowMs: () => Milliseconds;
};

/** Gives the line of an event, with its line break; undefined where it has none. */
export type FormatEvent = (event: ObservedEvent) => string | undefined;

/** Users whose gamertags are remembered, so that lines of connections can name them. */
const namesMax = 10_000;

const verbWidth = 7;
const statusWidth = 4;
const placeWidth = 36;
const whoWidth = 15;
const durationWidth = 8;

/** Formats events as lines for people. */
export function openTextLog({ styles, nowMs }: TextLogSettings): FormatEvent {
  const names = new Map<Xuid, string>();
  const nameOf: NameOfUser = (xuid) => names.get(xuid) ?? xuid;
  const note = (caller: Caller | undefined): void => {
    if (caller?.kind !== 'user' || caller.gamertag === undefined) return;
    if (names.size >= namesMax) names.clear();
    names.set(caller.xuid, caller.gamertag);
  };
  const clock = openTimeOfDay();
  const { dim, bold, good, other, refused, failed, live, time } = styles;

  /** One line of columns; the last one may be as long as it likes. */
  const line = (verb: string, status: string, place: string, who: string, rest = ''): string => {
    const columns = `${dim(clock(nowMs()))}  ${verb} ${status} ${place} ${who}`;
    return `${rest === '' ? columns.trimEnd() : `${columns} ${rest}`}\n`;
  };
  const liveLine = (what: string, place: string, xuid: Xuid, rest?: string): string =>
    line(
      live(pad('RTA', verbWidth)),
      live(pad(what, statusWidth)),
      pad(shown(place), placeWidth),
      pad(shown(nameOf(xuid), whoWidth), whoWidth),
      rest,
    );
  const timeLine = (verb: string, place: string, what: string): string =>
    line(
      time(pad(verb, verbWidth)),
      pad('', statusWidth),
      pad(shown(place), placeWidth),
      shown(what),
    );

  const requestLine = (event: RequestEnded): string | undefined => {
    note(event.caller);
    if (isNoise(event)) return undefined;
    const { status, refusal } = event;
    const look = status >= 500 ? failed : status >= 400 ? refused : status >= 300 ? other : good;
    const { caller } = event;
    const columns = [
      bold(pad(shown(event.method, 10) || '?', verbWidth)),
      look(pad(String(status), statusWidth)),
      pad(shown(shortTarget(event.target)), placeWidth),
      pad(shown(callerName(caller), whoWidth), whoWidth),
      dim(formatDuration(event.durationMs).padStart(durationWidth)),
    ] as const;
    const [verb, number, place, who, duration] = columns;
    if (refusal === undefined && event.fault === undefined) {
      return line(verb, number, place, who, duration);
    }
    const code = refusal?.code ?? (status === 503 ? 'outage' : 'fault');
    const sentence = shown(refusal?.text ?? '', 300);
    const detail = shown(refusal?.detail ?? '', 100);
    // Most sentences name the place themselves.
    const at = detail === '' || sentence.includes(detail) ? '' : dim(` (${detail})`);
    return line(verb, number, place, who, `${duration}  ${look(code)}${at}  ${sentence}`.trimEnd());
  };

  return (event) => {
    switch (event.kind) {
      case 'request':
        return requestLine(event);
      case 'connectionOpened': {
        note(event.caller);
        return liveLine('open', `connection ${shortSegment(event.connection)}`, event.caller.xuid);
      }
      case 'connectionClosed': {
        const place = `connection ${shortSegment(event.connection)}`;
        return liveLine('end', place, event.xuid, dim(closeTexts[event.why]));
      }
      case 'subscription': {
        const { change, resource = 'an unknown subscription', code, xuid } = event;
        if (change === 'refused') {
          const why = subscribeTexts[code] ?? `refused with code ${code}`;
          return liveLine('no', resource, xuid, refused(why));
        }
        return liveLine(change === 'subscribed' ? 'sub' : 'uns', resource, xuid);
      }
      case 'tapsSent': {
        const places = event.taps.map(({ resource, changeNumber }) =>
          placeOf(resource, changeNumber),
        );
        const [first = '', ...more] = places;
        const rest = more.length === 0 ? '' : dim(`and ${more.length} more`);
        return liveLine('tap', first, event.xuid, rest);
      }
      case 'resyncSent':
        return liveLine('sync', 'may have missed something', event.xuid);
      case 'committed': {
        const { cause, change, key } = event;
        // What a request changed is said by its own line.
        if (cause.kind === 'request') return undefined;
        const place = placeOf(key, change.next?.changeNumber);
        const what = `${describeChange(change, nameOf)}${reasonOf(cause)}`;
        return timeLine(causeVerbs[cause.kind], place, what);
      }
      case 'sweep': {
        if (event.invitesCount === 0 && !event.isFailed) return undefined;
        const what = `${event.invitesCount} invites have expired`;
        return timeLine('SWEEP', event.isFailed ? 'a part of it failed' : '', what);
      }
      case 'clockMoved':
        return timeLine(
          'CLOCK',
          formatMove(event.toMs - event.atMs),
          formatTime(event.toMs).slice(0, 19),
        );
      case 'ticket': {
        const { hopper, ticketId, change, waitedMs } = event;
        const waited = change === 'created' ? '' : ` after ${formatDuration(waitedMs)}`;
        return timeLine('TICKET', hopper, `${shortSegment(ticketId)} ${change}${waited}`);
      }
      case 'match': {
        const { hopper, ticketIds, playersCount, target } = event;
        const what = `${playersCount} players of ${ticketIds.length} tickets meet in ${shortKey(target)}`;
        return timeLine('MATCH', hopper, what);
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
  };
}

const causeVerbs: Readonly<Record<Exclude<Cause['kind'], 'request'>, string>> = {
  timer: 'TIMER',
  disconnect: 'LOST',
  match: 'MATCH',
  admin: 'ADMIN',
};

/** Who did it and why, where an operator did. */
function reasonOf(cause: Cause): string {
  if (cause.kind !== 'admin') return '';
  return cause.reason === undefined ? `, by ${cause.by}` : `, by ${cause.by}: ${cause.reason}`;
}

/** Why a connection ended, in words. */
export const closeTexts: Readonly<Record<CloseReason, string>> = {
  closed: 'closed by the client',
  lost: 'lost: the network or the client failed',
  malformed: 'sent what is no frame',
  silent: 'was silent for too long',
  slow: 'does not read what it is sent',
  old: 'has reached the greatest age',
  dropped: 'dropped by an operator or a test',
  serverEnds: 'this server ends',
};

/** Why a subscribe was refused, by the code of its answer. @source docs/wire/rta.md "Frames" */
const subscribeTexts: Readonly<Record<number, string>> = {
  1: 'no such resource',
  2: 'too many subscriptions',
  3: 'belongs to another user',
  1002: 'not now',
};

function placeOf(key: string, changeNumber: number | undefined): string {
  return changeNumber === undefined ? shortKey(key) : `${shortKey(key)} #${changeNumber}`;
}

function callerName(caller: Caller | undefined): string {
  if (caller === undefined) return '-';
  return caller.kind === 'user' ? (caller.gamertag ?? caller.xuid) : caller.name;
}

/** `0.8 ms`, `12 ms`, `1.2 s`, `3 min`, `24 h`. */
export function formatDuration(durationMs: Milliseconds): string {
  if (durationMs < 9.95) return `${durationMs.toFixed(1)} ms`;
  if (durationMs < 999.5) return `${durationMs.toFixed(0)} ms`;
  if (durationMs < 99_500) return `${(durationMs / 1_000).toFixed(1)} s`;
  if (durationMs < 5_970_000) return `${(durationMs / 60_000).toFixed(0)} min`;
  return `${(durationMs / 3_600_000).toFixed(0)} h`;
}

function formatMove(byMs: Milliseconds): string {
  return `${byMs < 0 ? 'back' : 'on'} by ${formatDuration(Math.abs(byMs))}`;
}

/** The local time of day, `12:04:31.123`; the part to the second is made once a second. */
function openTimeOfDay(): (nowMs: Milliseconds) => string {
  let second = Number.NaN;
  let text = '';
  return (nowMs) => {
    const ofNow = Math.floor(nowMs / 1_000);
    if (ofNow !== second) {
      const date = new Date(nowMs);
      const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
      text = parts.map((part) => String(part).padStart(2, '0')).join(':');
      second = ofNow;
    }
    return `${text}.${String(Math.floor(nowMs) - second * 1_000).padStart(3, '0')}`;
  };
}

/** Characters of a part of a line that come from outside. */
const shownMax = 100;

/**
 * Text from outside as it may be shown: no line breaks, no commands to the terminal, and cut to
 * `charactersMax`.
 */
function shown(text: string, charactersMax: number = shownMax): string {
  const cut =
    text.length <= charactersMax ? text : `${text.slice(0, charactersMax - 1).toWellFormed()}…`;
  return formatPrintable(cut);
}

function pad(text: string, width: number): string {
  return text.padEnd(width);
}
