import { fork, spawn, type ChildProcess } from 'node:child_process';
import { cpus } from 'node:os';

/** Of the machine; not those alone on which this process may run, once it is pinned. */
export const cores = cpus().length;

/** A server under measurement, in a process of its own. */
export type BenchServer = AsyncDisposable & {
  readonly url: string;
  readonly pid: number;
  tell(message: string): void;
  /** Asks for a report, by its name, and gives what comes back. */
  report<T>(name?: string): Promise<T>;
};

/**
 * Starts a server file on the first core, so that the load generator has the others to itself; all
 * threads of the process share that core.
 */
export async function startPinned(
  file: string,
  args: readonly string[] = [],
): Promise<BenchServer> {
  const server = await startBeside(file, args);
  if (cores > 1) await pin(server.pid, '0');
  return server;
}

/** Starts a file in a process of its own, on the cores of this process; it says when it is ready. */
export async function startBeside(file: string, args: readonly string[]): Promise<BenchServer> {
  const child = fork(new URL(file, import.meta.url), [...args], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const { url } = await nextMessage<{ url: string }>(child);
  const pid = child.pid ?? 0;
  return {
    url,
    pid,
    tell: (message) => child.send(message),
    report: (name = 'report') => {
      child.send(name);
      return nextMessage(child);
    },
    async [Symbol.asyncDispose]() {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      await exited;
    },
  };
}

/**
 * What `run` gives while all other servers stand still: what they still do of what they were asked would be
 * measured with it.
 */
export async function runAlone<T>(
  server: BenchServer,
  all: readonly BenchServer[],
  run: () => Promise<T>,
): Promise<T> {
  const others = all.filter((one) => one !== server);
  for (const { pid } of others) process.kill(pid, 'SIGSTOP');
  try {
    return await run();
  } finally {
    for (const { pid } of others) process.kill(pid, 'SIGCONT');
  }
}

/** Keeps a process, all its threads included, on these cores (Linux; elsewhere nothing happens). */
export function pin(pid: number, cores: string): Promise<void> {
  return new Promise((resolve) => {
    const taskset = spawn('taskset', ['-a', '-p', '-c', cores, String(pid)], { stdio: 'ignore' });
    taskset.once('error', () => resolve());
    taskset.once('exit', () => resolve());
  });
}

function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void =>
      reject(new Error(`a server under measurement ended: ${code}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}
