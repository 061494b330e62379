/** What the page knows of the server, kept new by its stream of events. */

import { batch, signal } from '@preact/signals';
import type {
  ActivityList,
  ActivityRow,
  InspectorInfo,
  LiveEvent,
  SessionList,
  SessionRow,
  UserList,
} from '../api-types.ts';
import { ApiRefusal, ask, askJson, needsToken, queryOf } from './api.ts';
import { readEvents } from './event-stream.ts';
import { hearName } from './names.ts';
import { inTimeOrder } from './time-order.ts';

export type LinkState = 'connecting' | 'live' | 'lost';

/** How many rows of the log the page keeps, and how many sessions it holds at once. */
const rowsMax = 2_000;
export const sessionsMax = 20_000;
const pageOfSessions = 1_000;

export const info = signal<InspectorInfo | undefined>(undefined);
export const link = signal<LinkState>('connecting');
/** Why the stream ended, or what the server said instead. */
export const linkProblem = signal<string | undefined>(undefined);
/** Rises when events were lost: what was read before has to be read again. */
export const readAgain = signal(0);

/** Rows of the log, the newest last; a new array when there are new ones. */
export const activity = signal<readonly ActivityRow[]>([]);
/** Rises at most once in a frame, when a session has changed. */
export const sessionsVersion = signal(0);
export const sessions = new Map<string, SessionRow>();
/** The number of sessions on the server, and whether `sessions` holds all of them. */
export const sessionsTotal = signal(0);
export const sessionsLoaded = signal(false);
/** By key of a session: the local time of its last change, so that a row can light up. */
export const changedAt = new Map<string, number>();

type Listener = (event: LiveEvent) => void;
const listeners = new Set<Listener>();

/** Calls `listener` with each event, until the function that comes back is called. */
export function onEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The server's clock minus that of this machine, by the last event that named it. */
let clockOffsetMs = 0;
let frozenMs: number | undefined;
/** Rises each half second: what shows a time reads it. */
export const tick = signal(0);

/** Now, by the server's clock. */
export function nowMs(): number {
  return frozenMs ?? Date.now() + clockOffsetMs;
}

function setClock({ nowMs: serverMs, isFrozen }: InspectorInfo['clock']): void {
  clockOffsetMs = serverMs - Date.now();
  frozenMs = isFrozen ? serverMs : undefined;
  const known = info.value;
  if (known !== undefined) info.value = { ...known, clock: { nowMs: serverMs, isFrozen } };
  tick.value += 1;
}

/** An event that was late made the clock of the page late: no event comes before it happens. */
const lateMsMax = 10_000;

function noteTime(atMs: number): void {
  const lateMs = atMs - nowMs();
  // More is a clock that was moved meanwhile, which is said by an event of its own.
  if (frozenMs === undefined && lateMs > 0 && lateMs < lateMsMax) clockOffsetMs += lateMs;
}

let waiting: LiveEvent[] = [];
let isFramePlanned = false;

function take(event: LiveEvent): void {
  waiting.push(event);
  if (isFramePlanned) return;
  isFramePlanned = true;
  // A hidden tab has no frames; its events must not pile up.
  if (document.hidden) setTimeout(applyWaiting, 250);
  else requestAnimationFrame(applyWaiting);
}

/** All events of one frame at once, so that a busy server costs one rendering. */
function applyWaiting(): void {
  isFramePlanned = false;
  const events = waiting;
  waiting = [];
  batch(() => {
    const rows: ActivityRow[] = [];
    let isSessionChanged = false;
    for (const event of events) {
      switch (event.kind) {
        case 'hello':
          info.value = event.info;
          sessionsTotal.value = event.info.counts.sessions;
          setClock(event.info.clock);
          break;
        case 'session':
          if (!sessions.has(event.row.key)) sessionsTotal.value += 1;
          putSession(event.row);
          changedAt.set(event.row.key, performance.now());
          isSessionChanged = true;
          break;
        case 'sessionGone':
          if (sessions.delete(event.key)) {
            sessionsTotal.value = Math.max(0, sessionsTotal.value - 1);
          }
          changedAt.delete(event.key);
          isSessionChanged = true;
          break;
        case 'activity':
          noteTime(event.row.atMs);
          rows.push(event.row);
          break;
        case 'clock':
          setClock(event.clock);
          break;
        case 'skipped':
          readAgain.value += 1;
          void loadAll();
          break;
        case 'connection':
        case 'connectionGone':
        case 'hopper':
          break;
      }
      for (const listener of listeners) listener(event);
    }
    if (rows.length > 0) addRows(rows);
    if (isSessionChanged) sessionsVersion.value += 1;
  });
}

function putSession(row: SessionRow): void {
  sessions.set(row.key, row);
  for (const person of row.people) hearName(person, 'session');
}

/** Of the newest row of all. */
let lastNumber = -1;

function setRows(rows: readonly ActivityRow[]): void {
  lastNumber = rows.reduce((most, { number }) => Math.max(most, number), -1);
  activity.value = inTimeOrder(rows).slice(-rowsMax);
}

function addRows(rows: readonly ActivityRow[]): void {
  const fresh = rows.filter((row) => row.number > lastNumber);
  if (fresh.length === 0) return;
  hearCallers(fresh);
  setRows([...activity.value, ...fresh]);
}

/** Of each user the newest name alone. */
function hearCallers(rows: readonly ActivityRow[]): void {
  const newest = new Map(rows.map(({ caller }) => [caller?.xuid, caller]));
  for (const caller of newest.values()) if (caller !== undefined) hearName(caller, 'request');
}

/** A read of the lists that began before this one has to give way. */
let loadCount = 0;

/** Reads what the page shows of the past: the log, and the sessions. */
async function loadAll(): Promise<void> {
  loadCount += 1;
  await Promise.all([loadLog(loadCount), loadSessions(loadCount), loadNames()]);
}

async function loadLog(mine: number): Promise<void> {
  try {
    const log = await askJson<ActivityList>(`/requests${queryOf({ take: rowsMax })}`);
    if (mine !== loadCount) return;
    hearCallers(log.rows);
    setRows(log.rows);
  } catch (error) {
    linkProblem.value = textOf(error);
  }
}

/** Of users who are neither in the log nor in a session that is loaded. */
async function loadNames(): Promise<void> {
  try {
    const { users } = await askJson<UserList>(`/users${queryOf({ take: pageOfSessions })}`);
    for (const user of users) hearName(user, 'session');
  } catch (error) {
    linkProblem.value = textOf(error);
  }
}

/** A thousand at a time. */
async function loadSessions(mine: number): Promise<void> {
  try {
    const seen = new Set<string>();
    for (let skip = 0; skip < sessionsMax; skip += pageOfSessions) {
      const page = await askJson<SessionList>(
        `/sessions${queryOf({ skip, take: pageOfSessions, order: 'name' })}`,
      );
      if (mine !== loadCount) return;
      batch(() => {
        for (const row of page.sessions) {
          seen.add(row.key);
          const known = sessions.get(row.key);
          const isOlder = known?.branch === row.branch && known.changeNumber > row.changeNumber;
          if (!isOlder) putSession(row);
        }
        sessionsTotal.value = page.totalCount;
        sessionsVersion.value += 1;
      });
      if (page.sessions.length < pageOfSessions) break;
    }
    batch(() => {
      for (const key of sessions.keys()) {
        if (!seen.has(key) && !changedAt.has(key)) sessions.delete(key);
      }
      sessionsLoaded.value = true;
      sessionsVersion.value += 1;
    });
  } catch (error) {
    linkProblem.value = textOf(error);
  }
}

/** What an error says, for people. */
export function textOf(error: unknown): string {
  if (error instanceof ApiRefusal) return error.message;
  if (error instanceof TypeError) return 'The server does not answer.';
  return error instanceof Error ? error.message : String(error);
}

/** A connection that comes back within this time is not shown as lost. */
const lostAfterMs = 1_500;
let lostTimer: ReturnType<typeof setTimeout> | undefined;

function noteHeard(): void {
  clearTimeout(lostTimer);
  lostTimer = undefined;
  link.value = 'live';
  linkProblem.value = undefined;
}

function noteEnd(): void {
  lostTimer ??= setTimeout(() => {
    link.value = info.value === undefined ? 'connecting' : 'lost';
  }, lostAfterMs);
}

const waitMinMs = 400;
const waitMaxMs = 5_000;

/** Follows the server for as long as the page is open, and connects again after each end. */
export async function followServer(): Promise<never> {
  let waitMs = waitMinMs;
  let isFirst = true;
  setInterval(() => {
    tick.value += 1;
  }, 500);
  for (;;) {
    try {
      const answer = await ask('/stream');
      if (answer.body === null) throw new TypeError('no body');
      let isHeard = false;
      for await (const event of readEvents<LiveEvent>(answer.body)) {
        if (!isHeard) {
          isHeard = true;
          waitMs = waitMinMs;
          noteHeard();
          if (!isFirst) readAgain.value += 1;
          isFirst = false;
          void loadAll();
        }
        take(event);
      }
      linkProblem.value = 'The server has ended the stream.';
    } catch (error) {
      linkProblem.value = textOf(error);
    }
    noteEnd();
    await untilNextTry(waitMs);
    waitMs = Math.min(waitMs * 2, waitMaxMs);
  }
}

/** Waits a time; while a token is wanted, until somebody gives one. */
async function untilNextTry(waitMs: number): Promise<void> {
  if (!needsToken.value) {
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    return;
  }
  await new Promise<void>((resolve) => {
    const end = needsToken.subscribe((isNeeded) => {
      if (isNeeded) return;
      resolve();
      queueMicrotask(() => end());
    });
  });
}
