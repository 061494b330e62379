/**
 * Runs a page of the docs as a reader would: in a fresh folder in which the package is installed, with
 * `openmpsd`, `node`, `npx` and `curl` as commands. Servers take a free port; the address that the
 * page names, `127.0.0.1:8350`, becomes theirs in every later block and file.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { buildPackage } from '../package/built-package.ts';
import { type Block, findMissing, type Page, type Step } from './page.ts';

/** What the server prints when it can be asked. */
const ready = 'OpenMPSD is ready';

/** Throws at the first step that does not do what the page says; everything that it started ends. */
export async function runPage(page: Page): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-page-'));
  const run = new PageRun(folder);
  try {
    await installPackage(folder);
    for (const step of page.steps) {
      try {
        await run.take(step);
      } catch (error) {
        const line = 'block' in step ? step.block.line : 'line' in step ? step.line : 0;
        throw new Error(`line ${line}: ${(error as Error).message}`, { cause: error });
      }
    }
  } finally {
    await run.end();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** What `npm install openmpsd` leaves. */
async function installPackage(folder: string): Promise<void> {
  const bin = join(folder, 'node_modules/.bin');
  await mkdir(bin, { recursive: true });
  const built = await buildPackage();
  await symlink(built, join(folder, 'node_modules/openmpsd'), 'junction');
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'game', private: true, type: 'module' }),
  );
  const command = join(bin, 'openmpsd');
  await writeFile(
    command,
    `#!/bin/sh\nexec '${process.execPath}' '${join(built, 'dist/main.cjs')}' "$@"\n`,
  );
  await chmod(command, 0o755);
}

function withStore(flags: string): string {
  return flags.includes('--store') ? flags : `--store memory ${flags}`;
}

class BackgroundCommand {
  printed = '';
  readonly process: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** All that prints has ended: a program's last lines may come after its exit. */
  #isOver = false;
  #changed = Promise.withResolvers<void>();

  constructor(script: string, folder: string, env: NodeJS.ProcessEnv) {
    // A group of its own, so that what it starts ends with it.
    this.process = spawn('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.#ended = once(this.process, 'close').then(() => {
      this.#isOver = true;
      this.#change();
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.printed += text;
        this.#change();
      });
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Resolves when `isThere` says so of what was printed. */
  async until(what: string, isThere: (printed: string) => boolean): Promise<void> {
    while (!isThere(this.printed)) {
      const changed = this.#changed.promise;
      assert.ok(!this.#isOver, `it ended without "${what}":\n${this.printed}`);
      await changed;
    }
  }

  async end(): Promise<number | null> {
    await this.#ended;
    return this.process.exitCode;
  }

  async stop(): Promise<void> {
    if (!this.#isOver && this.process.pid !== undefined) {
      try {
        // Also when the shell has ended: what it started may still hold the pipes.
        process.kill(-this.process.pid, 'SIGTERM');
      } catch {
        // All of the group has just ended by itself.
      }
    }
    await this.#ended;
  }
}

class PageRun {
  readonly #folder: string;
  readonly #files = new Map<string, string>();
  readonly #started = new Map<string, BackgroundCommand>();
  /** Addresses that the page names, and where they are. */
  readonly #addresses = new Map<string, string>();
  readonly #env: NodeJS.ProcessEnv;
  #printed = '';

  constructor(folder: string) {
    this.#folder = folder;
    const { PATH = '', LANG, NODE_COMPILE_CACHE } = process.env;
    const paths = [join(folder, 'node_modules/.bin'), dirname(process.execPath), PATH];
    this.#env = {
      PATH: paths.join(delimiter),
      LANG,
      HOME: folder,
      NODE_COMPILE_CACHE,
      // Any free port, for servers and for programs of the page.
      MPSD_PORT: '0',
      PORT: '0',
      NO_COLOR: '1',
      npm_config_offline: 'true',
      npm_config_update_notifier: 'false',
    };
  }

  async take(step: Step): Promise<void> {
    switch (step.does) {
      case 'file':
        this.#files.set(step.name, step.block.text);
        return;
      case 'append':
        this.#files.set(step.name, `${this.#files.get(step.name) ?? ''}${step.block.text}`);
        return;
      case 'run':
        return this.#run(step.block.text, step.exitCode);
      case 'setup':
        return this.#run(step.command, 0);
      case 'start':
        return this.#start(step.block.text, step.name, step.until);
      case 'server':
        return this.#start(`openmpsd serve ${withStore(step.flags)}`, 'server', ready);
      case 'stop': {
        const name = step.name ?? [...this.#started.keys()].at(-1) ?? '';
        await this.#named(name).stop();
        this.#started.delete(name);
        return;
      }
      case 'output':
        return this.#compare(step.block, step.of);
      case 'checkedBy':
      case 'unchecked':
        return;
    }
  }

  async end(): Promise<void> {
    await Promise.all([...this.#started.values()].map((started) => started.stop()));
  }

  async #run(text: string, exitCode: number): Promise<void> {
    await this.#writeFiles();
    const command = new BackgroundCommand(this.#placed(text), this.#folder, this.#env);
    const code = await command.end();
    this.#printed = command.printed;
    const others = [...this.#started].map(([name, one]) => `\n${name} printed:\n${one.printed}`);
    assert.equal(code, exitCode, `it ended with ${code}:\n${this.#printed}${others.join('')}`);
  }

  async #start(text: string, name: string, until: string): Promise<void> {
    assert.ok(!this.#started.has(name), `${name} is there already`);
    await this.#writeFiles();
    const script = this.#placed(text).replaceAll(/--port[ =]\d+/g, '--port 0');
    const started = new BackgroundCommand(script, this.#folder, this.#env);
    this.#started.set(name, started);
    await started.until(until, (printed) => printed.includes(until));
    const [, port] = /(?:127\.0\.0\.1|localhost):(\d+)/.exec(started.printed) ?? [];
    const programs = [...this.#files].filter(([file]) => text.includes(file));
    const all = [text, ...programs.map(([, program]) => program)].join('\n');
    const named = /--port[ =](\d+)/.exec(all)?.[1] ?? /PORT\S* \?\? (\d+)/.exec(all)?.[1];
    const served = named ?? (/openmpsd serve/.test(text) ? '8350' : undefined);
    if (port === undefined || served === undefined) return;
    this.#addresses.set(served, port);
    // What a command asks that is given no address.
    if (served === '8350') this.#env['MPSD_URL'] = `http://127.0.0.1:${port}`;
  }

  async #compare(block: Block, of: string | undefined): Promise<void> {
    const expected = { ...block, text: this.#placed(block.text) };
    if (of !== undefined) {
      return this.#named(of).until(block.text, (text) => findMissing(expected, text) === undefined);
    }
    assert.equal(
      findMissing(expected, this.#printed),
      undefined,
      `this was not printed:\n${findMissing(expected, this.#printed)}\nbut this:\n${this.#printed}`,
    );
  }

  #named(name: string): BackgroundCommand {
    const started = this.#started.get(name);
    assert.ok(started, `nothing was started as ${name}`);
    return started;
  }

  #placed(text: string): string {
    return text.replaceAll(/(127\.0\.0\.1|localhost):(\d+)/g, (address, host, port) => {
      const place = this.#addresses.get(port);
      return place === undefined ? address : `${host}:${place}`;
    });
  }

  async #writeFiles(): Promise<void> {
    for (const [name, text] of this.#files) {
      const file = join(this.#folder, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, this.#placed(text));
    }
  }
}
