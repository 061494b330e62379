import type { JsonObject } from '../../domain/json.ts';
import type { SessionKey } from '../../domain/session/reference.ts';
import type { Milliseconds } from '../../domain/time.ts';
import type { PendingTaps, PendingNotifications, Share } from '../store.ts';
import type { RedisCommands } from './redis-commands.ts';
import { parseStored } from './redis-replies.ts';

/** Taps that are noted beside the session which they are of, in its partition. */
export class RedisPendingNotifications implements PendingNotifications {
  readonly #commands: RedisCommands;

  constructor(commands: RedisCommands) {
    this.#commands = commands;
  }

  async read(ageMs: Milliseconds, limit: number, share?: Share): Promise<readonly PendingTaps[]> {
    this.#commands.assertOpen();
    const values = [String(ageMs), String(limit)];
    const found = await this.#commands.inPartitions(
      share,
      { keyOf: ({ pendingTaps }) => pendingTaps, read: ['EXISTS'] },
      async ({ pendingTaps, pendingTexts }) => {
        const keys = [pendingTaps, pendingTexts];
        const parts = await this.#commands.readScript('pendingTaps', keys, values);
        return noted(parts as readonly string[]);
      },
    );
    const inOrder = [...found].sort((a, b) => a.timeMs - b.timeMs);
    return inOrder.slice(0, limit).map(({ taps }) => taps);
  }

  async forget(key: SessionKey, revision: number): Promise<void> {
    this.#commands.assertOpen();
    const { pendingTaps, pendingTexts } = this.#commands.keys.ofSession(key).partition;
    await this.#commands.readScript(
      'forgetTaps',
      [pendingTaps, pendingTexts],
      [`${key}\n${revision}`],
    );
  }
}

/** What the script `pendingTaps` answers: triples of name, time and text. */
function noted(
  parts: readonly string[],
): readonly { readonly timeMs: Milliseconds; readonly taps: PendingTaps }[] {
  return Array.from({ length: parts.length / 3 }, (_, n) => {
    const [name = '', timeMs = '', text = ''] = parts.slice(3 * n);
    const [key = '', revision = ''] = name.split('\n');
    const taps = { key, revision: Number(revision), pendingTaps: parseTaps(text) };
    return { timeMs: Number(timeMs), taps };
  });
}

/** The taps; of a damaged text an object that says so, since others must not wait for it. */
function parseTaps(text: string): JsonObject {
  try {
    return parseStored<JsonObject>(text);
  } catch {
    return { damaged: text };
  }
}
