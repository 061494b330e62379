/**
 * Gamertags, kept in the store: this server learns them from tokens.
 *
 *     profiles    group xuid, id "profile"     { gamertag }
 *     gamertags   group first character        a row for each gamertag: a hint, which the profile confirms
 */

import type { Context } from '../directory/context.ts';
import type { Xuid } from '../domain/ids.ts';
import {
  gamertagGroup,
  gamertagKey,
  gamertagRow,
  parseGamertagRow,
} from '../domain/profile/gamertag-key.ts';
import { madeUpGamertag } from '../domain/profile/profile.ts';
import { Refusal } from '../domain/refusal.ts';
import { unlessDamaged } from '../store/store.ts';

const profiles = 'profiles';
const gamertags = 'gamertags';
const profileId = 'profile';

/** Gamertags that are stored in one go, and of those at once. */
const storedMax = 500;
const atOnceMax = 20;

/**
 * Stores the gamertags that tokens have said since the last time. The result says whether there may
 * be more. Throws StoreUnavailable; what was not stored then waits for the next time.
 */
export async function storeSeenNames(context: Context): Promise<'done' | 'more'> {
  const seen = context.names.take(storedMax);
  for (let at = 0; at < seen.length; at += atOnceMax) {
    const outcomes = await Promise.allSettled(
      seen.slice(at, at + atOnceMax).map(async ([xuid, gamertag]) => {
        try {
          await context.setAside.attempt('the gamertag', `${profiles} ${xuid}`, () =>
            storeGamertag(context, xuid, gamertag),
          );
        } catch (error) {
          context.names.putBack(xuid, gamertag);
          throw error;
        }
      }),
    );
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed === undefined) continue;
    for (const [xuid, gamertag] of seen.slice(at + atOnceMax)) {
      context.names.putBack(xuid, gamertag);
    }
    throw failed.reason;
  }
  return seen.length === storedMax ? 'more' : 'done';
}

/** In an order in which every stop leaves rows that lead nowhere, and no gamertag without its row. */
async function storeGamertag({ store }: Context, xuid: Xuid, gamertag: string): Promise<void> {
  const former = (await store.record(profiles, xuid, profileId))?.value['gamertag'];
  if (former === gamertag) return;
  const key = gamertagKey(gamertag);
  const group = gamertagGroup(key);
  if (group !== undefined) {
    await store.commitRecords(gamertags, group, [{ id: gamertagRow(key, xuid), value: {} }]);
  }
  await store.commitRecords(profiles, xuid, [{ id: profileId, value: { gamertag } }]);
  const formerKey = typeof former === 'string' ? gamertagKey(former) : '';
  const formerGroup = gamertagGroup(formerKey);
  if (formerGroup !== undefined && formerKey !== key) {
    await store.commitRecords(gamertags, formerGroup, [{ id: gamertagRow(formerKey, xuid) }]);
  }
}

/** The gamertags of these users, each of whom has one: of who was never seen it is made up. */
export async function gamertagsOf(
  context: Context,
  xuids: readonly Xuid[],
): Promise<ReadonlyMap<Xuid, string>> {
  const found = await Promise.all(
    xuids.map(async (xuid) => [xuid, await gamertagOf(context, xuid)] as const),
  );
  return new Map(found);
}

/** The gamertag of a user; of who was never seen it is made up. */
export async function gamertagOf({ names, store }: Context, xuid: Xuid): Promise<string> {
  const seen = names.of(xuid);
  if (seen !== undefined) return seen;
  const profile = await unlessDamaged(store.record(profiles, xuid, profileId));
  const stored = profile?.value['gamertag'];
  return typeof stored === 'string' ? stored : madeUpGamertag(xuid);
}

/** Rows that a search looks at in one go, and in all. */
const rowsAtOnce = 100;
const rowsMax = 1_000;

/**
 * Users whose gamertag begins like this, in the order of gamertags, at most `limit`; without regard to
 * case. None for an empty beginning. One who was named a moment ago may be missing.
 */
export async function findByGamertag(
  context: Context,
  beginning: string,
  limit: number,
): Promise<readonly Xuid[]> {
  const key = gamertagKey(beginning);
  const group = gamertagGroup(key);
  if (group === undefined) return [];
  const found: Xuid[] = [];
  let after = key;
  for (let looked = 0; looked < rowsMax && found.length < limit; looked += rowsAtOnce) {
    const rows = await context.store.records(gamertags, group, rowsAtOnce, after);
    const fitting = rows
      .map(({ id }) => parseGamertagRow(id))
      .filter((row) => row.key.startsWith(key));
    const names = await gamertagsOf(
      context,
      fitting.map(({ xuid }) => xuid),
    );
    for (const row of fitting) {
      if (gamertagKey(names.get(row.xuid) ?? '') === row.key) found.push(row.xuid);
    }
    if (fitting.length < rowsAtOnce) break;
    after = rows.at(-1)?.id ?? after;
  }
  return found.slice(0, limit);
}

/** The user with this gamertag, the first by xuid where several have it. Refuses: gamertagUnknown. */
export async function xuidOfGamertag(context: Context, gamertag: string): Promise<Xuid | Refusal> {
  const key = gamertagKey(gamertag);
  const group = gamertagGroup(key);
  const rows =
    group === undefined ? [] : await context.store.records(gamertags, group, rowsAtOnce, key);
  const xuids = rows.map(({ id }) => parseGamertagRow(id)).filter((row) => row.key === key);
  for (const { xuid } of xuids) {
    if (gamertagKey(await gamertagOf(context, xuid)) === key) return xuid;
  }
  return new Refusal('gamertagUnknown', `No user with the gamertag "${gamertag}" has been here.`, {
    detail: 'path',
  });
}
