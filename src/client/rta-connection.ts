/**
 * The real-time connection of a user: taps of the sessions that it follows, and whatever else it
 * subscribes to.
 *
 *     await using live = await ada.connect();
 *     await live.follow(lobby);
 *     for await (const tap of live.taps()) console.log(tap.kind);
 *
 *            open                          lost
 *     (new) ──────► connected ───────────────────────► reconnecting
 *                     │  ▲   connected, subscribed and     │  │
 *               close │  │   rewritten into each session   │  │ attemptsMax tries failed
 *                     ▼  └─────────────────────────────────┘  ▼
 *                   closed ◄──────── close ───────────────  given up: onSubscriptionsLost
 *
 * It logs in with `GET /nonce` and `/connect?nonce=`, and not with the header `Authorization`, since
 * browsers let nobody set headers of a WebSocket: so one way works everywhere, without a library.
 *
 * A connection that nobody reads, waits for or subscribed on keeps no process alive once its line is
 * lost.
 *
 * @source contract 9, wire 6.5
 */

import { MultiplayerError } from './multiplayer-error.ts';
import type { MultiplayerService, WriteOptions } from './multiplayer-service.ts';
import { holdProcess } from './platform.ts';
import { defaultReconnectPolicy, reconnectDelayMs, type ReconnectPolicy } from './reconnect.ts';
import type { SessionReference } from './reference.ts';
import { lineLost, RtaError } from './rta-error.ts';
import { RtaSocket, type OpenWebSocket } from './rta-socket.ts';
import type {
  AnyTitle,
  ByHandle,
  ChangeType,
  Guid,
  SessionChanges,
  SessionWritten,
  TitleData,
  Xuid,
} from './session-document.ts';
import { parseTaps, resourceOf, TapQueue, type Tap } from './taps.ts';
import type { Sleep } from './transport.ts';

export type RtaSettings = {
  /**
   * Called once when the connection has been given up: nothing is heard any more, and `taps` ends
   * with the same error.
   */
  readonly onSubscriptionsLost?: (error: Error) => void;
  /** `false`: a lost line is given up at once. */
  readonly reconnect?: Partial<ReconnectPolicy> | false;
  /** How often the server is asked whether it is still there: 30 s. Infinity: never. */
  readonly heartbeatMs?: number;
  /** In place of the platform's own; needed where it has none, as on Node 20. */
  readonly webSocket?: OpenWebSocket;
};

/** What the connection has from the service that it belongs to. */
export type RtaParts = {
  readonly service: Pick<
    MultiplayerService,
    'writeSession' | 'tryWriteSession' | 'writeSessionByHandle'
  >;
  /** Of `/connect`, with `ws:` or `wss:`. */
  readonly url: string;
  /** A fresh one for each try. Throws a MultiplayerError. */
  readonly newNonce: (signal: AbortSignal) => Promise<string>;
  readonly newGuid: () => Guid;
  /** For one answer on the line. */
  readonly timeoutMs: number;
  /** Between tries, and for whatever else nobody waits for. */
  readonly sleep: Sleep;
  readonly random: () => number;
  readonly onClosed: (connection: RtaConnection) => void;
};

export type FollowOptions = WriteOptions & {
  /** Which changes to hear of; `['everything']` when left out. */
  readonly changeTypes?: readonly ChangeType[];
};

/** A resource that is heard of until `unsubscribe`. */
export type RtaSubscription = {
  /** What the server said when it was subscribed to first. */
  readonly data: unknown;
  /** Resolves when no more events come. */
  unsubscribe(): Promise<void>;
};

/** @source wire 6.4 */
const connectionsResource = 'https://sessiondirectory.xboxlive.com/connections/';

/** Where a user's invites arrive. @source wire 6.4, wire 6.7 */
export function invitesResource(xuid: Xuid, titleId: string): string {
  return `https://notify.xboxlive.com/users/xuid(${xuid})/deviceId/current/titleId/${titleId}`;
}

/** One life of the socket. */
type Line = { readonly socket: RtaSocket; readonly connectionId: Guid };

type Wanted = {
  readonly resource: string;
  readonly onEvent: (data: unknown) => void;
  /** On the present line. */
  id: number;
};

type Subscription = { readonly id: Guid; readonly changeTypes: readonly ChangeType[] };

type Followed = {
  readonly reference: SessionReference;
  /** The life of the session that is followed. */
  readonly branch: Guid;
  readonly subscription: Subscription;
};

const subscribeAttemptsMax = 5;
/** Sessions that are written at once when the line is made anew. */
const rewritesAtOnceMax = 8;
const heartbeatMsDefault = 30_000;
/** An id that no subscription has: to end it asks for nothing but an answer. */
const noSubscription = 0xffff_ffff;

export class RtaConnection implements AsyncDisposable {
  readonly #parts: RtaParts;
  readonly #settings: RtaSettings;
  readonly #openWebSocket: OpenWebSocket;
  readonly #queue = new TapQueue();
  readonly #wanted = new Set<Wanted>();
  readonly #followed = new Map<string, Followed>();
  /** How the title writes the sessions that it follows, or is about to. */
  readonly #references = new Map<string, SessionReference>();
  /** What somebody waits for, and what calls back: while there is any, the process stays alive. */
  readonly #awaited = new Set<object>();
  #hold: Disposable | undefined;
  readonly #ending = new AbortController();
  /** The present line, or the one that is being made. */
  #next: Promise<Line>;
  #line: Line | undefined;

  private constructor(parts: RtaParts, settings: RtaSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#openWebSocket = settings.webSocket ?? openPlatformWebSocket;
    this.#next = this.#openLine();
  }

  /** A connection that is ready. Rejects as the first try fails; later ones are made again. */
  static async open(parts: RtaParts, settings: RtaSettings = {}): Promise<RtaConnection> {
    const connection = new RtaConnection(parts, settings);
    await connection.#next;
    return connection;
  }

  /**
   * The id by which sessions know the present line; another one after each time that it was cut.
   * `follow` writes it by itself. Undefined while there is no line.
   */
  get connectionId(): Guid | undefined {
    return this.#line?.connectionId;
  }

  /**
   * What the write did. The caller's member becomes active on this connection and subscribed, with
   * whatever else `changes` say; so one call joins, or creates, and follows.
   *
   * From now on `taps` tells of the session's changes, and a new connection id is written into it
   * whenever the line was cut, until the caller leaves by `leaveSession` or a write, or `unfollow`.
   * If the seat was lost meanwhile, that write takes another one where the session lets it.
   *
   * @source wire 6.5
   */
  async follow<Title extends TitleData = AnyTitle>(
    reference: SessionReference,
    changes: SessionChanges<Title> = {},
    { changeTypes, ...options }: FollowOptions = {},
  ): Promise<SessionWritten<Title>> {
    const resource = resourceOf(reference);
    const id = this.#followed.get(resource)?.subscription.id;
    const subscription = this.#newSubscription(changeTypes, id);
    const line = await this.#held(this.#next);
    this.#references.set(resource, reference); // the first tap may come before the answer
    try {
      const written = await this.#parts.service.writeSession<Title>(
        reference,
        withMember(changes, memberOn(line, subscription)),
        options,
      );
      if (written.status !== 'deleted' && !options.preview) {
        await this.#track({ reference, branch: written.session.branch, subscription }, line);
      }
      return written;
    } finally {
      if (!this.#followed.has(resource)) this.#references.delete(resource);
    }
  }

  /** As `follow`, of the session that a handle leads to: how an invite is accepted. */
  async followByHandle<Title extends TitleData = AnyTitle>(
    handleId: Guid,
    changes: SessionChanges<Title> = {},
    { changeTypes, ...options }: FollowOptions = {},
  ): Promise<ByHandle<SessionWritten<Title>>> {
    const subscription = this.#newSubscription(changeTypes);
    const line = await this.#held(this.#next);
    const written = await this.#parts.service.writeSessionByHandle<Title>(
      handleId,
      withMember(changes, memberOn(line, subscription)),
      options,
    );
    if (written.status !== 'deleted' && !options.preview) {
      const { reference, session } = written;
      this.#references.set(resourceOf(reference), reference);
      await this.#track({ reference, branch: session.branch, subscription }, line);
    }
    return written;
  }

  /** Writes no new connection id into this session any more. Its taps go on while it has one. */
  unfollow(reference: SessionReference): void {
    this.#followed.delete(resourceOf(reference));
    this.#references.delete(resourceOf(reference));
  }

  /**
   * Taps, from the beginning of the connection on, until it is closed. Each goes to one reader, each
   * change once, and of a session that changes faster than it is read only the newest.
   *
   * Throws what `onSubscriptionsLost` is told.
   */
  taps(): AsyncIterableIterator<Tap> {
    return {
      next: () => this.#held(this.#queue.next()),
      // Leaving a loop ends nothing: another may go on.
      return: async () => ({ value: undefined, done: true }),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /**
   * A subscription to any resource, kept over lost lines; `onEvent` gets the data of each event.
   * Until it ends the process stays alive.
   *
   * Asks again a few times when the server is out of breath. Throws an RtaError.
   */
  async subscribe(resource: string, onEvent: (data: unknown) => void): Promise<RtaSubscription> {
    for (let attempt = 1; ; attempt += 1) {
      const line = await this.#held(this.#next);
      try {
        const { id, data } = await this.#limited(line, line.socket.subscribe(resource, onEvent));
        const wanted: Wanted = { resource, onEvent, id };
        this.#wanted.add(wanted);
        this.#await(wanted);
        return { data, unsubscribe: () => this.#unsubscribe(wanted) };
      } catch (error) {
        const mayPass = error instanceof RtaError && error.isPassing;
        if (!mayPass || attempt === subscribeAttemptsMax) throw error;
        // A line that was lost is waited for above, and an answer is not.
        if (this.#line === line) await this.#held(this.#sleep(1_000 * attempt ** 2));
      }
    }
  }

  /** Ends the connection; members become inactive when the server's grace time is over. */
  async close(): Promise<void> {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(new RtaError('The real-time connection has been closed.'));
    this.#line?.socket.close();
    this.#over(this.#ending.signal.reason);
    this.#queue.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // the line

  /** A line on which everything is as it was on the former one. */
  async #openLine(): Promise<Line> {
    const { signal } = this.#ending;
    const nonce = await this.#parts.newNonce(signal);
    const opening = new AbortController();
    let opened: RtaSocket | undefined;
    const socket = await this.#timed(
      RtaSocket.open(
        `${this.#parts.url}?nonce=${encodeURIComponent(nonce)}`,
        this.#openWebSocket,
        {
          onResync: () => this.#queue.put({ kind: 'resync', why: 'missed' }),
          onLost: () => opened && this.#lost(opened),
        },
        AbortSignal.any([signal, opening.signal]),
      ),
      () => opening.abort(lineLost()),
    );
    opened = socket;
    try {
      const line = { socket, connectionId: await this.#subscribeToTaps(socket) };
      for (const wanted of this.#wanted) {
        const { resource, onEvent } = wanted;
        wanted.id = (await this.#limited(line, socket.subscribe(resource, onEvent))).id;
      }
      const followed = [...this.#followed.values()];
      for (let at = 0; at < followed.length; at += rewritesAtOnceMax) {
        const some = followed.slice(at, at + rewritesAtOnceMax);
        await Promise.all(some.map((one) => this.#rewrite(one, line)));
      }
      signal.throwIfAborted();
      if (socket.isOver) throw lineLost();
      this.#line = line;
      void this.#watch(line);
      return line;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /**
   * Ends the line when the server does not answer on it any more. Nothing else would tell: a client
   * that only listens is never told of a network that is gone, and platforms hide pings.
   */
  async #watch(line: Line): Promise<void> {
    const { heartbeatMs = heartbeatMsDefault } = this.#settings;
    if (!Number.isFinite(heartbeatMs)) return;
    try {
      while (this.#line === line) {
        await this.#sleep(heartbeatMs);
        await this.#limited(line, line.socket.unsubscribe(noSubscription));
      }
    } catch {
      // The line is over, which is told where that is handled.
    }
  }

  async #subscribeToTaps(socket: RtaSocket): Promise<Guid> {
    const hear = (data: unknown): void => {
      for (const tap of parseTaps(data, (resource) => this.#references.get(resource))) {
        this.#queue.put(tap);
        const followed = this.#followed.get(resourceOf(tap.reference));
        if (tap.kind === 'ended' && followed?.branch === tap.branch) this.unfollow(tap.reference);
      }
    };
    const { data } = await this.#limited({ socket }, socket.subscribe(connectionsResource, hear));
    const { ConnectionId: id } = (data ?? {}) as { readonly ConnectionId?: unknown };
    if (typeof id !== 'string') throw lineLost(new TypeError('the server gave no ConnectionId'));
    return id;
  }

  #lost(socket: RtaSocket): void {
    if (this.#line?.socket !== socket) return; // it was not ready yet, and whoever made it is told
    this.#line = undefined;
    this.#next = this.#reconnect();
    this.#next.then(
      () => this.#queue.put({ kind: 'resync', why: 'reconnected' }),
      (error: Error) => {
        if (this.#ending.signal.aborted) return;
        this.#ending.abort(error);
        this.#over(error);
        this.#queue.end(error);
        this.#settings.onSubscriptionsLost?.(error);
      },
    );
  }

  async #reconnect(): Promise<Line> {
    const { reconnect } = this.#settings;
    const policy = { ...defaultReconnectPolicy, ...(reconnect || undefined) };
    const attemptsMax = reconnect === false ? 0 : policy.attemptsMax;
    let cause: unknown = lineLost();
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      await this.#sleep(reconnectDelayMs(attempt, this.#parts.random(), policy));
      try {
        return await this.#openLine();
      } catch (error) {
        this.#ending.signal.throwIfAborted();
        cause = error;
        if (error instanceof MultiplayerError && isRefusal(error)) break;
      }
    }
    throw new RtaError('The real-time connection was lost and could not be made again.', { cause });
  }

  /** Nothing can be asked any more. */
  #over(error: Error): void {
    this.#line = undefined;
    this.#next = Promise.reject(error);
    this.#next.catch(() => {}); // told to whoever asks
    for (const wanted of this.#wanted) this.#awaitNoMore(wanted);
    this.#wanted.clear();
    this.#followed.clear();
    this.#references.clear();
    this.#parts.onClosed(this);
  }

  // sessions

  #newSubscription(
    changeTypes: readonly ChangeType[] = ['everything'],
    id = this.#parts.newGuid(),
  ): Subscription {
    return { id, changeTypes };
  }

  /** Follows a session that was written on `line`, which may have been lost meanwhile. */
  async #track(followed: Followed, line: Line): Promise<void> {
    this.#followed.set(resourceOf(followed.reference), followed);
    for (let present = line; this.#line !== present; ) {
      present = await this.#held(this.#next);
      await this.#rewrite(followed, present);
    }
  }

  /** Tells a session of this line. What cannot be followed any more is given up and told. */
  async #rewrite(followed: Followed, line: Line): Promise<void> {
    const { reference } = followed;
    let refusal: MultiplayerError | undefined;
    try {
      const changes = withMember({}, memberOn(line, followed.subscription));
      const options = { mode: 'updateExisting', signal: this.#ending.signal } as const;
      const written = await this.#parts.service.tryWriteSession(reference, changes, options);
      if (written.status === 'updated') return;
    } catch (error) {
      if (!(error instanceof MultiplayerError) || !isRefusal(error)) throw error;
      refusal = error;
    }
    this.unfollow(reference);
    this.#queue.put({ kind: 'unfollowed', reference, error: refusal });
  }

  // subscriptions

  async #unsubscribe(wanted: Wanted): Promise<void> {
    const line = this.#line;
    this.#awaitNoMore(wanted);
    if (!this.#wanted.delete(wanted) || line === undefined) return;
    try {
      await this.#limited(line, line.socket.unsubscribe(wanted.id));
    } catch (error) {
      if (!(error instanceof RtaError)) throw error; // a line that is lost has ended it as well
    }
  }

  /** `answer`, or the end of a line on which none comes in time. */
  #limited<T>({ socket }: Pick<Line, 'socket'>, answer: Promise<T>): Promise<T> {
    return this.#timed(answer, () => {
      socket.close();
      this.#lost(socket);
    });
  }

  async #timed<T>(task: Promise<T>, onTimeOut: () => void): Promise<T> {
    const { timeoutMs, sleep } = this.#parts;
    const done = new AbortController();
    if (Number.isFinite(timeoutMs)) sleep(timeoutMs, done.signal).then(onTimeOut, () => {});
    try {
      return await task;
    } finally {
      done.abort();
    }
  }

  /** `task`, which the process stays alive for. */
  async #held<T>(task: Promise<T>): Promise<T> {
    this.#await(task);
    try {
      return await task;
    } finally {
      this.#awaitNoMore(task);
    }
  }

  #await(what: object): void {
    this.#awaited.add(what);
    this.#hold ??= holdProcess();
  }

  #awaitNoMore(what: object): void {
    this.#awaited.delete(what);
    if (this.#awaited.size > 0) return;
    this.#hold?.[Symbol.dispose]();
    this.#hold = undefined;
  }

  #sleep(ms: number): Promise<void> {
    return this.#parts.sleep(ms, this.#ending.signal);
  }
}

const openPlatformWebSocket: OpenWebSocket = (url, protocol) => {
  // Types promise what Node 20 does not have.
  if ((globalThis.WebSocket as unknown) !== undefined) return new WebSocket(url, protocol);
  throw new TypeError(
    'This platform has no WebSocket: use Node 22 or later, or give connect() one as "webSocket".',
  );
};

/** True of an answer that will be the same next time. */
function isRefusal({ status }: MultiplayerError): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

function memberOn({ connectionId }: Line, subscription: Subscription) {
  return { active: true, connection: connectionId, subscription };
}

/** `changes` with these system properties of the caller's member, unless they say otherwise. */
function withMember<Title extends TitleData>(
  changes: SessionChanges<Title>,
  system: ReturnType<typeof memberOn>,
): SessionChanges<Title> {
  const me = changes.members?.me ?? {};
  return {
    ...changes,
    members: {
      ...changes.members,
      me: {
        ...me,
        properties: { ...me.properties, system: { ...system, ...me.properties?.system } },
      },
    },
  } as SessionChanges<Title>;
}
