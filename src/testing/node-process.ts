/** Servers as processes of their own, started as users start them. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { commandFile } from './command-file.ts';

export type NodeProcess = AsyncDisposable & {
  /** `http://127.0.0.1:8350` */
  readonly url: string;
  readonly pid: number;
  /** The lines that it printed on stderr. */
  readonly complaints: readonly string[];
  /** How it ended: exit code or signal. */
  readonly ended: Promise<number | string>;
  /** Kills it (SIGKILL); resolves when it is gone. */
  kill(): Promise<void>;
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM' | 'SIGINT'): void;
};

export type NodeProcessOptions = {
  /** A module that is loaded before the server: a text of JavaScript. */
  readonly before?: string;
  /** The command of another version: the path of its `main.js` or `main.cjs`. */
  readonly main?: string;
};

/**
 * `openmpsd serve --port 0` with these flags, once it is ready; it logs no requests. Throws, with what
 * it printed, when it ends before.
 */
export function startNodeProcess(
  flags: readonly string[],
  options: NodeProcessOptions = {},
): Promise<NodeProcess> {
  return startPatiently(() => start(flags, options));
}

/**
 * What `start` starts. At its start a server gives Redis some seconds to be found, and again some for
 * each command, which a busy machine may not have: then it is started again, 24 times at most.
 */
export async function startPatiently<Started>(start: () => Promise<Started>): Promise<Started> {
  for (let triesLeft = 24; ; triesLeft -= 1) {
    try {
      return await start();
    } catch (error) {
      const isLate = /The store redis\S* cannot be (?:used|reached)/.test(String(error));
      if (!isLate || triesLeft === 0) throw error;
    }
  }
}

async function start(
  flags: readonly string[],
  { before, main = commandFile }: NodeProcessOptions,
): Promise<NodeProcess> {
  const early =
    before === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(before)}`];
  const anyPort = flags.includes('--port') ? [] : ['--port', '0'];
  const args = ['--no-warnings', ...early, main, 'serve', ...anyPort, ...flags];
  const env = { ...process.env, MPSD_LOG: 'off' };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const complaints: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line !== '') complaints.push(line);
  });
  // At its exit the last complaints may still be on their way.
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  const kill = async (): Promise<void> => {
    // A stopped process would not get the signal.
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await ended;
  };
  const endWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  void ended.finally(() => process.off('exit', endWithUs));
  return {
    url: await printedUrl(child, complaints),
    pid: child.pid ?? 0,
    complaints,
    ended,
    kill,
    signal: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: kill,
  };
}

async function printedUrl(child: ChildProcess, complaints: readonly string[]): Promise<string> {
  const { promise, resolve: found, reject } = Promise.withResolvers<string>();
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
    const url = /http:\/\/[0-9.:]+(?=\n)/.exec(printed)?.[0];
    if (url !== undefined) found(url);
  });
  child.once('close', () =>
    reject(new Error(`The server ended before it was ready: ${complaints.join('\n')}`)),
  );
  return promise;
}
