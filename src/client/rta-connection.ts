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
 * pages cannot set headers of a WebSocket: so one way works everywhere, without a library.
 *
 * Once its socket is lost, a connection keeps the process alive only while a reader or a call waits, or
 * a subscription has a callback.
 *
 * @source docs/wire/rta.md "Connecting"
 */

import { onAbort } from './abort-listeners.ts';
import { requireKnown, requireObject } from './arguments.ts';
import type { ReceivedInvite } from './handle-document.ts';
import { MultiplayerError } from './multiplayer-error.ts';
import { holdProcess, type Sleep } from './platform.ts';
import { defaultReconnectPolicy, reconnectDelayMs, type ReconnectPolicy } from './reconnect.ts';
import {
  formatHandlePath,
  formatSessionPath,
  requirePart,
  type SessionReference,
} from './reference.ts';
import { connectionLost, RtaError } from './rta-error.ts';
import { RtaSocket, type OpenWebSocket } from './rta-socket.ts';
import type { SessionWriter, WriteOptions } from './session-writer.ts';
import type {
  AnyTitle,
  ByHandle,
  ChangeType,
  Guid,
  SessionChanges,
  SessionWriteResult,
  TitleData,
  TitleId,
  Xuid,
} from './session-document.ts';
import { parseTaps, resourceOf, TapQueue, type Tap } from './taps.ts';
import { timedOut, type CallOptions } from './transport.ts';
import { within } from './within.ts';

export type RtaSettings = {
  /**
   * Called once when the connection has been given up: no more events come, and `taps` ends
   * with the same error.
   */
  readonly onSubscriptionsLost?: (error: Error) => void;
  /** `false`: no reconnect; a lost socket ends the connection. */
  readonly reconnect?: Partial<ReconnectPolicy> | false;
  /** How often the server is asked whether it is still there: 30 s. Infinity: never. */
  readonly heartbeatMs?: number;
  /** In place of the platform's own; needed where it has none, as on Node 20. */
  readonly webSocket?: OpenWebSocket;
};

/** What the connection has from the service that it belongs to. */
export type RtaParts = {
  readonly service: SessionWriter;
  /** Of `/connect`, with `ws:` or `wss:`. */
  readonly url: string;
  /** A fresh one for each try. Throws a MultiplayerError. */
  readonly newNonce: (signal: AbortSignal) => Promise<string>;
  readonly newGuid: () => Guid;
  /** For one answer on the socket, and for one call that does not say otherwise. */
  readonly timeoutMs: number;
  /** Gives the connection up. */
  readonly signal: AbortSignal | undefined;
  /** Between tries, and wherever no call waits. */
  readonly sleep: Sleep;
  readonly random: () => number;
  readonly onClosed: (connection: RtaConnection) => void;
};

export type FollowOptions = WriteOptions & {
  /** Which changes to get taps for; `['everything']` when left out. */
  readonly changeTypes?: readonly ChangeType[];
};

/** Events of a resource, until `unsubscribe`. */
export type RtaSubscription = {
  /** The data of the server's first answer. */
  readonly data: unknown;
  /** Resolves when no more events come. */
  unsubscribe(): Promise<void>;
};

/** @source docs/wire/rta.md "Frames" */
const connectionsResource = 'https://sessiondirectory.xboxlive.com/connections/';

/** The resource of a user's invites. @source docs/wire/rta.md "Invites" */
export function invitesResource(xuid: Xuid, titleId: string): string {
  requirePart(xuid, 'xuid');
  requirePart(titleId, 'title id');
  return `https://notify.xboxlive.com/users/xuid(${xuid})/deviceId/current/titleId/${titleId}`;
}

/** One life of the socket. */
type LiveSocket = { readonly socket: RtaSocket; readonly connectionId: Guid };

type ResourceSubscription = {
  readonly resource: string;
  readonly onEvent: (data: unknown) => void;
  /** On the present socket. */
  id: number;
};

type Subscription = { readonly id: Guid; readonly changeTypes: readonly ChangeType[] };

type SessionSubscription = {
  readonly reference: SessionReference;
  /** The branch of the followed session. */
  readonly branch: Guid;
  readonly subscription: Subscription;
};

/** Each setting that there is. */
const settingNames: Readonly<Record<keyof RtaSettings, true>> = {
  onSubscriptionsLost: true,
  reconnect: true,
  heartbeatMs: true,
  webSocket: true,
};

/** With pauses of 1, 4 and 9 s: these fit into the limit of a call. */
const subscribeAttemptsMax = 4;
/** Sessions that are written at a time after a reconnect. */
const rewritesAtOnceMax = 8;
const heartbeatMsDefault = 30_000;
/** An id that no subscription has: unsubscribing it only asks for an answer. */
const noSubscription = 0xffff_ffff;

export class RtaConnection implements AsyncDisposable {
  readonly #parts: RtaParts;
  readonly #settings: RtaSettings;
  readonly #openWebSocket: OpenWebSocket;
  readonly #queue = new TapQueue();
  readonly #wanted = new Set<ResourceSubscription>();
  readonly #followed = new Map<string, SessionSubscription>();
  /** The writers of followed sessions, by session. */
  readonly #references = new Map<string, SessionReference>();
  /** Calls that wait, and subscriptions with callbacks: while there is any, the process stays alive. */
  readonly #awaited = new Set<object>();
  #hold: Disposable | undefined;
  readonly #ending = new AbortController();
  /** Ends listening to the signal of the service. */
  readonly #stopListening: () => void;
  /** Undefined until `open` has resolved: before that, it rejects. */
  #onSubscriptionsLost: RtaSettings['onSubscriptionsLost'];
  /** The present socket, or the one that is being made. */
  #next: Promise<LiveSocket>;
  #live: LiveSocket | undefined;

  private constructor(parts: RtaParts, settings: RtaSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#openWebSocket = settings.webSocket ?? openPlatformWebSocket;
    const { signal } = parts;
    this.#stopListening = onAbort(signal, () => this.#giveUp(signal?.reason));
    this.#next = this.#openSocket();
  }

  /** A connection that is ready. Rejects as the first try fails; later ones are made again. */
  static async open(parts: RtaParts, settings: RtaSettings = {}): Promise<RtaConnection> {
    requireKnown(settings, settingNames, 'connect');
    const { reconnect } = settings;
    if (reconnect) requireKnown(reconnect, defaultReconnectPolicy, 'The reconnect of connect');
    parts.signal?.throwIfAborted();
    const connection = new RtaConnection(parts, settings);
    try {
      await connection.#next;
      connection.#ending.signal.throwIfAborted();
    } catch (error) {
      connection.#end(error as Error);
      throw error;
    }
    connection.#onSubscriptionsLost = settings.onSubscriptionsLost;
    return connection;
  }

  /**
   * The id by which sessions know the present socket; another one after each reconnect.
   * `follow` writes it by itself. Undefined while there is no socket.
   */
  get connectionId(): Guid | undefined {
    return this.#live?.connectionId;
  }

  /**
   * The result of the write. The caller's member becomes active on this connection and subscribed,
   * together with `changes`; so one call joins, or creates, and follows. From now on `taps` reports
   * the session's changes, and a new connection id is written into it after each reconnect, until
   * the caller leaves by `leaveSession` or a write, or `unfollow`. If the seat was lost meanwhile,
   * that write takes another one where the session lets it.
   *
   * While the connection is being made anew it waits for that, as long as `timeoutMs` and `signal` let
   * it. When these end it, the write may have happened all the same, but what is followed stays as it
   * was.
   *
   * @source docs/wire/rta.md "Members whose connection has ended"
   */
  async follow<Title extends TitleData = AnyTitle>(
    reference: SessionReference,
    changes: SessionChanges<Title> = {},
    { changeTypes, ...options }: FollowOptions = {},
  ): Promise<SessionWriteResult<Title>> {
    const resource = resourceOf(reference);
    const id = this.#followed.get(resource)?.subscription.id;
    const subscription = this.#newSubscription(changeTypes, id);
    return this.#write(formatSessionPath(reference), options, async (signal) => {
      const live = await this.#next;
      this.#references.set(resource, reference); // the first tap may come before the answer
      try {
        const written = await this.#parts.service.writeSession<Title>(
          reference,
          withMember(changes, memberOn(live, subscription)),
          { ...options, signal },
        );
        if (written.status !== 'deleted' && !options.preview) {
          const { branch } = written.session;
          await this.#track({ reference, branch, subscription }, live, signal);
        }
        return written;
      } finally {
        if (!this.#followed.has(resource)) this.#references.delete(resource);
      }
    });
  }

  /** As `follow`, of the session that a handle leads to: how an invite is accepted. */
  async followByHandle<Title extends TitleData = AnyTitle>(
    handleId: Guid,
    changes: SessionChanges<Title> = {},
    { changeTypes, ...options }: FollowOptions = {},
  ): Promise<ByHandle<SessionWriteResult<Title>>> {
    const subscription = this.#newSubscription(changeTypes);
    return this.#write(`${formatHandlePath(handleId)}/session`, options, async (signal) => {
      const live = await this.#next;
      const written = await this.#parts.service.writeSessionByHandle<Title>(
        handleId,
        withMember(changes, memberOn(live, subscription)),
        { ...options, signal },
      );
      if (written.status !== 'deleted' && !options.preview) {
        const { reference, session } = written;
        await this.#track({ reference, branch: session.branch, subscription }, live, signal);
      }
      return written;
    });
  }

  /** Stops writing new connection ids into this session. Its taps go on while it has one. */
  unfollow(reference: SessionReference): void {
    this.#followed.delete(resourceOf(reference));
    this.#references.delete(resourceOf(reference));
  }

  /**
   * Taps, from the beginning of the connection on, until it is closed. Each goes to one reader, each
   * change once, and of a session that changes faster than it is read only the newest.
   *
   * Throws the error that `onSubscriptionsLost` gets.
   */
  taps(): AsyncIterableIterator<Tap> {
    return {
      next: () => this.#held(this.#queue.next()),
      // Leaving a loop ends nothing: another loop may continue.
      return: async () => ({ value: undefined, done: true }),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /**
   * A subscription to any resource, renewed after each reconnect; `onEvent` gets the data of each
   * event. The process stays alive until it is unsubscribed.
   *
   * Tries a few times when the server is overloaded. Throws an RtaError, or the reason of the signal.
   */
  async subscribe(
    resource: string,
    onEvent: (data: unknown) => void,
    options: CallOptions = {},
  ): Promise<RtaSubscription> {
    const late = (limitMs: number) =>
      new RtaError(`The subscription to ${resource} was not answered within ${limitMs} ms.`);
    return this.#within(options, late, (signal) => this.#subscribe(resource, onEvent, signal));
  }

  async #subscribe(
    resource: string,
    onEvent: (data: unknown) => void,
    signal: AbortSignal,
  ): Promise<RtaSubscription> {
    for (let attempt = 1; ; attempt += 1) {
      const live = await this.#next;
      signal.throwIfAborted();
      try {
        const { id, data } = await this.#limited(live, live.socket.subscribe(resource, onEvent));
        const wanted: ResourceSubscription = { resource, onEvent, id };
        this.#wanted.add(wanted);
        this.#await(wanted);
        if (signal.aborted) await this.#unsubscribe(wanted); // nobody waits for it any more
        return { data, unsubscribe: () => this.#unsubscribe(wanted) };
      } catch (error) {
        const mayPass = error instanceof RtaError && error.isPassing;
        if (!mayPass || attempt === subscribeAttemptsMax) throw error;
        // When the socket was lost, `#next` waits long enough.
        if (this.#live === live) await this.#sleep(1_000 * attempt ** 2);
      }
    }
  }

  /**
   * The invites of a user for a title, into sessions: each one that comes, and those that came earlier
   * and have not expired. After a reconnect these come again. As `subscribe`.
   *
   * @source docs/wire/rta.md "Invites"
   */
  subscribeToInvites(
    { xuid, titleId }: { readonly xuid: Xuid; readonly titleId: TitleId },
    onInvite: (invite: ReceivedInvite) => void,
    options: CallOptions = {},
  ): Promise<RtaSubscription> {
    const onEvent = (data: unknown): void => {
      const { inviteHandle } = (data ?? {}) as { readonly inviteHandle?: ReceivedInvite };
      // Invites into activities come on the same resource.
      if (inviteHandle !== undefined) onInvite(inviteHandle);
    };
    return this.subscribe(invitesResource(xuid, titleId), onEvent, options);
  }

  /** Ends the connection; members become inactive when the server's grace time is over. */
  async close(): Promise<void> {
    if (this.#end(new RtaError('The real-time connection has been closed.'))) this.#queue.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // the socket

  /** A new socket, subscribed as the former one was, and written into each followed session. */
  async #openSocket(): Promise<LiveSocket> {
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
      () => opening.abort(connectionLost()),
    );
    opened = socket;
    const stop = onAbort(signal, () => socket.close());
    try {
      const live = { socket, connectionId: await this.#subscribeToTaps(socket) };
      for (const wanted of this.#wanted) {
        const { resource, onEvent } = wanted;
        wanted.id = (await this.#limited(live, socket.subscribe(resource, onEvent))).id;
      }
      const followed = [...this.#followed.values()];
      for (let at = 0; at < followed.length; at += rewritesAtOnceMax) {
        const some = followed.slice(at, at + rewritesAtOnceMax);
        await Promise.all(some.map((one) => this.#rewrite(one, live)));
      }
      signal.throwIfAborted();
      if (socket.isOver) throw connectionLost();
      this.#live = live;
      void this.#watch(live);
      return live;
    } catch (error) {
      socket.close();
      signal.throwIfAborted();
      throw error;
    } finally {
      stop();
    }
  }

  /**
   * Ends the socket when the server does not answer on it any more. Otherwise a client that only
   * listens would not notice a lost network, since platforms hide pings.
   */
  async #watch(live: LiveSocket): Promise<void> {
    const { heartbeatMs = heartbeatMsDefault } = this.#settings;
    if (!Number.isFinite(heartbeatMs)) return;
    try {
      while (this.#live === live) {
        await this.#sleep(heartbeatMs);
        await this.#limited(live, live.socket.unsubscribe(noSubscription));
      }
    } catch {
      // The socket has ended; `#lost` handles it.
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
    if (typeof id !== 'string')
      throw connectionLost(new TypeError('the server gave no ConnectionId'));
    return id;
  }

  #lost(socket: RtaSocket): void {
    if (this.#live?.socket !== socket) return; // not ready yet: its opener gets the error
    this.#live = undefined;
    this.#next = this.#reconnect();
    this.#next.then(
      () => this.#queue.put({ kind: 'resync', why: 'reconnected' }),
      (error: Error) => this.#giveUp(error),
    );
  }

  #giveUp(error: Error): void {
    if (!this.#end(error)) return;
    this.#queue.end(error);
    this.#onSubscriptionsLost?.(error);
  }

  async #reconnect(): Promise<LiveSocket> {
    const { reconnect } = this.#settings;
    const policy = { ...defaultReconnectPolicy, ...(reconnect || undefined) };
    const attemptsMax = reconnect === false ? 0 : policy.attemptsMax;
    let cause: unknown = connectionLost();
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      await this.#sleep(reconnectDelayMs(attempt, this.#parts.random(), policy));
      try {
        return await this.#openSocket();
      } catch (error) {
        this.#ending.signal.throwIfAborted();
        cause = error;
        if (error instanceof MultiplayerError && isRefusal(error)) break;
      }
    }
    throw new RtaError('The real-time connection was lost and could not be made again.', { cause });
  }

  /** No more calls are possible. False: that was so before. */
  #end(error: Error): boolean {
    if (this.#ending.signal.aborted) return false;
    this.#ending.abort(error);
    this.#stopListening();
    this.#live?.socket.close();
    this.#live = undefined;
    this.#next = Promise.reject(error);
    this.#next.catch(() => {}); // callers get it when they wait for it
    for (const wanted of this.#wanted) this.#awaitNoMore(wanted);
    this.#wanted.clear();
    this.#followed.clear();
    this.#references.clear();
    this.#parts.onClosed(this);
    return true;
  }

  // sessions

  #newSubscription(
    changeTypes: readonly ChangeType[] = ['everything'],
    id = this.#parts.newGuid(),
  ): Subscription {
    return { id, changeTypes };
  }

  /**
   * Follows a session that was written on `live`, whose socket may have been lost meanwhile. When
   * `signal` is aborted, what was followed before is so again, since the caller knows nothing of this.
   */
  async #track(
    followed: SessionSubscription,
    live: LiveSocket,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return;
    const { reference } = followed;
    const resource = resourceOf(reference);
    const former = this.#followed.get(resource);
    this.#followed.set(resource, followed);
    this.#references.set(resource, reference);
    const stop = onAbort(signal, () => {
      if (this.#followed.get(resource) !== followed) return; // it was left meanwhile
      if (former === undefined) this.unfollow(reference);
      else this.#followed.set(resource, former);
    });
    try {
      for (let present = live; this.#live !== present && !signal.aborted; ) {
        present = await this.#next;
        if (!signal.aborted) await this.#rewrite(followed, present);
      }
    } finally {
      stop();
    }
  }

  /** Writes this connection id into a session; one that cannot be followed any more is reported. */
  async #rewrite(followed: SessionSubscription, live: LiveSocket): Promise<void> {
    const { reference } = followed;
    let refusal: MultiplayerError | undefined;
    try {
      const changes = withMember({}, memberOn(live, followed.subscription));
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

  async #unsubscribe(wanted: ResourceSubscription): Promise<void> {
    const live = this.#live;
    this.#awaitNoMore(wanted);
    if (!this.#wanted.delete(wanted) || live === undefined) return;
    try {
      await this.#limited(live, live.socket.unsubscribe(wanted.id));
    } catch (error) {
      if (!(error instanceof RtaError)) throw error; // a lost socket has ended the subscription as well
    }
  }

  /** `answer`; a socket on which it does not come in time is ended. */
  #limited<T>({ socket }: Pick<LiveSocket, 'socket'>, answer: Promise<T>): Promise<T> {
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

  /** A write of a session, once there is a socket. */
  #write<T>(
    path: string,
    options: CallOptions,
    task: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return this.#within(options, (limitMs) => timedOut({ verb: 'PUT', path }, limitMs), task);
  }

  /** What `task` gives within the limits of a call. The process stays alive meanwhile. */
  #within<T>(
    { signal, timeoutMs = this.#parts.timeoutMs }: CallOptions,
    late: (limitMs: number) => Error,
    task: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { sleep } = this.#parts;
    const time = { limitMs: timeoutMs, sleep, late: () => late(timeoutMs) };
    const limits = { signals: [signal], time };
    return this.#held(within(limits, task));
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
  // The types have it, Node 20 does not.
  if ((globalThis.WebSocket as unknown) !== undefined) return new WebSocket(url, protocol);
  throw new TypeError(
    'This platform has no WebSocket: use Node 22 or later, or give connect() one as "webSocket".',
  );
};

/** True of an answer that a repeated call would get again. */
function isRefusal({ status }: MultiplayerError): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

function memberOn({ connectionId }: LiveSocket, subscription: Subscription) {
  return { active: true, connection: connectionId, subscription };
}

/** `changes` with these system properties of the caller's member, unless they say otherwise. */
function withMember<Title extends TitleData>(
  changes: SessionChanges<Title>,
  system: ReturnType<typeof memberOn>,
): SessionChanges<Title> {
  requireObject(changes, 'changes', '{ members: { me: {} } }');
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
