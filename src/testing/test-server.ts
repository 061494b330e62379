/**
 * A server for the tests of a game: in the process of the test, on a free port, with users to be, a
 * clock to move, faults to cause, and a state to go back to.
 *
 *     await using server = await startServer();
 *     const ada = server.user('Ada');
 *     await ada.client.writeSession(lobby, { members: { me: { properties: { system: { active: true } } } } });
 *     await server.control.advance(60_000);
 */

import { setTimeout as pause } from 'node:timers/promises';
import { tapDelayMsMax } from '../admin/request.ts';
import { MultiplayerService } from '../client/multiplayer-service.ts';
import { causesOf } from '../client/transport.ts';
import {
  CannotStart,
  startServer as startAnyServer,
  type RunningServer,
  type ServerOptions,
} from '../server.ts';
import { copyMemoryStore, openMemoryStore } from '../store/memory/memory-store.ts';
import type { Store } from '../store/store.ts';
import { demoScid, demoTitleId } from './demo.ts';

export { demoScid, demoTitleId };

/**
 * Settings of the server, as `startServer` of `openmpsd` takes them. It always has a memory store, a
 * clock of its own, the control API, and development tokens; taps are not held back to be gathered
 * unless `tapWindowMs` says so.
 */
export type TestServerOptions = Omit<ServerOptions, (typeof fixedOptions)[number]>;

/** What a test server decides by itself. */
const fixedOptions = ['store', 'bus', 'clock', 'control', 'auth', 'data', 'durability'] as const;

/** The whole state of a test server at one moment; only the server that made it can go back to it. */
export type Snapshot = {
  readonly nowMs: number;
  readonly frozen: boolean;
  /** A copy that no server writes to. */
  readonly store: Store;
};

/**
 * A server that is ready for requests. Dispose of it, or close it, when the test ends.
 *
 * Throws CannotStart with every problem of the options.
 */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const problems = fixedOptions
    .filter((name) => (options as ServerOptions)[name] !== undefined)
    .map((name) => `A test server takes no "${name}"; startServer of "openmpsd" does.`);
  if (problems.length > 0) throw new CannotStart(problems);
  const settings = { port: 0, tapWindowMs: 0, ...options, auth: 'dev', control: true } as const;
  const store = openMemoryStore();
  const running = await startAnyServer({ ...settings, store });
  return new TestServer(settings, store, running);
}

export class TestServer implements AsyncDisposable {
  /** Where it is; the same for as long as it runs. */
  readonly url: string;
  /** Moves time and causes faults. */
  readonly control: Control;
  readonly #settings: ServerOptions;
  readonly #users = new Map<string, TestUser>();
  readonly #snapshots = new WeakSet<Snapshot>();
  #store: Store;
  #running: RunningServer;
  readonly #closing = new AbortController();

  constructor(settings: ServerOptions, store: Store, running: RunningServer) {
    this.#settings = settings;
    this.#store = store;
    this.#running = running;
    this.url = running.url;
    this.control = new Control(this.url, this.#closing.signal);
  }

  /**
   * The user of this name: the same one each time. Xuids count from 2533274800000001, in the order in
   * which users are asked for.
   *
   * Throws TypeError for what is no name.
   */
  user(name: string): TestUser {
    requireName(name, 'user');
    const known = this.#users.get(name);
    if (known !== undefined) return known;
    const xuid = String(xuidBase + this.#users.size + 1);
    const claims = { xuid, gtg: name, tid: demoTitleId, did: `device-of-${name}` };
    const user: TestUser = { name, xuid, ...this.#callerOf(claims, xuid) };
    this.#users.set(name, user);
    return user;
  }

  /** A game service: it has a name and no xuid. */
  service(name = 'game-service'): TestCaller {
    requireName(name, 'service');
    return this.#callerOf({ svc: name, tid: demoTitleId });
  }

  /** The state as it is now, to go back to. */
  async snapshot(): Promise<Snapshot> {
    const { nowMs, frozen } = await this.control.clock();
    const snapshot = { nowMs, frozen, store: copyMemoryStore(this.#store) };
    this.#snapshots.add(snapshot);
    return snapshot;
  }

  /**
   * Goes back to an earlier state: sessions, handles, lists of people and time are as they were. Every
   * RTA connection ends, as when a server starts again; clients connect anew to the same address.
   * Refusals and delays that a test has asked for are over.
   *
   * Throws TypeError for anything else than a snapshot of this server, which goes on running, and
   * CannotStart when another program takes the port meanwhile and keeps it.
   */
  async restore(snapshot: Snapshot): Promise<void> {
    if (!this.#snapshots.has(snapshot)) {
      throw new TypeError('restore takes what snapshot() of this server gave.');
    }
    const { nowMs, frozen, store } = snapshot;
    await this.#running.close();
    await this.#startAgain(store);
    if (frozen) await this.control.freeze();
    await this.control.setTime(nowMs);
  }

  /** Ends the server. A later call of its clients fails at once, and their RTA connections are given up. */
  close(): Promise<void> {
    this.#closing.abort(new Error(`The test server ${this.url} is closed.`));
    return this.#running.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** On the same port, with a copy of `store`. Another process may have been given the port for a moment. */
  async #startAgain(store: Store): Promise<void> {
    const port = Number(new URL(this.url).port);
    for (let triesLeft = portTries; ; triesLeft -= 1) {
      this.#store = copyMemoryStore(store);
      try {
        this.#running = await startAnyServer({ ...this.#settings, port, store: this.#store });
        return;
      } catch (error) {
        if (triesLeft === 1 || !isPortTaken(error)) throw error;
        await pause(portTryMs);
      }
    }
  }

  #callerOf(claims: Readonly<Record<string, string>>, xuid?: string): TestCaller {
    const authorization = `XBL3.0 x=-;${new URLSearchParams(claims)}`;
    const client = new MultiplayerService({
      baseUrl: this.url,
      authorization,
      signal: this.#closing.signal,
      ...(xuid !== undefined && { xuid }),
    });
    return { authorization, client };
  }
}

/** Who calls: the value of `Authorization`, and a client that sends it. */
export type TestCaller = {
  readonly authorization: string;
  readonly client: MultiplayerService;
};

export type TestUser = TestCaller & {
  /** Also the gamertag. */
  readonly name: string;
  readonly xuid: string;
};

/** Together some seconds. */
const portTries = 100;
const portTryMs = 50;

function isPortTaken(error: unknown): boolean {
  const cause = error instanceof CannotStart ? error.cause : undefined;
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE';
}

const xuidBase = 2_533_274_800_000_000;

/** What the clock of a server shows. */
export type ClockState = { readonly nowMs: number; readonly frozen: boolean };

/** An open RTA connection; a service has no xuid. */
export type ControlledConnection = {
  readonly id: string;
  readonly xuid?: string;
  readonly taps: { readonly delayMs: number; readonly drop: boolean };
};

/** Which requests to refuse, and with what. */
export type RefusalOrder = {
  /** Of the request, without its query, in any letter case; `*` stands for any text. */
  readonly path: string;
  /** 400 to 599. */
  readonly status: number;
  /** In any letter case. */
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Only requests of this user. */
  readonly user?: Pick<TestUser, 'xuid'>;
  /** For `X-Mpsd-Refusal`. */
  readonly code?: string;
  readonly retryAfterSeconds?: number;
  /** How many requests; 1 when left out. */
  readonly times?: number;
};

/**
 * The control API of a server, as a program uses it. Every method resolves when what it asks for has
 * happened.
 */
export class Control {
  readonly #url: string;
  readonly #signal: AbortSignal | undefined;

  /**
   * The control of the server at `url`, which runs with `--control`. Calls fail with the reason of
   * `signal` once it is aborted.
   *
   * Throws TypeError when `url` is no address of HTTP.
   */
  constructor(url: string, signal?: AbortSignal) {
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
      throw new TypeError(
        `Control takes the URL of a server, such as http://127.0.0.1:8080, not ${url}.`,
      );
    }
    this.#url = url;
    this.#signal = signal;
  }

  /** What the clock shows. */
  async clock(): Promise<ClockState> {
    const { nowMs, frozen } = (await this.#state()).clock;
    return { nowMs, frozen };
  }

  /**
   * Moves the clock forward by `byMs`, 0 or more. What comes due until then has happened: timeouts,
   * expiry, taps that waited. A member moves one step at a time: first inactive, then removed.
   */
  async advance(byMs: number): Promise<void> {
    await this.#post('clock', { advanceMs: byMs });
  }

  /** Sets the clock, in milliseconds since 1970; also back. */
  async setTime(nowMs: number): Promise<void> {
    await this.#post('clock', { nowMs });
  }

  /** Stops the clock. Taps that are gathered wait until it is advanced. */
  async freeze(): Promise<void> {
    await this.#post('clock', { freeze: true });
  }

  /** Lets a stopped clock go on. */
  async resume(): Promise<void> {
    await this.#post('clock', { freeze: false });
  }

  /** The RTA connections that are open: all, or those of one user. */
  async connections(user?: Pick<TestUser, 'xuid'>): Promise<readonly ControlledConnection[]> {
    const { connections } = await this.#state();
    if (user === undefined) return connections;
    const of = xuidOf(user);
    return connections.filter(({ xuid }) => xuid === of);
  }

  /** Ends the RTA connections of a user as a failing network does. The number of them. */
  async drop(user: Pick<TestUser, 'xuid'>): Promise<number> {
    const connections = await this.connections({ xuid: xuidOf(user) });
    for (const { id } of connections) await this.#post(`connections/${id}/drop`);
    return connections.length;
  }

  /**
   * Delays each tap on the present connections of a user by `delayMs`, at most an hour; 0 ends that.
   *
   * Throws RangeError for another number, and Error when the user has no connection whose taps could be late.
   */
  async delay(user: Pick<TestUser, 'xuid'>, delayMs: number): Promise<void> {
    if (!Number.isInteger(delayMs) || delayMs < 0 || delayMs > tapDelayMsMax) {
      throw new RangeError(
        `delay takes whole milliseconds from 0 to ${tapDelayMsMax}, not ${String(delayMs)}.`,
      );
    }
    await this.#setTaps(user, { delayMs }, delayMs > 0);
  }

  /**
   * Loses every tap on the present connections of a user, until `lose(user, false)`.
   *
   * Throws when the user has no connection whose taps could be lost.
   */
  async lose(user: Pick<TestUser, 'xuid'>, lost = true): Promise<void> {
    if (typeof lost !== 'boolean') {
      throw new TypeError(`lose takes true or false after the user, not ${String(lost)}.`);
    }
    await this.#setTaps(user, { drop: lost }, lost);
  }

  /** Refuses the next requests that match; they have no effect. */
  async refuse(order: RefusalOrder): Promise<void> {
    if (typeof order !== 'object' || order === null) {
      throw new TypeError(`refuse takes { path, status }, not ${String(order)}.`);
    }
    const { user, ...rest } = order;
    await this.#post('refusals', { ...rest, ...(user !== undefined && { xuid: xuidOf(user) }) });
  }

  /** Ends all refusals that were asked for. */
  async refuseNoMore(): Promise<void> {
    await this.#send('DELETE', 'refusals');
  }

  /** `isNeeded`: an error when the user has no connection. Without one there is nothing to end. */
  async #setTaps(user: Pick<TestUser, 'xuid'>, taps: object, isNeeded: boolean): Promise<void> {
    const xuid = xuidOf(user);
    const connections = await this.connections({ xuid });
    if (isNeeded && connections.length === 0) {
      throw new Error(
        `User ${xuid} has no connection. This changes the taps of connections that are open: connect first.`,
      );
    }
    for (const { id } of connections) await this.#post(`connections/${id}/taps`, taps);
  }

  async #state(): Promise<{
    readonly clock: ClockState;
    readonly connections: readonly ControlledConnection[];
  }> {
    return JSON.parse(await this.#send('GET', ''));
  }

  #post(path: string, body?: object): Promise<string> {
    return this.#send('POST', path, body);
  }

  /** The body of the answer. Throws the server's sentence when it refuses. */
  async #send(method: string, path: string, body?: object): Promise<string> {
    const answer = await fetch(`${this.#url}/control${path && `/${path}`}`, {
      method,
      headers: { Authorization: 'XBL3.0 x=-;svc=tests' },
      ...(this.#signal && { signal: this.#signal }),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      this.#signal?.throwIfAborted();
      throw new Error(`${this.#url} does not answer: ${causesOf(error)}`, { cause: error });
    });
    const text = await answer.text();
    if (answer.ok) return text;
    if (answer.status === 404 && path === '') {
      throw new Error(
        `${this.#url} has no control API. A server has one with \`openmpsd serve --control\`, or with \`control: true\` of startServer.`,
      );
    }
    throw new Error(`${method} /control/${path} was answered ${answer.status}: ${text}`);
  }
}

/** Tests in JavaScript have no types: a name in place of a user would find no connection. */
function xuidOf(user: Pick<TestUser, 'xuid'>): string {
  if (typeof user?.xuid === 'string') return user.xuid;
  throw new TypeError(`This takes a user, as server.user('Ada') gives it, not ${String(user)}.`);
}

/** Without types, a forgotten name would be a user of the name "undefined". */
function requireName(name: unknown, what: string): void {
  if (typeof name === 'string' && name !== '') return;
  const given = typeof name === 'string' ? 'an empty one' : String(name);
  throw new TypeError(`${what} takes a name, such as ${what}('Ada'), not ${given}.`);
}
