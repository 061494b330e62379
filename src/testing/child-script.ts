import { spawn, type ChildProcess } from 'node:child_process';

/**
 * A process that runs `script`, a module in JavaScript, with `args` as `process.argv.slice(1)`.
 * Its errors go where those of this process go.
 */
export function startScript(script: string, ...args: readonly string[]): ScriptProcess {
  const child = spawn(
    process.execPath,
    ['--no-warnings', '--input-type=module', '--eval', script, ...args],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  return new ScriptProcess(child);
}

export class ScriptProcess {
  readonly #child: ChildProcess;
  /** How the process ended, once all that it printed is there: its exit code, or the signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
  #printed = '';
  #onPrinted: (() => void) | undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#printed += text;
      this.#onPrinted?.();
    });
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        resolve(signal ?? code ?? 0);
        this.#onPrinted?.();
      });
    });
  }

  /** The whole lines printed so far. */
  get lines(): readonly string[] {
    return this.#printed.split('\n').slice(0, -1);
  }

  /** Resolves once `count` lines are printed. Throws when the process ends before. */
  async printed(count: number): Promise<void> {
    const enough = new Promise<void>((resolve) => {
      this.#onPrinted = () => {
        if (this.lines.length >= count) resolve();
      };
      this.#onPrinted();
    });
    const end = this.ended.then((how) => {
      if (this.lines.length < count) throw new Error(`The process ended with ${how}.`);
    });
    await Promise.race([enough, end]);
  }

  /** Kills the process (SIGKILL); resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}
