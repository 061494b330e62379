/**
 * A caller far over its limit, in a process of its own: `on` and `off` switch it. Sends a message with
 * how many of its requests were refused when it is asked for a report.
 */

import { Agent, get } from 'node:http';
import { headersOf, pathOf } from './sample.ts';

/** 25 times its limit of 300 in 15 s. */
export const offenderPerSecond = 500;
const user = 1_000_000;

if (process.send !== undefined) start(process.argv[2] ?? '');

function start(url: string): void {
  const agent = new Agent({ keepAlive: true });
  let timer: NodeJS.Timeout | undefined;
  let refused = 0;
  const send = (): void => {
    get(`${url}${pathOf(user)}`, { agent, headers: headersOf(user) }, (answer) => {
      if (answer.statusCode === 429) refused += 1;
      answer.resume();
    }).on('error', () => undefined);
  };
  process.on('message', (message) => {
    clearInterval(timer);
    if (message === 'on') timer = setInterval(send, 1_000 / offenderPerSecond);
    if (message === 'report') process.send?.(refused);
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ url });
}
