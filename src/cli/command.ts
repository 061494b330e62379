/** The command line: which command does what. */

import { readPackageVersion } from '../platform/package-version.ts';
import { withoutUrlSecrets } from '../platform/url-secrets.ts';
import type { AdminCommandName } from './admin.ts';
import { type CommandIo, writeHelp } from './command-io.ts';

type Command = {
  readonly help: string;
  readonly run: (args: readonly string[], io: CommandIo) => Promise<number>;
};

// Each command is loaded when it is asked for: the server must start fast.
const commands: Readonly<Record<string, Command>> = {
  serve: {
    help: 'start the directory',
    run: async (args, io) => (await import('./serve.ts')).runServe(args, io),
  },
  exec: {
    help: 'run a command with a server of its own in place of Xbox Live',
    run: async (args, io) => (await import('./exec.ts')).runExec(args, io),
  },
  trust: {
    help: 'say how clients trust the gateway (makes its root) and come to it, or do it here',
    run: async (args, io) => (await import('./trust.ts')).runTrust(args, io),
  },
  token: {
    help: 'print an Authorization header for a user or a service, or make keys',
    run: async (args, io) => {
      const [{ runToken }, { readSecret }] = await Promise.all([
        import('./token.ts'),
        import('../store/sqlite/data-folder.ts'),
      ]);
      return runToken(args, { ...ioOf(io), env: io.env, nowMs: Date.now(), readSecret });
    },
  },
  'check-config': {
    help: 'check a service config file or folder',
    run: async (args, io) => (await import('./check-config.ts')).runCheckConfig(args, ioOf(io)),
  },
  'simulate-hopper': {
    help: 'simulate players who wait in a hopper, before anybody does',
    run: async (args, io) => (await import('./simulate-hopper.ts')).runSimulateHopper(args, io),
  },
  'check-data': {
    help: 'verify the data file of a server, and say what is lost',
    run: async (args, io) => (await import('./check-data.ts')).runCheckData(args, ioOf(io)),
  },
  restore: {
    help: 'put a backup in the place of the data file of a server',
    run: async (args, io) => {
      const { runRestore } = await import('./restore.ts');
      return runRestore(args, { ...ioOf(io), nowMs: Date.now() });
    },
  },
  taps: {
    help: 'print what a user receives: taps (a session has changed) and invites',
    run: async (args, io) => (await import('./taps.ts')).runTaps(args, io),
  },
  watch: {
    help: 'print what changes in sessions, without taking part',
    run: async (args, io) => (await import('./watch.ts')).runWatch(args, io),
  },
  play: {
    help: 'join a session with users from the command line',
    run: async (args, io) => (await import('./play.ts')).runPlay(args, io),
  },
  analyze: {
    help: 'say what certification would say about a capture of calls',
    run: async (args, io) => (await import('./analyze.ts')).runAnalyze(args, ioOf(io)),
  },
  convert: {
    help: 'make a HAR file without tokens of a capture',
    run: async (args, io) => (await import('./convert.ts')).runConvert(args, ioOf(io)),
  },
  replay: {
    help: 'play a capture of calls against a server, and say where it answers otherwise',
    run: async (args, io) =>
      (await import('./replay.ts')).runReplay(args, { ...ioOf(io), env: io.env }),
  },
  stats: adminCommand('stats', 'count what a running server has'),
  sessions: adminCommand('sessions', 'list the sessions of a running server'),
  where: adminCommand('where', 'show where a user is'),
  kick: adminCommand('kick', 'remove a user from a session'),
  end: adminCommand('end', 'end a session'),
  ban: adminCommand('ban', 'ban a user for a time'),
  unban: adminCommand('unban', 'end the ban of a user, or list bans'),
  disconnect: adminCommand('disconnect', 'end connections of a user'),
  reload: adminCommand('reload', 'make a node read its configuration again'),
  drain: adminCommand('drain', 'make balancers send a node no more requests'),
  demo: {
    help: 'play a lobby and a game with three users against a running server',
    run: async (args, io) =>
      (await import('./demo.ts')).runDemo(args, { ...ioOf(io), env: io.env }),
  },
};

/** A command of operators. */
function adminCommand(name: AdminCommandName, help: string): Command {
  return {
    help,
    run: async (args, io) =>
      (await import('./admin.ts')).runAdmin(name, args, { ...ioOf(io), env: io.env }),
  };
}

function ioOf({ stdout, stderr }: CommandIo): Pick<CommandIo, 'stdout' | 'stderr'> {
  return { stdout, stderr };
}

/** The exit code of the command that `args` name: 0 done, 1 refused or failed, 2 misused. */
export async function runCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const [name, ...rest] = args;
  if (name === 'help' && rest[0] !== undefined) return runCommand([rest[0], '--help'], io);
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    writeHelp(io, formatHelp());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-v') {
    io.stdout.write(`${await readPackageVersion()}\n`);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const { nearestName } = await import('../config/nearest-name.ts');
    const nearest = nearestName(name, Object.keys(commands), name.length < 5 ? 1 : 2);
    const guess = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    io.stderr.write(
      `openmpsd: "${withoutUrlSecrets(name)}" is not a command${guess || '.'} See openmpsd --help.\n`,
    );
    return 2;
  }
  return command.run(rest, io);
}

function formatHelp(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(
    ([name, { help }]) => `  openmpsd ${name.padEnd(width)}   ${help}`,
  );
  return `OpenMPSD: a Multiplayer Session Directory.\n\n${lines.join('\n')}\n\nopenmpsd <command> --help says more; openmpsd --version says which this is.
Exit codes: 0 done, 1 refused, failed or different, 2 misused; exec exits as its command does.\n`;
}
