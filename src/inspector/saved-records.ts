/** Records of the services beside the sessions, as a saved state has them: match tickets, activities, presence, bans. */

import type { Context } from '../directory/context.ts';
import { Refusal } from '../domain/refusal.ts';
import { latestTimeMs } from '../domain/time.ts';
import { hopperKeyOf, TicketStore } from '../matchmaking/ticket-store.ts';
import type { RecordChange, RecordName, StoredRecord } from '../store/store.ts';
import type { SavedRecord } from './api-types.ts';
import { savedTables } from './state-shapes.ts';

/** Records of one table that are found by their due time. */
const recordsMax = 100_000;

/** Records that are read, and changed, in one step. */
const pageMax = 200;

type Table = (typeof savedTables)[number];
type RecordsContext = Pick<Context, 'store' | 'catalog'>;

/** All of the store, in the order of their names. Refuses: tooManyItems. */
export async function readRecords(
  context: RecordsContext,
): Promise<readonly SavedRecord[] | Refusal> {
  const places = await placesOf(context);
  if (places instanceof Refusal) return places;
  const saved: SavedRecord[] = [];
  for (const { table, groups } of places) {
    for (const group of groups) {
      for (const { id, value, dueMs } of await recordsOf(context, table, group)) {
        if (isNews(table, id)) continue;
        saved.push({ table, group, id, ...(dueMs !== undefined && { dueMs }), value });
      }
    }
  }
  return saved;
}

/** What the nodes of a store tell each other of tickets. It is over when it is read. */
function isNews(table: Table, id: string): boolean {
  return table === 'matchmaking' && id.startsWith('~');
}

export type Place = { readonly table: Table; readonly groups: readonly string[] };

/** Where records are. Refuses: tooManyItems, when there may be others that are not found. */
export async function placesOf(context: RecordsContext): Promise<readonly Place[] | Refusal> {
  const places: Place[] = [];
  for (const table of savedTables) {
    const groups = await groupsOf(context, table);
    if (groups instanceof Refusal) return groups;
    places.push({ table, groups });
  }
  return places;
}

/** Those that hold a record with a due time, and the hoppers, whose figures have none. */
async function groupsOf(
  { store, catalog }: RecordsContext,
  table: Table,
): Promise<readonly string[] | Refusal> {
  const due: readonly RecordName[] = await store.dueRecords(table, latestTimeMs, recordsMax + 1);
  if (due.length > recordsMax) {
    return tooLarge(`${recordsMax} records of "${table}"`);
  }
  const hoppers =
    table === 'matchmaking'
      ? [...catalog().values()].flatMap(({ scid, hoppers: own }) =>
          [...(own?.values() ?? [])].map(({ name }) => hopperKeyOf(scid, name)),
        )
      : [];
  return [...new Set([...due.map(({ group }) => group), ...hoppers])].sort();
}

/** The refusal of a store of which a part would be left out. */
export function tooLarge(what: string): Refusal {
  return new Refusal(
    'tooManyItems',
    `The store holds more than ${what}: its state cannot be saved as a file, or replaced by one.`,
  );
}

async function recordsOf(
  { store }: RecordsContext,
  table: Table,
  group: string,
): Promise<readonly StoredRecord[]> {
  const all: StoredRecord[] = [];
  for (;;) {
    const page = await store.records(table, group, pageMax, all.at(-1)?.id);
    all.push(...page);
    if (page.length < pageMax) return all;
  }
}

/** Removes all records at these places from the store. */
export async function removeRecords(
  context: RecordsContext,
  places: readonly Place[],
): Promise<void> {
  for (const { table, groups } of places) {
    for (const group of groups) {
      const records = await recordsOf(context, table, group);
      await commit(
        context,
        table,
        group,
        records.map(({ id }) => ({ id })),
      );
    }
  }
}

/** Stores these, in place of those of the same names. */
export async function putRecords(
  context: RecordsContext & Pick<Context, 'ids' | 'clock'>,
  records: readonly SavedRecord[],
  isShared: boolean,
): Promise<void> {
  const groups = new Map<string, SavedRecord[]>();
  for (const record of records) {
    const name = `${record.table} ${record.group}`;
    const own = groups.get(name);
    if (own) own.push(record);
    else groups.set(name, [record]);
  }
  const tickets = new TicketStore(context.store, isShared ? context : undefined);
  for (const own of groups.values()) {
    const [{ table, group } = { table: '', group: '' }] = own;
    await commit(
      context,
      table as Table,
      group,
      own.map(({ id, value, dueMs }) => ({ id, value, dueMs })),
    );
    // A node that works the hopper reads what is new, and not all that waits.
    if (table === 'matchmaking') {
      const ticketIds = own.flatMap(({ id, value }) => (value['kind'] === 'ticket' ? [id] : []));
      await tickets.announce(group, ticketIds);
    }
  }
}

async function commit(
  { store }: RecordsContext,
  table: Table,
  group: string,
  changes: readonly RecordChange[],
): Promise<void> {
  for (let at = 0; at < changes.length; at += pageMax) {
    await store.commitRecords(table, group, changes.slice(at, at + pageMax));
  }
}
