import { randomBytes } from 'node:crypto';
import type { Milliseconds } from '../../domain/time.ts';
import { StoreUnavailable, type Agreements } from '../store.ts';
import type { RedisCommands } from './redis-commands.ts';

/** What the processes on a Redis agree on: see Agreements. */
export class RedisAgreements implements Agreements {
  readonly #commands: RedisCommands;

  constructor(commands: RedisCommands) {
    this.#commands = commands;
  }

  async acquireOnce(name: string, nowMs: Milliseconds, untilMs: Milliseconds): Promise<boolean> {
    this.#commands.assertOpen();
    const key = this.#commands.keys.claim(name);
    const lifetime = String(Math.max(1, Math.ceil(untilMs - nowMs)));
    return (await this.#commands.write(['SET', key, '1', 'NX', 'PX', lifetime])) === 'OK';
  }

  async secret(known?: Uint8Array): Promise<Uint8Array> {
    this.#commands.assertOpen();
    const { secret } = this.#commands.keys;
    const stored = await this.#commands.read(secret, ['GET', secret]);
    if (stored !== null) return Buffer.from(String(stored), 'base64');
    const proposed = Buffer.from(known ?? randomBytes(32)).toString('base64');
    await this.#commands.write(['SET', secret, proposed, 'NX']);
    const agreed = await this.#commands.read(secret, ['GET', secret]);
    if (agreed === null) throw new StoreUnavailable('The store does not keep its secret.');
    return Buffer.from(String(agreed), 'base64');
  }
}
