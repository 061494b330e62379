import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { keyOf } from '../src/domain/session/reference.ts';
import type { Session } from '../src/domain/session/session.ts';
import { dataFileOf } from '../src/store/sqlite/data-folder.ts';
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import { sendAll } from './load.ts';
import { startPinned } from './process.ts';
import { headersOf, joinBody, pathOf } from './sample.ts';

/**
 * Fills a data folder with `count` sessions like the ones that the directory makes, the n-th as
 * `vary` makes it of a sample; those with a search handle are kept as the directory keeps them.
 */
export async function storeSessions(
  folder: string,
  data: string,
  count: number,
  vary: (sample: Session, n: number) => Session = (sample) => sample,
): Promise<void> {
  const sample = await makeSample(folder);
  await using store = await openSqliteStore({ file: dataFileOf(data), durability: 'relaxed' });
  const commit = (n: number) => {
    const reference = { ...sample.reference, name: `session-${n}` };
    const session = vary({ ...sample, reference }, n);
    const handle = session.searchHandle;
    return store.commit({
      session: {
        kind: 'put',
        key: keyOf(reference),
        expectRevision: 0,
        session,
        dueMs: undefined,
        ...(handle && { isSearchChange: true }),
      },
      ...(handle && { handle }),
    });
  };
  for (let n = 0; n < count; n += 1_000) {
    await Promise.all(Array.from({ length: Math.min(1_000, count - n) }, (_, i) => commit(n + i)));
  }
}

/** One session of four members, as a server made it. */
async function makeSample(folder: string): Promise<Session> {
  const data = join(folder, 'sample');
  {
    await using server = await startPinned('measured-server.ts', [data]);
    for (const seat of [0, 1, 2, 3]) {
      await sendAll(server.url, 1, () => ({
        method: 'PUT',
        path: pathOf(0),
        headers: headersOf(0, seat),
        body: joinBody(seat),
      }));
    }
  }
  await using store = await openSqliteStore({ file: dataFileOf(data), durability: 'strict' });
  const key = pathOf(0)
    .split('/')
    .filter((_, i) => [2, 4, 6].includes(i))
    .join('~')
    .toLowerCase();
  const record = await store.session(key);
  await rm(data, { recursive: true });
  if (record === undefined) throw new Error('the sample session is not there');
  return record.session;
}
