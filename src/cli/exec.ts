/**
 * `openmpsd exec`: a server with the gateway for one command, which reaches it without a change.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatDevelopmentToken } from '../auth/development-token.ts';
import { demoTitleId } from '../config/demo-config.ts';
import { nameWord } from '../config/flags.ts';
import { parseSettings, settingFlags, type Settings } from '../config/settings.ts';
import { encodeJavaTrustStore, javaTrustStorePassword } from '../gateway/java-trust-store.ts';
import { rootDomains } from '../gateway/root-certificate.ts';
import { CannotStart, type RunningServer, startServerOfCommand } from '../server.ts';
import { type CommandIo, reportMisuse, writeHelp } from './command-io.ts';
import { type ExecTarget, execEnvironment, tokenVariable } from './exec-environment.ts';

const help = `openmpsd exec [options] -- <command> [arguments]

Starts a server for the command, runs it, and ends with its exit code. The server keeps everything in
memory (--store) and its root certificate in a folder that is deleted afterwards (--data). It listens on
free ports of this machine, and is reached by the names of Xbox Live: the environment leads ordinary
clients of curl, Node, Python, Java, .NET, Go and others to it.

  --users <name,…>   users whose tokens are in OPENMPSD_TOKEN_<NAME> (default Ada,Ben,Cleo), the
                     first one's in OPENMPSD_TOKEN too

All options of openmpsd serve are options here, too; variables such as MPSD_STORE are not read. The
command finds the server itself in OPENMPSD_URL.
`;

/** What differs from serve, unless it is asked for. Nothing is taken from MPSD_ variables. */
const defaults = { '--store': 'memory', '--port': '0', '--proxy-port': '0', '--tls-port': '0' };

/** Exit codes of shells, of a command that is not there or may not be run, and one ended by a signal. */
const notFoundCode = 127;
const notRunCode = 126;
const signalCodeBase = 128;

/** Signals that end or turn to a command, as they come to this process. */
const forwarded: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'];

/** The first xuid of the users. */
const firstXuid = 2_814_600_000_000_001n;

/**
 * The exit code of the command; 128 and the signal that ended it; 127 or 126 when it cannot be run, 1
 * when the server cannot start, 2 when the options are not as they must be.
 */
export async function runExec(args: readonly string[], io: CommandIo): Promise<number> {
  const at = args.indexOf('--');
  const own = at < 0 ? args : args.slice(0, at);
  if (own.includes('--help') || own.includes('-h')) {
    writeHelp(io, help);
    return 0;
  }
  const [command, ...rest] = at < 0 ? [] : args.slice(at + 1);
  const { users, others, problem } = partUsers(own);
  const isGiven = (flag: string): boolean =>
    others.some((one) => one === flag || one.startsWith(`${flag}=`));
  // A word where options are expected is a command without -- before it, and what follows is its own.
  // The others are not repeated: there may be secrets among them.
  const word = nameWord(own, { ...settingFlags, users: { argument: '<name,…>' } });
  if (word !== undefined) {
    return reportMisuse(io, 'exec', [`put -- before the command: before ${word}.`]);
  }
  const unlessGiven = Object.entries(defaults).filter(([flag]) => !isGiven(flag));
  const parsed = parseSettings([...unlessGiven.flat(), ...others], {});
  const problems = [
    ...('problems' in parsed ? parsed.problems.map(withoutVariables) : []),
    ...(problem === undefined ? [] : [problem]),
    ...(command === undefined
      ? ['needs a command after --, as in openmpsd exec -- node client.mjs.']
      : []),
  ];
  if ('problems' in parsed || users === undefined || command === undefined)
    return reportMisuse(io, 'exec', problems);

  await using opened = new AsyncDisposableStack();
  let folder: string;
  try {
    folder = await mkdtemp(join(tmpdir(), 'openmpsd-exec-'));
  } catch (error) {
    io.stderr.write(
      `openmpsd exec: a temporary folder cannot be made: ${(error as Error).message}. TMPDIR names where.\n`,
    );
    return 1;
  }
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const settings = { ...parsed.settings, ...(!isGiven('--data') && { data: folder }) };
  let server: RunningServer;
  try {
    server = opened.use(
      await startServerOfCommand({
        ...settings,
        log: (line) => io.stderr.write(`openmpsd: ${line}\n`),
      }),
    );
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    for (const problem of error.problems) {
      io.stderr.write(`openmpsd: ${withoutVariables(problem)}\n`);
    }
    return 1;
  }
  const target = await targetOf(server, settings, folder, users, io.env);
  return await runCommand(command, rest, { env: execEnvironment(io.env, target), folder, io });
}

/** A problem of settings without the variables that it names beside flags: this command reads none. */
function withoutVariables(problem: string): string {
  return problem.replaceAll(/ \(MPSD_\w+\)/g, '');
}

/** The names after --users, and all other arguments. When `users` is undefined, `problem` says why. */
function partUsers(args: readonly string[]): {
  readonly users: readonly string[] | undefined;
  readonly others: readonly string[];
  readonly problem?: string;
} {
  const others: string[] = [];
  let given = 'Ada,Ben,Cleo';
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i] ?? '';
    const inline = /^--users=(.*)$/s.exec(arg)?.[1];
    if (inline !== undefined) given = inline;
    else if (arg === '--users') {
      i += 1;
      given = args[i] ?? '';
    } else others.push(arg);
  }
  const users = given.split(',').map((one) => one.trim());
  if (!users.every((one) => /^[A-Za-z]\w{0,14}$/.test(one))) {
    const problem = '--users takes names of letters, digits and _, with commas between.';
    return { users: undefined, others, problem };
  }
  const first = new Map<string, string>();
  for (const user of users) {
    const variable = tokenVariable(user);
    const former = first.get(variable);
    if (former !== undefined) {
      const problem = `--users has ${former} and ${user}, whose tokens would both be in ${variable}; give names that differ in more than upper and lower case.`;
      return { users: undefined, others, problem };
    }
    first.set(variable, user);
  }
  return { users, others };
}

/** Where the command finds the server, with the files that its clients need, in `folder`. */
async function targetOf(
  { url, gateway }: RunningServer,
  { auth, proxyOthers }: Settings,
  folder: string,
  users: readonly string[],
  env: CommandIo['env'],
): Promise<ExecTarget> {
  if (gateway?.proxyUrl === undefined || gateway.tlsPort === undefined) {
    throw new Error('the server of exec has no gateway');
  }
  const root = await readFile(gateway.rootFile, 'utf8');
  const trusted = [root, ...(proxyOthers === 'tunnel' ? await usualRoots(env) : [])];
  const bundleFile = join(folder, 'trusted.pem');
  const javaStore = { file: join(folder, 'trusted.jks'), password: javaTrustStorePassword };
  await Promise.all([
    writeFile(bundleFile, trusted.join('\n')),
    writeFile(javaStore.file, encodeJavaTrustStore(trusted.flatMap(certificatesIn), Date.now())),
  ]);
  const tokens = users.map((gtg, i) => {
    const claims = { xid: String(firstXuid + BigInt(i)), gtg, tid: demoTitleId };
    return [gtg, `XBL3.0 x=-;${formatDevelopmentToken(claims)}`] as const;
  });
  return {
    url,
    proxyUrl: gateway.proxyUrl,
    tlsPort: gateway.tlsPort,
    domains: rootDomains,
    rootFile: gateway.rootFile,
    bundleFile,
    javaStore,
    preloadFile: fileURLToPath(new URL('./exec-preload.cjs', import.meta.url)),
    tokens: new Map(auth === 'dev' ? tokens : []),
  };
}

/** The certificates that clients of other hosts trust: those that the environment names, or Node's. */
async function usualRoots(env: CommandIo['env']): Promise<readonly string[]> {
  const { rootCertificates } = await import('node:tls');
  const named = env['SSL_CERT_FILE'];
  return named === undefined ? rootCertificates : [await readFile(named, 'utf8')];
}

function certificatesIn(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

/** Runs the command to its end. Its input and output are those of this process. */
async function runCommand(
  command: string,
  args: readonly string[],
  {
    env,
    folder,
    io,
  }: {
    readonly env: Record<string, string | undefined>;
    readonly folder: string;
    readonly io: CommandIo;
  },
): Promise<number> {
  // Windows starts a command of npm, which is a script there, by a shell alone.
  const spawnPortably =
    process.platform === 'win32' ? (await import('cross-spawn')).default : spawn;
  const child: ChildProcess = spawnPortably(command, [...args], { env, stdio: 'inherit' });
  const { promise, resolve } = Promise.withResolvers<number>();
  using _guard = child.pid === undefined ? undefined : startGuard(child.pid, folder);
  const handlers = forwarded.map((signal) => {
    // A terminal sends these to all of its processes: the command has it already.
    const isSentToAll = io.stdin.isTTY === true && (signal === 'SIGINT' || signal === 'SIGQUIT');
    const handler = (): void => {
      if (!isSentToAll) child.kill(signal);
    };
    io.on(signal, handler);
    return [signal, handler] as const;
  });
  child.once('error', (error: NodeJS.ErrnoException) => {
    const isMissing = error.code === 'ENOENT';
    const advice = command.includes(' ')
      ? '; leave out the quotes around a command with arguments'
      : '';
    const why = isMissing
      ? `there is no such command${advice}`
      : error.code === 'EACCES'
        ? 'it is a folder, or a file that may not be run'
        : error.message;
    io.stderr.write(`openmpsd exec: ${command}: ${why}\n`);
    resolve(isMissing ? notFoundCode : notRunCode);
  });
  child.once('exit', (code, signal) => {
    resolve(code ?? signalCodeBase + (signal === null ? 0 : constants.signals[signal]));
  });
  const exitCode = await promise;
  for (const [signal, handler] of handlers) io.off(signal, handler);
  return exitCode;
}

/** Reads until it gets a line, or until the pipe is closed, as the system does for one that was killed. */
const guardScript = 'read -r line || { kill "$1"; rm -rf "$2"; }';

/**
 * Ends the command and deletes the folder should this process be killed, which can do neither then. It
 * is a process of its own, in no group that a terminal sends signals to. Windows has none.
 */
function startGuard(pid: number, folder: string): Disposable | undefined {
  if (process.platform === 'win32') return undefined;
  // It keeps the errors open, so that who waits for their end waits for it too.
  const guard = spawn('/bin/sh', ['-c', guardScript, 'openmpsd-exec', String(pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  // Without a shell nobody guards.
  guard.once('error', () => undefined);
  guard.stdin.once('error', () => undefined);
  guard.unref();
  return { [Symbol.dispose]: () => void guard.stdin.end('\n') };
}
