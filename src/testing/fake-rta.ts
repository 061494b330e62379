/**
 * A directory in memory that speaks the frames of RTA, for tests of the client: sockets are cut,
 * connects refused and answers delayed when a test says so.
 */

import type {
  FetchAnswer,
  Fetch,
  OpenWebSocket,
  WebSocketLike,
} from '../client/multiplayer-service.ts';

type Listener = (event: { readonly data?: unknown }) => void;

export type FakeWrite = {
  readonly path: string;
  readonly ifMatch: string | undefined;
  readonly body: unknown;
};

export class FakeRta {
  /** Every URL and sub-protocol that was connected to. */
  readonly connects: string[] = [];
  readonly sockets: FakeSocket[] = [];
  readonly writes: FakeWrite[] = [];
  readonly nonceAnswers: number[] = [];
  readonly writeAnswers: number[] = [];
  /** How many of the next connects are refused. */
  refusals = 0;
  /** Called for each write before it is answered. */
  onWrite: () => void = () => {};
  /** Codes for the next subscribes; 0 when there are no more. Undefined: no answer. */
  readonly codes: (number | undefined)[] = [];
  #nonces = 0;

  readonly fetch: Fetch = async (url, { method, headers, body }) => {
    const path = url.replace(/^https?:\/\/[^/]+/, '');
    if (path === '/nonce') {
      this.#nonces += 1;
      return answer(this.nonceAnswers.shift() ?? 200, { nonce: `nonce ${this.#nonces}` });
    }
    if (method === 'PUT') {
      this.writes.push({ path, ifMatch: headers['If-Match'], body: JSON.parse(body ?? 'null') });
      this.onWrite();
    }
    const contentLocation = path.startsWith('/handles/') ? pathOfHandles : undefined;
    return answer(this.writeAnswers.shift() ?? 200, sampleDocument, contentLocation);
  };

  readonly webSocket: OpenWebSocket = (url, protocol) => {
    this.connects.push(`${url} ${protocol}`);
    const socket = new FakeSocket(this, this.refusals > 0, `connection-${this.connects.length}`);
    this.refusals = Math.max(0, this.refusals - 1);
    this.sockets.push(socket);
    return socket;
  };

  /** The socket that was opened last. */
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('no client has connected');
    return socket;
  }
}

/** The session of every handle. */
const pathOfHandles = '/serviceconfigs/s/sessionTemplates/Lobby/sessions/Invited';

const sampleDocument = { members: {}, constants: {}, branch: 'b', changeNumber: 1 };

function answer(status: number, body: unknown, contentLocation?: string): FetchAnswer {
  const headers = new Headers({ ETag: '"1"' });
  if (contentLocation) headers.set('Content-Location', contentLocation);
  return {
    status,
    headers,
    text: async () => (status === 204 || status === 412 ? '' : JSON.stringify(body)),
  };
}

export class FakeSocket implements WebSocketLike {
  /** Resources by subscription id. */
  readonly subscriptions = new Map<number, string>();
  readonly #listeners: [type: string, listener: Listener][] = [];
  readonly #rta: FakeRta;
  readonly #connectionId: string;
  isClosed = false;
  /** True: sent frames are lost silently. */
  isDeaf = false;
  #ids = 0;

  constructor(rta: FakeRta, isRefused: boolean, connectionId: string) {
    this.#rta = rta;
    this.#connectionId = connectionId;
    setImmediate(() => (isRefused ? this.drop() : this.#emit('open')));
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.push([type, listener]);
  }

  send(text: string): void {
    const [kind, seq, what] = JSON.parse(text) as [number, number, string | number];
    setImmediate(() => {
      if (this.isDeaf) return;
      if (kind === 2) {
        this.subscriptions.delete(Number(what));
        return this.push([2, seq, 0]);
      }
      const code = this.#rta.codes.length > 0 ? this.#rta.codes.shift() : 0;
      if (code === undefined) return;
      if (code !== 0) return this.push([1, seq, code, 'no', null]);
      const id = this.#ids++;
      this.subscriptions.set(id, String(what));
      const isDirectory = String(what).includes('/connections/');
      this.push([1, seq, 0, id, isDirectory ? { ConnectionId: this.#connectionId } : null]);
    });
  }

  /** The client's own end. */
  close(): void {
    this.isClosed = true;
    setImmediate(() => this.#emit('close'));
  }

  /** Sends a frame, or a text as it is. */
  push(frame: unknown): void {
    if (!this.isClosed) {
      this.#emit('message', typeof frame === 'string' ? frame : JSON.stringify(frame));
    }
  }

  /** Sends an event to each subscription whose resource contains this text. */
  event(resource: string, data: unknown): void {
    for (const [id, uri] of this.subscriptions)
      if (uri.includes(resource)) this.push([3, id, data]);
  }

  /** Taps: resource, branch and change number of each; undefined: the session has ended. */
  taps(...taps: readonly (readonly [string, string, number | undefined])[]): void {
    const shoulderTaps = taps.map(([resource, branch, changeNumber]) => ({
      timestamp: '2016-09-20T20:50:01.0180974Z',
      subscription: '81a3266d-0000-4000-8000-000000000000',
      resourceType: 'mpsd/session',
      resource,
      branch,
      changeNumber,
    }));
    this.event('/connections/', { ncid: 'f3e4b713', shoulderTaps });
  }

  /** Cuts the socket. */
  drop(): void {
    this.isClosed = true;
    this.#emit('error');
    this.#emit('close');
  }

  #emit(type: string, data?: unknown): void {
    for (const [of, listener] of [...this.#listeners]) if (of === type) listener({ data });
  }
}
