/**
 * The way to hosts that are not of Xbox Live, for `--proxy-others tunnel`: names are looked up here, and
 * what leads to this machine or to a link-local address is refused, so that the proxy opens to nobody
 * what only this machine reaches.
 */

import { lookup } from 'node:dns/promises';
import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from 'node:http';
import { connect as connectTo, isIP, type LookupFunction, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../domain/error-message.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import { askForBody } from '../http/answer-early.ts';
import { type Authority, isClosedAddress } from './authority.ts';
import type { Others } from './forward-proxy.ts';

type Way = {
  readonly host: string;
  readonly port: number;
  /** Answers with checked addresses alone. */
  readonly lookup: LookupFunction;
  /** One address after the other until one accepts: a name may have an address that is dead. */
  readonly autoSelectFamily: true;
  readonly autoSelectFamilyAttemptTimeout: Milliseconds;
};

export type OthersSettings = {
  readonly connectMs: Milliseconds;
  /** All addresses of a name. Rejects when it has none. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** True of an address to which this machine lets nobody through. */
  readonly isClosed?: (address: string) => boolean;
};

/**
 * So long an address may take when there is another one to try. The system sends a lost request to connect again
 * after a second; Node would give up after a quarter of it.
 */
const attemptMsMax: Milliseconds = 2_500;

/** Headers that are for one connection alone. @source docs/gateway.md "Other hosts" */
const connectionHeaders: ReadonlySet<string> = new Set([
  ...['connection', 'proxy-connection', 'keep-alive', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

/** Leads to every other host that does not lead back to this machine. */
export function openOthers(settings: OthersSettings): Others {
  const { connectMs, resolve = resolveAll, isClosed = isClosedHere } = settings;

  /** How to connect to the host, or why nobody may. */
  async function wayTo({ host, port }: Authority): Promise<Way | Refusal> {
    let addresses: readonly string[];
    try {
      addresses = isIP(host) ? [host] : await resolve(host);
    } catch {
      return unreachable(host, 'its name is not known');
    }
    const open = addresses.filter((address) => !isClosed(address));
    if (open.length === 0) {
      return new Refusal(
        'hostForbidden',
        `${host} leads to this machine or to a link-local address.`,
      );
    }
    const attemptMs = Math.min(attemptMsMax, Math.ceil(connectMs / open.length));
    return {
      host,
      port,
      lookup: answerWith(open),
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: attemptMs,
    };
  }

  return {
    async connect(to, socket, head) {
      const way = await wayTo(to);
      if (way instanceof Refusal) return way;
      const upstream = await open(way, connectMs);
      if (upstream instanceof Error) return unreachable(to.host, messageOf(upstream));
      if (socket.destroyed) return void upstream.destroy();
      upstream.setNoDelay();
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) upstream.write(head);
      // Either end that fails ends both.
      await Promise.all([pipeline(socket, upstream), pipeline(upstream, socket)]).catch(() => {
        socket.destroy();
        upstream.destroy();
      });
      return undefined;
    },

    async forward(to, incoming, outgoing) {
      const way = await wayTo(to);
      if (way instanceof Refusal) return way;
      const url = new URL(incoming.url ?? '');
      askForBody(outgoing);
      const asked = request({
        ...way,
        method: incoming.method,
        path: `${url.pathname}${url.search}`,
        headers: { ...endToEnd(incoming.headers), host: url.host },
        timeout: connectMs,
        agent: false,
      });
      asked.once('timeout', () => asked.destroy(new Error('no answer in time')));
      incoming.pipe(asked);
      outgoing.once('close', () => asked.destroy());
      const failed = await answered(asked);
      if (failed instanceof Error) return unreachable(to.host, messageOf(failed));
      outgoing.writeHead(failed.statusCode ?? 502, endToEnd(failed.headers));
      await pipeline(failed, outgoing).catch(() => outgoing.destroy());
      return undefined;
    },
  };
}

async function resolveAll(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function answerWith(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, _options, answer) => answer(null, found);
}

function isClosedHere(address: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((all = []) => all);
  return isClosedAddress(address, new Set(own.map((one) => one.address.toLowerCase())));
}

/** A connection, or why there is none. */
function open(way: Way, withinMs: Milliseconds): Promise<Socket | Error> {
  const { promise, resolve } = Promise.withResolvers<Socket | Error>();
  const socket = connectTo({ ...way, timeout: withinMs });
  socket.once('connect', () => {
    socket.setTimeout(0);
    resolve(socket);
  });
  socket.once('timeout', () => socket.destroy(new Error('no connection in time')));
  socket.once('error', resolve);
  return promise;
}

/** The answer, or why there is none. */
function answered(asked: ClientRequest): Promise<IncomingMessage | Error> {
  const { promise, resolve } = Promise.withResolvers<IncomingMessage | Error>();
  asked.once('response', resolve).once('error', resolve);
  return promise;
}

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const listed = (headers.connection ?? '').toLowerCase().split(',');
  const named = new Set(listed.map((name) => name.trim()));
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !connectionHeaders.has(name) && !named.has(name)),
  );
}

function unreachable(host: string, why: string): Refusal {
  return new Refusal('hostUnreachable', `${host} cannot be reached: ${why}.`);
}
