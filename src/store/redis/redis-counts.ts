import type { Milliseconds } from '../../domain/time.ts';
import type { SharedCounts } from '../store.ts';
import type { RedisCommands } from './redis-commands.ts';

/** What the processes on a Redis count together: see SharedCounts. */
export class RedisCounts implements SharedCounts {
  readonly #commands: RedisCommands;

  constructor(commands: RedisCommands) {
    this.#commands = commands;
  }

  async add(name: string, by: number, lifetimeMs: Milliseconds): Promise<number> {
    this.#commands.assertOpen();
    const key = this.#commands.keys.count(name);
    const values = [String(by), String(Math.max(1, Math.ceil(lifetimeMs)))];
    return Number(await this.#commands.writeScriptPlainly('addCount', [key], values));
  }
}
