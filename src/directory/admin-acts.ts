/**
 * What administrators have done, kept in the store.
 *
 *     admin-acts   group "all", id time and GUID   an AdminAct; removed when it is old
 */

import type { Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Share } from '../store/store.ts';
import { sweepRecords } from './change-record.ts';
import type { Context } from './context.ts';

/** What an administrator has done, or begun to do. */
export type AdminAct = {
  readonly atMs: Milliseconds;
  /** The name of the administrator. */
  readonly by: string;
  readonly act: 'kick' | 'end' | 'ban' | 'unban' | 'disconnect' | 'reload' | 'drain' | 'undrain';
  readonly xuid?: Xuid;
  /** The path of the session. */
  readonly session?: string;
  readonly connection?: string;
  /** Of a ban. */
  readonly untilMs?: Milliseconds;
  readonly reason?: string;
};

const table = 'admin-acts';
const group = 'all';

/** How long an act is kept: 90 days. */
const keptMs: Milliseconds = 90 * 86_400_000;

/** Digits of a time, so that ids are in the order of time. */
const timeDigits = 15;

/** Stores an act, before it is done. Throws StoreUnavailable. */
export async function noteAdminAct(
  { store, ids }: Pick<Context, 'store' | 'ids'>,
  act: AdminAct,
): Promise<void> {
  const id = `${beginningOf(act.atMs)}-${ids.guid()}`;
  const value = { ...act } as unknown as JsonObject;
  await store.commitRecords(table, group, [{ id, value, dueMs: act.atMs + keptMs }]);
}

/** The acts from a time on, the oldest first, at most `limit`. Throws StoreUnavailable. */
export async function readAdminActs(
  { store }: Pick<Context, 'store'>,
  fromMs: Milliseconds,
  limit: number,
): Promise<readonly AdminAct[]> {
  const records = await store.records(table, group, limit, beginningOf(Math.max(0, fromMs)));
  return records.map(({ value }) => value as unknown as AdminAct);
}

/** Removes old acts. */
export function sweepAdminActs(
  context: Pick<Context, 'store' | 'clock' | 'setAside'>,
  share: Share | undefined,
): Promise<'done' | 'more'> {
  return sweepRecords(context, table, share);
}

function beginningOf(atMs: Milliseconds): string {
  return String(Math.floor(atMs)).padStart(timeDigits, '0');
}
