/**
 * An OIDC issuer of one's own, for tests and trials: it says where its keys are and signs what it is
 * asked to.
 */

import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import { SignJWT } from 'jose';
import { freePort } from './free-port.ts';

type Algorithm = 'RS256' | 'ES256' | 'EdDSA';

type Key = {
  readonly id: string;
  readonly algorithm: Algorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
};

export type LocalIssuerSettings = {
  /** What its tokens say, where that is not its address. */
  readonly issuer?: string;
  readonly algorithm?: Algorithm;
  readonly nowMs?: () => number;
};

/** Listens on a free port of this machine until it is disposed of. */
export async function startLocalIssuer(settings: LocalIssuerSettings = {}): Promise<LocalIssuer> {
  const issuer = new LocalIssuer(settings);
  await issuer.begin();
  return issuer;
}

export class LocalIssuer implements AsyncDisposable {
  readonly #settings: LocalIssuerSettings;
  #server: Server | undefined;
  #port: number | undefined;
  #keysMade = 0;
  #keys: readonly Key[];
  /** What is asked for beside discovery and keys, by path. */
  readonly routes = new Map<string, RequestListener>();
  /** How often the keys were read. */
  keyReads = 0;
  /** How often the discovery document was read. */
  discoveryReads = 0;
  /** Changes the discovery document. */
  discovery: Readonly<Record<string, unknown>> = {};

  constructor(settings: LocalIssuerSettings) {
    this.#settings = settings;
    this.#keys = [this.#newKey()];
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get issuer(): string {
    return this.#settings.issuer ?? this.url;
  }

  get publicKey(): KeyObject {
    return this.#signingKey.publicKey;
  }

  get #signingKey(): Key {
    const key = this.#keys.at(-1);
    if (key === undefined) throw new Error('no key');
    return key;
  }

  /** Listens, again on the same port after `end`. */
  async begin(): Promise<void> {
    this.#port ??= await freePort();
    const server = createServer((incoming, outgoing) => {
      const path = new URL(String(incoming.url), this.url).pathname;
      const route = this.routes.get(path);
      if (route !== undefined) return route(incoming, outgoing);
      const answer = this.#answer(path);
      outgoing.writeHead(answer === undefined ? 404 : 200, { 'Content-Type': 'application/json' });
      outgoing.end(JSON.stringify(answer ?? {}));
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
  }

  /** Is away until it begins again. */
  async end(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  /** Signs with a new key from now on; `keepsFormer` leaves the former one in the key set. */
  rotate(keepsFormer = false): void {
    this.#keys = [...(keepsFormer ? this.#keys : []), this.#newKey()];
  }

  /** A token with these claims, for 10 minutes unless they say else. */
  async sign(
    claims: Readonly<Record<string, unknown>>,
    header: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    const { nowMs = Date.now } = this.#settings;
    const { id, algorithm, privateKey } = this.#signingKey;
    const nowSeconds = Math.floor(nowMs() / 1000);
    return new SignJWT({ iss: this.issuer, iat: nowSeconds, exp: nowSeconds + 600, ...claims })
      .setProtectedHeader({ alg: algorithm, kid: id, typ: 'JWT', ...header })
      .sign(privateKey);
  }

  /** A token that is signed with a secret: the attacks take what is public for one. */
  signWithSecret(claims: Readonly<Record<string, unknown>>, secret: string | Buffer): string {
    const text = [{ alg: 'HS256', kid: this.#signingKey.id, typ: 'JWT' }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  #answer(path: string): unknown {
    if (path === '/.well-known/openid-configuration') {
      this.discoveryReads += 1;
      return { issuer: this.issuer, jwks_uri: `${this.url}/keys`, ...this.discovery };
    }
    if (path !== '/keys') return undefined;
    this.keyReads += 1;
    return {
      keys: this.#keys.map(({ id, algorithm, publicKey }) => ({
        ...publicKey.export({ format: 'jwk' }),
        kid: id,
        alg: algorithm,
        use: 'sig',
      })),
    };
  }

  #newKey(): Key {
    const { algorithm = 'RS256' } = this.#settings;
    this.#keysMade += 1;
    const id = `key-${this.#keysMade}`;
    const pair =
      algorithm === 'RS256'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : algorithm === 'ES256'
          ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
          : generateKeyPairSync('ed25519');
    return { id, algorithm, ...pair };
  }
}
