/**
 * A caller who sends far more than it may, in a process of its own. Messages switch it: `refused` sends the
 * requests of one user, who is over the limit; `served` sends as many for users who are not; `off` sends
 * none. It answers `report` with what became of them since the last report.
 */

import { type HttpLine, openHttpLine } from './http-line.ts';
import { formatRequest } from './load.ts';
import { headersOf, pathOf } from './sample.ts';

/** 25 times the limit of 300 in 15 s. */
export const offenderPerSecond = 500;
/** So many users send a quarter of their limit each. */
const servedUsersCount = 100;
const offendingUser = 1_000_000;
/** Enough for an answer that takes 30 ms. */
const linesCount = 16;

export type OffenderReport = { readonly refused: number; readonly served: number };

if (process.send !== undefined) await start(process.argv[2] ?? '');

async function start(url: string): Promise<void> {
  const requestOf = (user: number): string =>
    formatRequest({ method: 'GET', path: pathOf(0), headers: headersOf(user) }, new URL(url).host);
  const requests = {
    off: [],
    refused: [requestOf(offendingUser)],
    served: Array.from({ length: servedUsersCount }, (_, n) => requestOf(offendingUser + 1 + n)),
  } as const;
  const lines = await Promise.all(Array.from({ length: linesCount }, () => openHttpLine(url)));
  let mode: keyof typeof requests = 'off';
  let due = 0;
  let beganMs = 0;
  let refused = 0;
  let served = 0;
  const send = async (line: HttpLine, request: string): Promise<void> => {
    const { status } = await line.send(request);
    if (status === 429) refused += 1;
    else if (status === 200) served += 1;
    else throw new Error(`the other caller got ${status}`);
  };
  setInterval(() => {
    const dueNow = ((performance.now() - beganMs) * offenderPerSecond) / 1_000;
    for (const list = requests[mode]; list.length > 0 && due < dueNow; due += 1) {
      const free = lines.find((line) => line.isFree());
      if (free) void send(free, list[due % list.length] ?? '');
    }
  }, 1_000 / offenderPerSecond);
  process.on('message', (message) => {
    if (message === 'report') {
      process.send?.({ refused, served } satisfies OffenderReport);
      refused = 0;
      served = 0;
    } else {
      mode = message as typeof mode;
      due = 0;
      beganMs = performance.now();
    }
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ url });
}
