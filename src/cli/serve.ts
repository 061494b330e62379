import { resolve as resolvePath } from 'node:path';
import {
  formatSettingsHelp,
  isLoopback,
  parseSettings,
  settingVariables,
  type Settings,
} from '../config/settings.ts';
import { demoScid } from '../config/demo-config.ts';
import { readFileVariables } from '../config/file-variables.ts';
import { findMistypedVariables } from '../config/mistyped-variables.ts';
import { CannotStart, type RunningServer, startServerOfCommand } from '../server.ts';
import { formatLogText, type LogLevel } from '../platform/log-level.ts';
import { formatRedisAddress, requireRedisAddress } from '../store/redis/redis-address.ts';
import { type CommandIo, reportMisuse, writeHelp } from './command-io.ts';

/**
 * Serves until a signal ends it; the exit code is 0 after SIGTERM or SIGINT, 1 when the server
 * could not start or cannot go on, 2 when the settings are not as they must be.
 */
export async function runServe(args: readonly string[], io: CommandIo): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    writeHelp(
      io,
      `openmpsd serve: starts the directory. Flags win over the environment; the value of a\nvariable may be in a file: MPSD_STORE_FILE=/run/secrets/store.\n\n${formatSettingsHelp()}\n`,
    );
    return 0;
  }
  const given = readFileVariables(io.env, settingVariables);
  const parsed =
    given.problems.length > 0 ? { problems: given.problems } : parseSettings(args, given.env);
  const mistyped = findMistypedVariables(io.env, settingVariables);
  if ('problems' in parsed) {
    for (const warning of mistyped) io.stderr.write(`openmpsd serve: ${warning}\n`);
    return reportMisuse(io, 'serve', parsed.problems);
  }
  const { settings } = parsed;
  const { requestLog = settings.auth === 'dev' ? 'text' : 'off' } = settings;
  const say = openNotices(requestLog, io);
  for (const warning of mistyped) say('warn', warning);
  let server: RunningServer;
  try {
    server = await startServerOfCommand({
      ...settings,
      requestLog,
      log: (line) => io.stderr.write(formatLine(line)),
    });
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    for (const problem of error.problems) io.stderr.write(`openmpsd: ${problem}\n`);
    return 1;
  }
  const exitCode = serveUntilSignal(server, settings, { io, say });
  // Who reads it may send a signal at once.
  const greeting = formatGreeting(server, settings);
  io.stdout.write(requestLog === 'json' ? formatLogLine('info', greeting) : greeting);
  return exitCode;
}

/** Tells the operator something while the server runs, or before. */
type Say = (level: LogLevel, text: string) => void;

/** With a log of JSON each text is a line of it, else one of standard error. */
function openNotices(
  requestLog: Settings['requestLog'],
  { stdout, stderr }: Pick<CommandIo, 'stdout' | 'stderr'>,
): Say {
  return (level, text) => {
    if (requestLog === 'json') stdout.write(formatLogLine(level, text));
    else stderr.write(formatLine(formatLogText(level, text)));
  };
}

/** A text as a line of standard error, with the local time: `2026-11-30 12:04:58.000  warning: …`. */
export function formatLine(text: string, at: Date = new Date()): string {
  // The time of this zone, as of a clock that is that much ahead of UTC.
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return `${local.toISOString().slice(0, -1).replace('T', ' ')}  ${text}\n`;
}

/** A text, such as the greeting, as a line of the JSON log. */
function formatLogLine(level: LogLevel, text: string): string {
  const time = new Date().toISOString();
  return `${JSON.stringify({ level, time, msg: text.trimEnd() })}\n`;
}

/** What the server says when it is ready: where it is, what it keeps where, and how to come to it. */
export function formatGreeting(
  server: Pick<RunningServer, 'url' | 'notices' | 'gateway'>,
  settings: Settings,
): string {
  // All addresses of this machine together are none that a client could go to.
  const isEveryAddress = ['0.0.0.0', '::'].includes(settings.host);
  const urlBy = (host: string): string =>
    isEveryAddress ? server.url.replace(/\/\/.*:/, `//${host}:`) : server.url;
  const url = urlBy('<address of this machine>');
  const lines = [
    `OpenMPSD is ready on ${server.url}`,
    ...server.notices,
    settings.store === 'memory'
      ? 'Sessions are kept in memory and gone when the server ends.'
      : `Sessions are kept in ${placeOf(settings)} (${settings.durability}).`,
    ...(settings.config === undefined ? [] : [`Service configs: ${settings.config}.`]),
    ...(settings.record === undefined ? [] : [`Recorded in ${settings.record}, without tokens.`]),
    ...(settings.control
      ? [`Under control: tests may move the clock and break connections by ${url}/control.`]
      : []),
    // With configs of the keeper's own it is not known which template there is to ask for.
    ...(settings.auth === 'dev' && settings.config === undefined
      ? [
          `Try: curl -H 'Authorization: XBL3.0 x=-;xuid=1001&gtg=Ada' -H 'X-Xbl-Contract-Version: 107' ${urlBy('localhost')}/serviceconfigs/${demoScid}/sessiontemplates`,
        ]
      : []),
    ...gatewayLines(server.gateway, settings),
    `A client comes here when its https://sessiondirectory.xboxlive.com is ${url}`,
    `and receives changes when its wss://rta.xboxlive.com is ${url.replace(/^http/, 'ws')}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** How clients come by the gateway, if there is one. */
function gatewayLines(gateway: RunningServer['gateway'], settings: Settings): readonly string[] {
  if (gateway === undefined) return [];
  const { host, proxyOthers } = settings;
  const { proxyUrl, tlsPort, rootFile } = gateway;
  return [
    ...(proxyUrl === undefined
      ? []
      : [`Xbox Live's hosts lead here through the proxy ${proxyUrl}`]),
    ...(tlsPort === undefined
      ? []
      : [`Xbox Live's hosts are spoken for, with TLS, on port ${tlsPort}`]),
    ...(proxyUrl !== undefined && proxyOthers === 'tunnel' && !isLoopback(host)
      ? ['Everybody who reaches that proxy can go on to other hosts through it.']
      : []),
    `Clients must trust ${rootFile}. How: ${trustCommand(gateway, settings)}`,
  ];
}

/** The command that prints how clients trust the root of this gateway and come to it. */
function trustCommand(
  { proxyUrl, tlsPort }: NonNullable<RunningServer['gateway']>,
  { host, data }: Settings,
): string {
  // The guides name 127.0.0.1 by themselves. All addresses together are none to name.
  const isDefault = ['127.0.0.1', 'localhost', '0.0.0.0', '::'].includes(host);
  return [
    `openmpsd trust --data ${quoteForShell(resolvePath(data))}`,
    ...(isDefault ? [] : [`--address ${host}`]),
    // A URL leaves out port 80.
    ...(proxyUrl === undefined ? [] : [`--proxy-port ${new URL(proxyUrl).port || '80'}`]),
    ...(tlsPort === undefined ? [] : [`--tls-port ${tlsPort}`]),
  ].join(' ');
}

/** A path as one argument of a shell of this system. */
function quoteForShell(path: string): string {
  if (/^[\w./:\\-]+$/.test(path)) return path;
  return process.platform === 'win32' ? `"${path}"` : `'${path.replaceAll("'", "'\\''")}'`;
}

function placeOf({ store, data }: Settings): string {
  return store === 'sqlite' ? data : formatRedisAddress(requireRedisAddress(store));
}

/** Beyond the time to drain: what the rest may take to close before the process ends regardless. */
const closeWithinMs = 1_500;

function serveUntilSignal(
  server: RunningServer,
  { drainMs }: Settings,
  { io, say }: { readonly io: CommandIo; readonly say: Say },
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const end = (exitCode: number): void => {
    io.off('SIGHUP', reload);
    // A store that does not answer must not keep the process: what was acknowledged is safe in it.
    setTimeout(() => {
      say('warn', 'the store does not close; ending without waiting for it');
      io.exit(1);
    }, drainMs + closeWithinMs).unref();
    server
      .drain()
      .then(() => server.close())
      .then(() => resolve(exitCode), reject);
  };
  const reload = (): void => {
    server.reload().then((problems) => {
      for (const problem of problems) say('warn', problem);
      if (problems.length === 0) say('info', 'service configs and rate limits re-read');
      else say('warn', 'what has problems stays as it was');
    }, reject);
  };
  const endAsked = (): void => end(0);
  io.once('SIGTERM', endAsked);
  io.once('SIGINT', endAsked);
  // Whatever supervises the process is to start it again.
  void server.ended.then(() => end(1));
  io.on('SIGHUP', reload);
  return promise;
}
