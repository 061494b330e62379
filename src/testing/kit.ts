/**
 * The kit: a server to test against, users to be, and requests as they go over the wire.
 *
 * By default a server of its own runs inside the test, on a free port, with a clock that stands
 * still. With `MPSD_TARGET=<url>` the same tests are aimed at any server; with several,
 * `MPSD_TARGET=<url>,<url>`, each request and each connection goes to one of them, drawn with
 * `MPSD_TARGET_SEED`, as if they stood behind a balancer.
 */

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { MultiplayerService } from '../client/multiplayer-service.ts';
import { isJsonObject, parseExactJson, type Json, type JsonObject } from '../domain/json.ts';
import { formatSessionPath, type SessionReference } from '../domain/session/reference.ts';
import type { Milliseconds } from '../domain/time.ts';
import { startServer, type RunningServer, type ServerOptions } from '../server.ts';
import { demoScid, demoTitleId } from './demo.ts';
import { type ConnectOptions, KitConnection } from './kit-connection.ts';
import { manualClock, type ManualClock } from './manual-clock.ts';
import { assertDescribed } from './described-answers.ts';
import { seededRandom } from '../platform/seeded-random.ts';

export { demoScid, demoTitleId };

export type KitOptions = {
  /** A service config file or folder instead of the demo config; own server only. */
  readonly config?: string;
  readonly store?: 'memory' | 'sqlite';
  /** False: a server that no other kit uses, for tests that end it or count what it has. */
  readonly isShared?: false;
  /** Of the server; own server only. */
  readonly settings?: Pick<
    ServerOptions,
    | 'tapWindowMs'
    | 'disconnectGraceMs'
    | 'presenceTimeoutMs'
    | 'unconnectedTimeoutMs'
    | 'subscriptionsMax'
    | 'outboxBytesMax'
    | 'connectionsMax'
    | 'connectionsPerUserMax'
    | 'sessionsPerUserMax'
    | 'invitesPerUserMax'
    | 'sendTimeoutMs'
    | 'unsentBytesMax'
    | 'unknownMembers'
    | 'control'
    | 'observe'
    | 'metrics'
    | 'log'
  >;
};

/** True when the tests are aimed at a server that runs elsewhere: its clock cannot be moved. */
export const isAimed = process.env['MPSD_TARGET'] !== undefined;

/**
 * A kit. Dispose of it, `await using kit = await startKit()`, and its server ends.
 *
 * `MPSD_KIT_STORE=sqlite` lets own servers keep their sessions in SQLite files.
 */
export async function startKit(options: KitOptions = {}): Promise<Kit> {
  if (isAimed) return new Kit(drawTarget, undefined);
  const store = options.store ?? (process.env['MPSD_KIT_STORE'] === 'sqlite' ? 'sqlite' : 'memory');
  if (store === 'memory' || Object.keys(options).length > 0) {
    const own = await startOwnServer(store, options);
    return new Kit(
      () => own.server.url,
      own,
      () => endOwnServer(own),
    );
  }
  shared ??= startOwnServer(store, {});
  const own = await shared;
  return new Kit(() => own.server.url, own);
}

/**
 * What the kits of a process share that keep their sessions in files and want nothing special: to
 * start and end a store with its thread takes longer than most tests.
 */
let shared: Promise<OwnServer> | undefined;
if (process.env['MPSD_KIT_STORE'] === 'sqlite') {
  after(async () => {
    if (shared !== undefined) await endOwnServer(await shared);
  });
}

async function startOwnServer(
  store: 'memory' | 'sqlite',
  options: Pick<KitOptions, 'config' | 'settings'>,
): Promise<OwnServer> {
  const clock = manualClock();
  const data = store === 'sqlite' ? await mkdtemp(join(tmpdir(), 'openmpsd-kit-')) : undefined;
  const server = await startServer({
    port: 0,
    store,
    clock,
    ...options.settings,
    ...(data !== undefined && { data }),
    ...(options.config !== undefined && { config: options.config }),
  });
  return { server, clock, data };
}

async function endOwnServer({ server, data }: OwnServer): Promise<void> {
  await server.close();
  if (data !== undefined) await rm(data, { recursive: true, force: true });
}

const targets = (process.env['MPSD_TARGET'] ?? '').split(',').map((url) => url.replace(/\/$/, ''));
const random = seededRandom(Number(process.env['MPSD_TARGET_SEED'] ?? 1));

/** One of the servers that the tests are aimed at. */
function drawTarget(): string {
  return random.pick(targets);
}

type OwnServer = {
  readonly server: RunningServer;
  readonly clock: ManualClock;
  readonly data: string | undefined;
};

export class Kit implements AsyncDisposable {
  readonly #url: () => string;
  readonly #own: OwnServer | undefined;
  readonly #users = new Map<string, KitUser>();

  readonly #end: () => Promise<void>;

  constructor(
    url: string | (() => string),
    own: OwnServer | undefined,
    end: () => Promise<void> = async () => undefined,
  ) {
    this.#url = typeof url === 'string' ? () => url : url;
    this.#own = own;
    this.#end = end;
  }

  /** The server of the next request: with several, a random one each time. */
  get url(): string {
    return this.#url();
  }

  /** The users of these names, as `user` gives them. */
  users<Names extends string[]>(...names: Names): { [Index in keyof Names]: KitUser } {
    return names.map((name) => this.user(name)) as { [Index in keyof Names]: KitUser };
  }

  /** The user of this name, the same one each time, whom no other kit has. */
  user(name: string, claims: KitClaims = {}): KitUser {
    const known = this.#users.get(name);
    if (known !== undefined && Object.keys(claims).length === 0) return known;
    const xuid = claims.xuid ?? known?.xuid ?? freshXuid();
    const user = new KitUser(this.#url, {
      gtg: name,
      tid: demoTitleId,
      did: `device-${name}-${xuid}`,
      ...claims,
      xuid,
    });
    if (known === undefined) this.#users.set(name, user);
    return user;
  }

  /** A game service: it has a name and no xuid. */
  service(name = 'lobby-service'): KitUser {
    return new KitUser(this.#url, { svc: name, tid: demoTitleId });
  }

  /** A session that does not exist yet. */
  reference(templateName = 'deathmatch'): SessionReference {
    return { scid: demoScid, templateName, name: randomUUID() };
  }

  /** A request without a caller, or with any headers. */
  request(method: string, path: string, request: KitRequest = {}): Promise<KitAnswer> {
    return send(this.url, method, path, request);
  }

  /** What the server's clock shows. Own server only. */
  nowMs(): Milliseconds {
    return this.#ownServer().clock.nowMs();
  }

  /** Moves the server's clock and lets it sweep. Own server only: skip where `isAimed`. */
  async advance(byMs: Milliseconds): Promise<void> {
    const { clock, server } = this.#ownServer();
    clock.advance(byMs);
    await server.sweep();
  }

  /** Lets an own server sweep, as a server elsewhere does by itself every second. */
  async settle(): Promise<void> {
    await this.#own?.server.sweep();
  }

  /** Lets the server read its config again. Own server only: skip where `isAimed`. */
  async reload(): Promise<void> {
    await this.#ownServer().server.reload();
  }

  /** Moves the server's clock; timeouts are applied when a session is read. Own server only. */
  advanceWithoutSweep(byMs: Milliseconds): void {
    this.#ownServer().clock.advance(byMs);
  }

  /**
   * Resolves when so many RTA connections are open, and members know of those that ended. Own server
   * only.
   */
  async untilConnected(count: number): Promise<void> {
    const { server } = this.#ownServer();
    while (server.connectionsCount !== count) await new Promise((turn) => setImmediate(turn));
    await server.sweep();
  }

  #ownServer(): OwnServer {
    if (this.#own === undefined) {
      throw new Error(
        'the clock of a server under MPSD_TARGET cannot be moved; skip where isAimed',
      );
    }
    return this.#own;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }
}

/**
 * Resolves when searches on every one of several servers know all earlier changes; a server finds
 * what another one made within a second.
 */
export async function untilSearchable(): Promise<void> {
  if (targets.length < 2) return;
  if (await haveSwept()) return;
  // A search that finds the second mark began after the first was there, with all before it.
  for (let mark = 0; mark < 2; mark += 1) await untilMarkIsFound();
}

/** Lets all servers follow the changes of the others now; false when one has no control API. */
async function haveSwept(): Promise<boolean> {
  const headers = { authorization: 'XBL3.0 x=-;svc=tests', 'x-xbl-contract-version': '107' };
  for (const url of targets) {
    // The clock runs already. The answer comes after a sweep.
    const request = { headers, body: { freeze: false } };
    const { status } = await send(url, 'POST', '/control/clock', request);
    if (status !== 200) return false;
  }
  return true;
}

/** Far more than the allowed second: machines are busy. */
const searchableWithinMs = 60_000;

async function untilMarkIsFound(): Promise<void> {
  const kit = new Kit(drawTarget, undefined);
  const [marker, reference] = [kit.user('marker'), kit.reference('blank')];
  const tag = `mark${randomUUID().replaceAll('-', '')}`;
  const constants = { system: { capabilities: { searchable: true } } };
  await marker.putSession(reference, { ...joinBody(), constants });
  const searchAttributes = { tags: [tag] };
  await marker.postHandle({ version: 1, type: 'search', sessionRef: reference, searchAttributes });
  const headers = { authorization: marker.authorization, 'x-xbl-contract-version': '107' };
  const body = { type: 'search', scid: demoScid, filter: `tags/${tag}` };
  const endMs = Date.now() + searchableWithinMs;
  for (const url of targets) {
    while (!(await send(url, 'POST', '/handles/query', { headers, body })).text.includes(tag)) {
      if (Date.now() > endMs) throw new Error('a mark was not found by all servers in time');
      await new Promise((turn) => setTimeout(turn, 20));
    }
  }
}

/** Claims of a development token, by the names of its parameters. */
export type KitClaims = {
  readonly xuid?: string;
  readonly gtg?: string;
  readonly tid?: string;
  readonly did?: string;
  readonly sbx?: string;
  readonly prv?: string;
  readonly svc?: string;
};

export type KitRequest = {
  readonly headers?: Readonly<Record<string, string>>;
  /** A text or bytes go as they are, anything else as JSON. */
  readonly body?: unknown;
};

/** One answer, with what tests look at most. */
export type KitAnswer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, numbers exact; undefined when it is no JSON object. */
  readonly json: JsonObject;
  readonly etag: string | undefined;
  readonly refusal: string | undefined;
  readonly detail: string | undefined;
};

export type SessionHeaders = {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly contractVersion?: number;
  readonly nocommit?: boolean;
};

export class KitUser {
  readonly xuid: string;
  readonly gamertag: string;
  readonly authorization: string;
  /** The TypeScript client, signed in as this user. */
  readonly client: MultiplayerService;
  readonly #url: () => string;

  constructor(url: () => string, claims: KitClaims) {
    this.#url = url;
    this.xuid = claims.xuid ?? '';
    this.gamertag = claims.gtg ?? '';
    this.authorization = `XBL3.0 x=-;${new URLSearchParams(claims)}`;
    this.client = new MultiplayerService({
      baseUrl: url(),
      authorization: this.authorization,
      // Where it goes is drawn anew for each request.
      fetch: (asked, init) => {
        const { pathname, search } = new URL(asked);
        return fetch(`${url()}${pathname}${search}`, init);
      },
    });
  }

  /** A request as this user, in contract version 107 unless the headers say otherwise. */
  request(method: string, path: string, { headers, body }: KitRequest = {}): Promise<KitAnswer> {
    return send(this.#url(), method, path, {
      headers: {
        authorization: this.authorization,
        'x-xbl-contract-version': '107',
        ...headers,
      },
      ...(body !== undefined && { body }),
    });
  }

  /** An RTA connection of this user, which nothing has been asked of. */
  connect(options: ConnectOptions = {}): Promise<KitConnection> {
    const headers = { authorization: this.authorization, ...options.headers };
    return KitConnection.open(this.#url(), { ...options, headers });
  }

  putSession(
    reference: SessionReference,
    body: unknown,
    options: SessionHeaders = {},
  ): Promise<KitAnswer> {
    const query = options.nocommit ? '?nocommit=true' : '';
    return this.request('PUT', `${formatSessionPath(reference)}${query}`, {
      headers: conditionsOf(options),
      body,
    });
  }

  getSession(reference: SessionReference, options: SessionHeaders = {}): Promise<KitAnswer> {
    return this.request('GET', formatSessionPath(reference), { headers: conditionsOf(options) });
  }

  /** Puts these users on the list of friends. */
  async follow(...users: readonly KitUser[]): Promise<void> {
    await this.client.follow(users.map(({ xuid }) => xuid));
  }

  postHandle(body: unknown): Promise<KitAnswer> {
    return this.request('POST', '/handles', { body });
  }

  /** Joins as an active member, with a connection id so that every template takes it. */
  join(reference: SessionReference, me: JsonObject = {}): Promise<KitAnswer> {
    return this.putSession(reference, joinBody(me));
  }

  putSessionByHandle(
    handleId: string,
    body: unknown,
    options: SessionHeaders = {},
  ): Promise<KitAnswer> {
    return this.request('PUT', `/handles/${handleId}/session`, {
      headers: conditionsOf(options),
      body,
    });
  }
}

/** A body that joins as an active member; `more` is laid over `members.me`. */
export function joinBody(more: JsonObject = {}): JsonObject {
  return {
    members: {
      me: { properties: { system: { active: true, connection: randomUUID() } }, ...more },
    },
  };
}

/** The names of the members of a document, each under its index, by xuid. */
export function xuidsOf(session: JsonObject): readonly string[] {
  const members = isJsonObject(session['members']) ? session['members'] : {};
  return Object.values(members).map((member) => at(member, 'constants.system.xuid') as string);
}

/** The value at a dotted path of a JSON value; undefined when there is none. */
export function at(value: Json | undefined, path: string): Json | undefined {
  let found = value;
  for (const key of path.split('.')) {
    if (Array.isArray(found)) found = found[Number(key)];
    else if (isJsonObject(found) && Object.hasOwn(found, key)) found = found[key];
    else return undefined;
  }
  return found;
}

function conditionsOf({
  ifMatch,
  ifNoneMatch,
  contractVersion,
}: SessionHeaders): Record<string, string> {
  return {
    ...(ifMatch !== undefined && { 'if-match': ifMatch }),
    ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
    ...(contractVersion !== undefined && { 'x-xbl-contract-version': String(contractVersion) }),
  };
}

async function send(
  url: string,
  method: string,
  path: string,
  { headers = {}, body }: KitRequest,
): Promise<KitAnswer> {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers,
    ...(body !== undefined && {
      body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
    }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type') === 'application/json';
  const json = isJson && text !== '' ? parseExactJson(text) : undefined;
  const header = (name: string): string | undefined => answer.headers.get(name) ?? undefined;
  assertDescribed(method, path, { status: answer.status, refusal: header('x-mpsd-refusal'), text });
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    json: isJsonObject(json) ? json : {},
    etag: header('etag'),
    refusal: header('x-mpsd-refusal'),
    detail: header('x-mpsd-detail'),
  };
}

/** A xuid that looks like one of the real service and is not given twice. */
function freshXuid(): string {
  return `2535${randomUUID().replaceAll(/\D/g, '').padEnd(12, '0').slice(0, 12)}`;
}
