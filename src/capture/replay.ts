/**
 * Plays a capture against a server, one step after the other, and says where the server answers
 * otherwise.
 *
 *   calls, frames of clients ─▶ steps in the order of time ─▶ translated ─▶ sent
 *                                answers, frames of the server ◀─ compared ◀─┘
 */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatDevelopmentToken } from '../auth/development-token.ts';
import { serviceOf } from '../domain/calls/service.ts';
import { isGuid } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';
import {
  type Capture,
  type CapturedCall,
  type CapturedFrame,
  type CapturedHeader,
  headerOf,
} from './capture.ts';
import { type CapturedUser, usersOf } from './captured-users.ts';
import { compareAnswers, type Difference } from './compare.ts';
import { ReplayFrames } from './replay-frames.ts';
import { CannotSend, ReplayLine, sendRequest } from './replay-line.ts';
import { Translation } from './translation.ts';

/** How time passes between steps: the clock of the server is moved, real time passes, or none does. */
export type Pace = 'clock' | 'recorded' | 'none';

export type ReplayOptions = {
  readonly url: string;
  /** Undefined: the clock where the server can be controlled and the capture does not do so itself. */
  readonly pace?: Pace | undefined;
  /** Values of `Authorization` by xuid, for servers that take no development tokens. */
  readonly authorizations?: ReadonlyMap<string, string>;
  /** How long a frame may take that is due. */
  readonly patienceMs: Milliseconds;
  readonly toleranceMs: Milliseconds;
  /** Called before each step with how many are done. */
  readonly progress?: (done: number, stepsCount: number) => void;
  /** Called at each answer of the server. */
  readonly answered?: () => void;
};

/** A call or a socket where the replay went otherwise. */
export type DifferentCall = {
  readonly call: CapturedCall;
  readonly differences: readonly Difference[];
  /** Why it may be so: sentences. */
  readonly reasons: readonly string[];
};

export type ReplayReport = {
  readonly pace: Pace;
  readonly callsCount: number;
  readonly socketsCount: number;
  /** Of the server, in the capture. */
  readonly framesCount: number;
  readonly different: readonly DifferentCall[];
  /** Calls that are not for a server of this kind, by host. */
  readonly leftOut: ReadonlyMap<string, number>;
};

type Step =
  | { readonly kind: 'call'; readonly atMs: Milliseconds; readonly call: CapturedCall }
  | {
      readonly kind: 'frame';
      readonly atMs: Milliseconds;
      readonly call: CapturedCall;
      readonly frame: CapturedFrame;
    };

/** Plays `capture`. Throws NoAnswer when nothing answers at the URL, or nothing does any more. */
export async function replay(capture: Capture, options: ReplayOptions): Promise<ReplayReport> {
  const calls = capture.calls.filter(isReplayed);
  const leftOut = new Map<string, number>();
  for (const { url } of capture.calls.filter((call) => !isReplayed(call))) {
    const { host } = new URL(url);
    leftOut.set(host, (leftOut.get(host) ?? 0) + 1);
  }
  const pace = options.pace ?? (await choosePace(calls, options));
  const player = new Player({ ...capture, calls }, { ...options, pace });
  const different = await player.play();
  const sockets = calls.filter(({ frames }) => frames !== undefined);
  return {
    pace,
    callsCount: calls.length - sockets.length,
    socketsCount: sockets.length,
    framesCount: sockets.flatMap(({ frames }) => frames?.filter(isAwaited) ?? []).length,
    different,
    leftOut,
  };
}

/** Services that a login belongs to: its tokens cannot be replayed. */
const loginServices = /^(?:user\.auth|device\.auth|title\.auth|xsts\.auth|sisu|title\.mgt)$/;

function isReplayed({ url }: CapturedCall): boolean {
  const { host, pathname } = new URL(url);
  const service = serviceOf(host, pathname);
  return (service !== '' && !loginServices.test(service)) || pathname.startsWith('/control');
}

function isAwaited({ from, kind }: CapturedFrame): boolean {
  return from === 'server' && kind === 'text';
}

async function choosePace(calls: readonly CapturedCall[], server: ReplayedServer): Promise<Pace> {
  const isControlled = calls.some(({ url: one }) => new URL(one).pathname === clockPath);
  if (isControlled) return 'none';
  return (await askControl(server, 'GET', '/control')) ? 'clock' : 'recorded';
}

const clockPath = '/control/clock';

type ReplayedServer = Pick<ReplayOptions, 'url' | 'answered'>;

/** True when the control API of the server did it. */
async function askControl(
  { url, answered }: ReplayedServer,
  method: string,
  path: string,
  body = '',
): Promise<boolean> {
  const { status } = await sendRequest({
    method,
    base: new URL(url),
    target: path,
    headers: [['authorization', 'XBL3.0 x=-;svc=replay']],
    body,
  });
  answered?.();
  return status === 200;
}

/** Headers that belong to the way, to the connection or to the body as it was packed. */
const ownHeaders =
  /^(?:host|connection|content-length|content-encoding|transfer-encoding|accept-encoding|authorization|cookie|upgrade|signature|keep-alive|proxy-.*|sec-websocket-(?:key|version|extensions))$/i;

class Player {
  readonly #capture: Capture;
  readonly #options: ReplayOptions & { readonly pace: Pace };
  readonly #users: ReadonlyMap<CapturedCall, CapturedUser>;
  readonly #translation: Translation;
  readonly #base: URL;
  readonly #startMs: Milliseconds;
  readonly #lines = new Map<CapturedCall, { line: ReplayLine; frames: ReplayFrames }>();
  /** Frames of the server that are still to come, oldest first, of each socket. */
  readonly #awaited = new Map<CapturedCall, CapturedFrame[]>();
  /** Those with taps that had not come in time; nothing that follows depends on them. */
  readonly #late = new Map<CapturedCall, CapturedFrame[]>();
  readonly #different = new Map<
    CapturedCall,
    { differences: Difference[]; reasons: Set<string> }
  >();
  /** Sessions about which something differed, and the call where it began. */
  readonly #strayed = new Map<string, number>();
  readonly #hasTokens: boolean;
  #clockMs: Milliseconds;

  constructor(capture: Capture, options: ReplayOptions & { readonly pace: Pace }) {
    this.#capture = capture;
    this.#options = options;
    this.#users = usersOf(capture);
    this.#base = new URL(options.url);
    this.#startMs = Date.now();
    this.#clockMs = capture.calls[0]?.startMs ?? 0;
    this.#hasTokens = capture.calls.some(
      ({ requestHeaders }) => headerOf(requestHeaders, 'authorization') !== undefined,
    );
    this.#translation = new Translation({
      capturedMs: this.#clockMs,
      replayedMs: this.#startMs,
      toleranceMs: options.toleranceMs,
    });
    for (const id of chosenIdsIn(capture.calls)) this.#translation.set(id, randomUUID());
  }

  async play(): Promise<readonly DifferentCall[]> {
    const { pace } = this.#options;
    if (pace === 'clock') await askControl(this.#options, 'POST', clockPath, '{"freeze":true}');
    try {
      const steps = stepsOf(this.#capture.calls);
      for (const [done, step] of steps.entries()) {
        this.#options.progress?.(done, steps.length);
        await this.#passUntil(step.atMs);
        await this.#hearUntil(step.atMs);
        if (step.kind === 'call') await this.#callOrNote(step.call);
        else await this.#sendFrame(step.call, step.frame);
      }
      const frames = [...this.#awaited.values()].flat();
      for (const { atMs } of frames.toSorted((a, b) => a.atMs - b.atMs)) {
        await this.#passUntil(atMs);
        await this.#hearUntil(atMs);
      }
      for (const call of this.#lines.keys()) await this.#hearLate(call);
    } catch (error) {
      // Why it broke off counts. A server that is gone cannot be left as it was.
      await this.#leave().catch(() => undefined);
      throw error;
    }
    await this.#leave();
    for (const [call, { line, frames }] of this.#lines) {
      hearTaps(line, frames);
      this.#note(call, [...frames.surplus(), ...line.frames.map(surplusOf)]);
    }
    return [...this.#different]
      .toSorted(([a], [b]) => a.number - b.number)
      .map(([call, { differences, reasons }]) => ({ call, differences, reasons: [...reasons] }));
  }

  /** Closes the sockets, and gives the clock back: nobody else is to see that it was ever moved. */
  async #leave(): Promise<void> {
    for (const { line } of this.#lines.values()) await line.close();
    if (this.#options.pace !== 'clock') return;
    const body = `{"freeze":false,"nowMs":${Date.now()}}`;
    await askControl(this.#options, 'POST', clockPath, body);
  }

  /** Lets as much time pass as did in the capture. */
  async #passUntil(atMs: Milliseconds): Promise<void> {
    const { pace } = this.#options;
    const gapMs = Math.floor(atMs - this.#clockMs);
    if (gapMs <= 0) return;
    if (pace === 'recorded') {
      const dueMs = this.#startMs + (atMs - (this.#capture.calls[0]?.startMs ?? atMs));
      if (dueMs > Date.now()) await sleep(dueMs - Date.now());
    }
    if (pace === 'clock') {
      await askControl(this.#options, 'POST', clockPath, `{"advanceMs":${gapMs}}`);
    }
    this.#clockMs += gapMs;
  }

  /** Waits for the frames that had come before `atMs`, and compares them. */
  async #hearUntil(atMs: Milliseconds): Promise<void> {
    for (const [call, awaited] of this.#awaited) {
      const entry = this.#lines.get(call);
      if (entry === undefined) continue;
      for (let frame = awaited[0]; frame !== undefined && frame.atMs <= atMs; frame = awaited[0]) {
        awaited.shift();
        await this.#hear(call, entry, frame);
      }
    }
  }

  async #hear(
    call: CapturedCall,
    { line, frames }: { line: ReplayLine; frames: ReplayFrames },
    captured: CapturedFrame,
  ): Promise<void> {
    if (frames.hasTaps(captured.text)) {
      const haveTapsCome = (): boolean =>
        hearTaps(line, frames) && frames.haveTapsCome(captured.text);
      if (await line.until(haveTapsCome, Math.min(tapPatienceMs, this.#options.patienceMs))) return;
      this.#late.set(call, [...(this.#late.get(call) ?? []), captured]);
      return;
    }
    const find = (): number =>
      hearTaps(line, frames) ? frames.find(captured.text, line.frames) : -1;
    await line.until(() => find() >= 0 || line.isOver, this.#options.patienceMs);
    const found = find();
    if (found < 0) {
      this.#lack(call, captured, line);
      return;
    }
    const present = line.frames[found] ?? '';
    line.take(found);
    this.#note(call, frames.compare(captured.text, present));
  }

  /** The last time to hear late taps: their socket is about to end. */
  async #hearLate(call: CapturedCall): Promise<void> {
    const entry = this.#lines.get(call);
    const late = this.#late.get(call) ?? [];
    this.#late.delete(call);
    if (entry === undefined) return;
    const { line, frames } = entry;
    for (const captured of late) {
      const haveTapsCome = (): boolean =>
        hearTaps(line, frames) && frames.haveTapsCome(captured.text);
      if (await line.until(haveTapsCome, 0)) continue;
      // They may have missed the end of a window, while the clock stands still.
      if (this.#options.pace !== 'recorded') {
        await askControl(this.#options, 'POST', clockPath, `{"advanceMs":${lateTapsMs}}`);
      }
      if (!(await line.until(haveTapsCome, this.#options.patienceMs)))
        this.#lack(call, captured, line);
    }
  }

  #lack(call: CapturedCall, { text }: CapturedFrame, line: ReplayLine): void {
    this.#note(call, [{ where: 'frame', captured: text.slice(0, 200), present: 'nothing' }]);
    if (line.isOver) this.#because(call, 'The socket was over by then.');
  }

  async #sendFrame(call: CapturedCall, frame: CapturedFrame): Promise<void> {
    const entry = this.#lines.get(call);
    if (entry === undefined) return;
    if (frame.kind === 'close') {
      await this.#hearLate(call);
      await entry.line.close();
      return;
    }
    if (entry.line.isOver) {
      this.#note(call, [{ where: 'socket', captured: 'open', present: 'closed by the server' }]);
      return;
    }
    entry.line.send(entry.frames.translate(frame.text));
  }

  async #callOrNote(call: CapturedCall): Promise<void> {
    try {
      await this.#call(call);
    } catch (error) {
      if (!(error instanceof CannotSend)) throw error;
      this.#note(call, [{ where: 'request', captured: 'sent', present: error.message }]);
    }
  }

  async #call(call: CapturedCall): Promise<void> {
    const { host, pathname, search } = new URL(call.url);
    const request = {
      number: call.number,
      method: call.method,
      base: this.#base,
      target: this.#target(pathname, search),
      headers: this.#headers(call, host),
      body:
        pathname === clockPath
          ? this.#clockBody(call.requestBody)
          : this.#translation.body(call.requestBody),
    };
    const captured = {
      status: call.status,
      headers: call.responseHeaders,
      body: call.responseBody,
    };
    if (call.frames !== undefined) {
      const line = await ReplayLine.open(request);
      this.#options.answered?.();
      if (!(line instanceof ReplayLine)) {
        this.#note(call, compareAnswers(captured, line, this.#translation), line.status);
        return;
      }
      this.#lines.set(call, { line, frames: new ReplayFrames(this.#translation) });
      this.#awaited.set(call, call.frames.filter(isAwaited));
      return;
    }
    // No answer came then, and none can be compared now.
    const answer = await sendRequest(request);
    this.#options.answered?.();
    if (call.status === 0) return;
    this.#note(call, compareAnswers(captured, answer, this.#translation), answer.status);
  }

  #target(path: string, query: string): string {
    const segments = path.split('/').map((segment) => {
      const present = this.#translation.whole(decode(segment));
      return present === decode(segment) ? segment : encodeURIComponent(present);
    });
    const parameters = query
      .slice(1)
      .split('&')
      .map((parameter) => {
        const at = parameter.indexOf('=') + 1;
        const present = this.#translation.whole(decode(parameter.slice(at)));
        return present === decode(parameter.slice(at))
          ? parameter
          : `${parameter.slice(0, at)}${encodeURIComponent(present)}`;
      });
    return `${segments.join('/')}${query === '' ? '' : `?${parameters.join('&')}`}`;
  }

  #headers(call: CapturedCall, host: string): readonly CapturedHeader[] {
    const others = call.requestHeaders.flatMap(([name, value]): CapturedHeader[] => {
      if (ownHeaders.test(name)) return [];
      const isEtag = /^if-(?:none-)?match$/i.test(name);
      return [[name, isEtag ? this.#etags(value) : this.#translation.text(value)]];
    });
    const authorization = this.#authorization(call);
    return [
      ...others,
      // The service that is asked, where the server knows it by name.
      ...(/\.xboxlive\.com$/i.test(host) ? [['host', host] as const] : []),
      ...(authorization === undefined ? [] : [['authorization', authorization] as const]),
    ];
  }

  #etags(value: string): string {
    return value
      .split(',')
      .map((one) => this.#translation.whole(one.trim()))
      .join(', ');
  }

  #authorization(call: CapturedCall): string | undefined {
    const captured = headerOf(call.requestHeaders, 'authorization');
    const user = this.#users.get(call);
    // Our own recordings note each caller: without one, the token was refused, or there was none.
    const isRefused = this.#isOwn && call.caller === undefined;
    if (isRefused || (captured === undefined && this.#hasTokens && call.caller === undefined)) {
      return captured;
    }
    const claims = user?.claims ?? {};
    const given = this.#options.authorizations?.get(claims.xid ?? claims.svc ?? '');
    return given ?? `XBL3.0 x=-;${formatDevelopmentToken(claims)}`;
  }

  get #isOwn(): boolean {
    return this.#capture.madeBy.startsWith('OpenMPSD');
  }

  /** A time that the clock is set to is shifted as all times are. */
  #clockBody(body: string): string {
    return body.replace(/("nowMs"\s{0,9}:\s{0,9})(\d{1,16})/, (_, name: string, nowMs: string) => {
      const shiftMs = this.#startMs - (this.#capture.calls[0]?.startMs ?? 0);
      return `${name}${Math.floor(Number(nowMs) + shiftMs)}`;
    });
  }

  #note(call: CapturedCall, differences: readonly Difference[], status?: number): void {
    if (differences.length === 0) return;
    const noted = this.#different.get(call) ?? { differences: [], reasons: new Set<string>() };
    noted.differences.push(...differences);
    this.#different.set(call, noted);
    for (const reason of this.#reasonsOf(call, differences, status)) noted.reasons.add(reason);
  }

  #because(call: CapturedCall, reason: string): void {
    this.#different.get(call)?.reasons.add(reason);
  }

  /** Why a call may have gone otherwise. */
  #reasonsOf(
    call: CapturedCall,
    differences: readonly Difference[],
    status: number | undefined,
  ): readonly string[] {
    const reasons: string[] = [];
    const at = differences.map(({ where }) => where);
    const session = sessionOf(call);
    const since = session === undefined ? undefined : this.#strayed.get(session);
    if (since !== undefined) {
      reasons.push(`Something about this session differs since call ${since}.`);
    } else if (session !== undefined) this.#strayed.set(session, call.number);
    const beside = overlapping(call, this.#capture.calls);
    if (beside.length > 0) {
      reasons.push(
        `In the capture it was on its way together with call ${beside.slice(0, 5).join(', ')}: which came first is not known.`,
      );
    }
    if (call.status === 201 && (status === 200 || status === 412)) reasons.push(thereAlready);
    if (call.status === 429) {
      reasons.push('The captured service had been called too often; this server counts otherwise.');
    }
    if (status === 404 || (status === 403 && call.status < 400)) {
      reasons.push('The server may lack the service config or the template: see serve --config.');
    }
    if (this.#users.get(call)?.isMadeUp === true) {
      reasons.push('Nothing in the capture says who called; the xuid is made up.');
    }
    if (call.status >= 400 && at.some((one) => one.startsWith('body')) && !this.#isOwn) {
      reasons.push('The text of a refusal is each server its own.');
    }
    if (at.some((one) => one.startsWith('body.constants'))) {
      reasons.push('The session template may have other constants.');
    }
    const isLikeTime = differences.some(
      ({ captured, present }) =>
        /^"?\d{4}-\d\d-\d\dT/.test(captured) && /^"?\d{4}-\d\d-\d\dT/.test(present),
    );
    if (isLikeTime) reasons.push('Time passed otherwise than in the capture.');
    return reasons;
  }
}

/** Why what the capture made new is not new now. */
export const thereAlready =
  'It was on the server already. Replay against a server without sessions of its own (openmpsd serve --store memory).';

/** How long a step waits for taps: they may come later. */
const tapPatienceMs: Milliseconds = 300;
/** Longer than the usual window of taps. */
const lateTapsMs: Milliseconds = 3_000;

/** Takes the taps out of what came. Always true. */
function hearTaps(line: ReplayLine, frames: ReplayFrames): true {
  for (let at = line.frames.length - 1; at >= 0; at -= 1) {
    if (frames.hear(line.frames[at] ?? '')) line.take(at);
  }
  return true;
}

function surplusOf(text: string): Difference {
  return { where: 'frame', captured: 'nothing', present: text.slice(0, 200) };
}

/** The session that a call is about, in lower case. */
function sessionOf({ url }: CapturedCall): string | undefined {
  return /\/sessiontemplates\/[^/]+\/sessions\/[^/?]+/i.exec(url)?.[0].toLowerCase();
}

/** The numbers of the calls that were on their way at the same time, and are about as much. */
function overlapping(call: CapturedCall, calls: readonly CapturedCall[]): readonly number[] {
  return calls
    .filter(
      (other) =>
        other !== call &&
        other.frames === undefined &&
        call.frames === undefined &&
        other.startMs < call.endMs &&
        call.startMs < other.endMs,
    )
    .map(({ number }) => number);
}

/**
 * GUIDs that clients chose for sessions and handles, in lower case: another replay on the same server
 * must not meet this one.
 */
function chosenIdsIn(calls: readonly CapturedCall[]): ReadonlySet<string> {
  const ids = calls.flatMap(({ method, url, requestBody }) => {
    const { pathname } = new URL(url);
    const name = /\/sessions\/([^/?]+)/i.exec(pathname)?.[1];
    const isHandle = method === 'POST' && /^\/handles\/?$/i.test(pathname);
    const handle = isHandle ? /"id"\s{0,9}:\s{0,9}"([^"]{36})"/.exec(requestBody)?.[1] : undefined;
    return [name ?? [], handle ?? []].flat();
  });
  return new Set(ids.map((id) => id.toLowerCase()).filter(isGuid));
}

function stepsOf(calls: readonly CapturedCall[]): readonly Step[] {
  const steps = calls.flatMap((call): Step[] => [
    { kind: 'call', atMs: call.startMs, call },
    ...(call.frames ?? [])
      .filter(({ from, kind }) => from === 'client' && (kind === 'text' || kind === 'close'))
      .map((frame): Step => ({ kind: 'frame', atMs: frame.atMs, call, frame })),
  ]);
  return steps.toSorted((a, b) => a.atMs - b.atMs);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
