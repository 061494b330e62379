/**
 * Acting as development users: requests that the server makes of itself over the wire, like any client, and
 * RTA connections that it holds for them. So what is done here is checked, logged and notified as usual.
 */

import { request } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import * as v from 'valibot';
import { formatDevelopmentToken } from '../auth/development-token.ts';
import { MultiplayerService, type RtaConnection } from '../client/multiplayer-service.ts';
import { isTitleId, isXuid, type Guid } from '../domain/ids.ts';
import { formatJson, type Json, type JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { exactObject, parseShape, text, titleObject, titleValue, word } from '../domain/shape.ts';
import type { ActAnswer, ActingConnection, ActingUser } from './api-types.ts';

/** Connections that are held at a time. */
const connectionsMax = 200;

const userShape = exactObject({
  xuid: text(isXuid, 'a xuid: decimal digits'),
  gamertag: v.optional(text((name) => name.length > 0 && name.length <= 100, 'a gamertag')),
  titleId: v.optional(text(isTitleId, 'a title id: a decimal number')),
});

const isTarget = (target: string): boolean =>
  /^\/[\x21-\x7e]{0,8000}$/.test(target) &&
  !/^\/(?:inspector|control|admin)(?:[/?]|$)/i.test(target);

const actShape = exactObject({
  as: userShape,
  method: word(['GET', 'PUT', 'POST', 'DELETE']),
  target: text(isTarget, 'a path of the services, percent-encoded, with its query'),
  headers: v.optional(titleObject),
  body: v.optional(titleValue),
  bodyText: v.optional(v.string('Expected a text')),
});

/** Headers that are made here. */
const ownHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'expect',
  'host',
  'origin',
  'transfer-encoding',
  'upgrade',
]);

const connectShape = exactObject({ as: userShape });

/** The acting users of one server, which answers at `ownUrl`. */
export class UserActions implements Disposable {
  readonly #ownUrl: () => string;
  readonly #connections = new Map<Guid, RtaConnection>();

  constructor(ownUrl: () => string) {
    this.#ownUrl = ownUrl;
  }

  /** The answer to a request that a user makes. Refuses: requestInvalid. */
  async act(body: JsonObject): Promise<ActAnswer | Refusal> {
    const asked = parseShape(actShape, body);
    if (asked instanceof Refusal) return asked;
    const headers = parseHeaders(asked.headers ?? {});
    if (headers instanceof Refusal) return headers;
    const sent = asked.bodyText ?? (asked.body === undefined ? '' : formatJson(asked.body as Json));
    return this.#send(asked.method, asked.target, sent, {
      'x-xbl-contract-version': '107',
      ...(sent !== '' && { 'content-type': 'application/json' }),
      ...headers,
      authorization: authorizationOf(asked.as as ActingUser),
    });
  }

  /** A connection of a user, with a subscription to the taps of sessions. Refuses: requestInvalid, connectionsFull. */
  async connect(body: JsonObject): Promise<ActingConnection | Refusal> {
    const asked = parseShape(connectShape, body);
    if (asked instanceof Refusal) return asked;
    if (this.#connections.size >= connectionsMax) {
      return new Refusal(
        'connectionsFull',
        `The inspector holds ${connectionsMax} connections; end some of them first.`,
      );
    }
    const as = asked.as as ActingUser;
    const service = new MultiplayerService({
      baseUrl: this.#ownUrl(),
      authorization: authorizationOf(as),
      xuid: as.xuid,
    });
    let id: Guid = '';
    const connection = await connect(service, () => this.#connections.delete(id));
    if (connection instanceof Refusal) return connection;
    id = connection.connectionId?.toLowerCase() ?? '';
    this.#connections.set(id, connection);
    return { id, as };
  }

  /** Closes a connection that is held here; false when there is none. */
  async disconnect(id: Guid): Promise<boolean> {
    const connection = this.#connections.get(id.toLowerCase());
    this.#connections.delete(id.toLowerCase());
    await connection?.close();
    return connection !== undefined;
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections.values()) void connection.close();
    this.#connections.clear();
  }

  #send(
    method: string,
    target: string,
    body: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<ActAnswer> {
    const { hostname, port } = new URL(this.#ownUrl());
    return new Promise((resolve, reject) => {
      const options = {
        hostname: hostname.replace(/^\[|\]$/g, ''),
        port,
        method,
        path: target,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        agent: false,
      };
      request(options, (answer) => {
        textOf(answer).then((answered) => {
          const flat = Object.entries(answer.headers).flatMap(([name, value]) =>
            value === undefined ? [] : [[name, [value].flat().join(', ')] as const],
          );
          resolve({
            requestId: String(answer.headers['x-xblcorrelationid'] ?? ''),
            status: answer.statusCode ?? 0,
            headers: Object.fromEntries(flat),
            body: answered,
          });
        }, reject);
      })
        .on('error', reject)
        .end(body);
    });
  }
}

/** Refuses: connectionUnknown, in the words of the server. */
async function connect(
  service: MultiplayerService,
  onSubscriptionsLost: () => void,
): Promise<RtaConnection | Refusal> {
  try {
    return await service.connect({ reconnect: false, onSubscriptionsLost });
  } catch (error) {
    return new Refusal(
      'connectionUnknown',
      `No connection was opened: ${(error as Error).message}`,
    );
  }
}

function authorizationOf({ xuid, gamertag, titleId }: ActingUser): string {
  const token = formatDevelopmentToken({
    xid: xuid,
    ...(gamertag !== undefined && { gtg: gamertag }),
    ...(titleId !== undefined && { tid: titleId }),
  });
  return `XBL3.0 x=-;${token}`;
}

/** Refuses: requestInvalid. */
function parseHeaders(headers: JsonObject): Readonly<Record<string, string>> | Refusal {
  const parsed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const isGood = /^[\w-]{1,100}$/.test(name) && !ownHeaders.has(name.toLowerCase());
    if (!isGood || typeof value !== 'string' || !/^[\x20-\x7e]{0,4000}$/.test(value)) {
      return new Refusal(
        'requestInvalid',
        `$.headers: The header ${JSON.stringify(name.slice(0, 100))} cannot be sent.`,
        { detail: '$.headers' },
      );
    }
    parsed[name.toLowerCase()] = value;
  }
  return parsed;
}
