import type { SessionKey } from '../domain/session/reference.ts';
import type { Context } from './context.ts';

/**
 * Keys that no session has, spread over the shards of the store: a node is of use while any shard
 * answers.
 */
const probedKeys: readonly SessionKey[] = Array.from({ length: 8 }, (_, n) => `~~readiness-${n}`);

/** Resolves when some part of the store answers; rejects when none does. */
export async function probeStore({ store }: Pick<Context, 'store'>): Promise<void> {
  await Promise.any(probedKeys.map((key) => store.session(key)));
}
