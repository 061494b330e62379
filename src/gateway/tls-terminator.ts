/**
 * Ends TLS for the hosts that are served, and hands on what is inside.
 *
 *   accepted ─▶ first byte ─┬─▶ TLS: handshake ─┬─▶ a served name, or none ─▶ app
 *                           │                   └─▶ a foreign name: 421
 *                           └─▶ not TLS ─▶ plain(socket)
 *
 * A connection that does not come so far in time is cut.
 */

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { Guid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import { hangUp } from '../http/connection-refusal.ts';
import { isXboxHost } from '../http/hosts.ts';
import { refusalResponse } from '../http/refusal-response.ts';
import type { KeyedCertificate } from './certificates.ts';

export type TlsTerminator = {
  /** Takes a connection; `plain` gets it when what comes is not TLS. */
  accept(socket: Socket, plain: (socket: Socket) => void): void;
  /** Uses another leaf for handshakes that begin from now on. */
  use(leaf: KeyedCertificate): void;
  /** Cuts what has not come so far as to be handed on. */
  cut(): void;
};

export type TerminatorSettings = {
  readonly leaf: KeyedCertificate;
  /** For the first byte and the handshake together. */
  readonly handshakeMs: Milliseconds;
  /** Gets each connection whose handshake is done. */
  readonly secured: (socket: TLSSocket) => void;
  readonly freshGuid: () => Guid;
};

/** The first byte of a TLS record that begins a handshake. */
const handshakeByte = 0x16;

/** A terminator of TLS that shows `leaf`. */
export function openTlsTerminator(settings: TerminatorSettings): TlsTerminator {
  const { handshakeMs, secured, freshGuid } = settings;
  /** What has not come so far as to be handed on. */
  const pending = new Set<Duplex>();
  let secureContext = contextOf(settings.leaf);

  function handshake(socket: Socket, done: () => void): void {
    const tls = new TLSSocket(socket, {
      isServer: true,
      secureContext,
      ALPNProtocols: ['http/1.1'],
    });
    // A client that does not trust the root ends so; it knows why.
    const failed = (): void => void tls.destroy();
    tls.on('error', failed);
    tls.once('secure', () => {
      done();
      tls.off('error', failed);
      const name = tls.servername;
      if (typeof name !== 'string' || name === '' || isXboxHost(name)) return secured(tls);
      tls.on('error', ignore);
      const refusal = new Refusal('hostForbidden', `This server is not ${JSON.stringify(name)}.`);
      hangUp(tls, { ...refusalResponse(refusal, 107), status: 421 }, freshGuid());
    });
  }

  return {
    accept(socket, plain) {
      pending.add(socket);
      socket.on('error', ignore);
      const timer = setTimeout(() => socket.destroy(), handshakeMs).unref();
      const done = (): void => {
        clearTimeout(timer);
        pending.delete(socket);
      };
      socket.once('close', done);
      const look = (): void => {
        const first: Buffer | null = socket.read(1);
        if (first === null) {
          socket.once('readable', look);
          return;
        }
        socket.unshift(first);
        if (first[0] === handshakeByte) handshake(socket, done);
        else {
          done();
          plain(socket);
        }
      };
      look();
    },
    use(leaf) {
      secureContext = contextOf(leaf);
    },
    cut() {
      for (const socket of pending) socket.destroy();
    },
  };
}

function contextOf({ certificate, key }: KeyedCertificate): SecureContext {
  return createSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2' });
}

function ignore(): void {}
