/**
 * `openmpsd trust`: how clients trust the root of the gateway and come to it; and does it for this machine
 * when asked to.
 */

import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseFlags } from '../config/flags.ts';
import { xboxHostNames } from '../gateway/host-names.ts';
import {
  derFileOf,
  hasRoot,
  openRoot,
  rootDomains,
  rootNameStart,
  RootUnusable,
} from '../gateway/root-certificate.ts';
import { type CommandIo, reportMisuse, writeHelp } from './command-io.ts';
import { formatGuides, type GuideFacts, guides, hostsLines } from './trust-guides.ts';

const names = Object.keys(guides) as (keyof typeof guides)[];

const help = `openmpsd trust [options]

Prints how clients trust the root certificate of the gateway (openmpsd serve --proxy-port, --tls-port), how they
are led to it, and how both are undone. If there is no root yet, this makes it, as the first start of the gateway
would; nothing else changes without --install, --hosts or --remove.

  --for <kind,…>      ${names.join(', ')}; default: all
  --data <folder>     MPSD_DATA (default ./data): data folder of the server
  --address <host>    where clients find the gateway (default 127.0.0.1)
  --proxy-port <n>    its proxy port (default 8351)
  --tls-port <n>      its TLS port (default 443)
  --install           let this machine trust the root; says what it changes
  --hosts             with --install: lead the hosts of Xbox Live here by the hosts file, too
  --remove            undo --install and --hosts
`;

/** What the command asks of the machine. */
export type TrustSystem = {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  /** The hosts file. */
  readonly hostsFile: string;
  exists(path: string): boolean;
  /** Rejects with what the program said. */
  run(command: string, args: readonly string[]): Promise<unknown>;
};

/** One change of this machine, in words and in deed. */
type Step = { readonly says: string; readonly does: () => Promise<unknown> };

/**
 * The exit code: 0 done or printed; 1 when something could not be done, which is said; 2 when the options are
 * not as they must be.
 */
export async function runTrust(
  args: readonly string[],
  io: Pick<CommandIo, 'stdout' | 'stderr' | 'env'>,
  system: TrustSystem = thisSystem(),
): Promise<number> {
  const { values, problems } = parseFlags(args, {
    for: { argument: '<kind,…>' },
    data: { argument: '<folder>' },
    address: { argument: '<host>' },
    'proxy-port': { argument: '<n>' },
    'tls-port': { argument: '<n>' },
    install: {},
    hosts: {},
    remove: {},
    help: { short: 'h' },
  });
  if (values.has('help')) {
    writeHelp(io, help);
    return 0;
  }
  const last = (name: string, fallback: string): string => values.get(name)?.at(-1) ?? fallback;
  const asked = last('for', names.join(','))
    .split(',')
    .map((one) => one.trim().toLowerCase());
  const address = last('address', '127.0.0.1');
  const ports = [last('proxy-port', '8351'), last('tls-port', '443')];
  const misuse = [
    ...problems,
    ...asked
      .filter((one) => !Object.hasOwn(guides, one))
      .map((one) => `--for has no "${one}"; it has ${names.join(', ')}.`),
    ...ports
      .filter((one) => !/^\d{1,5}$/.test(one) || Number(one) < 1 || Number(one) > 65_535)
      .map((one) => `"${one}" is not a port from 1 to 65535.`),
    ...(/^[\w.:-]{1,253}$/.test(address) ? [] : [`--address is "${address}"; expected a host.`]),
    ...(values.has('install') && values.has('remove')
      ? ['--install and --remove go one by one.']
      : []),
    ...(values.has('hosts') && !values.has('install') ? ['--hosts goes with --install.'] : []),
  ];
  if (misuse.length > 0) {
    return reportMisuse(io, 'trust', misuse);
  }
  const folder = join(resolve(last('data', io.env['MPSD_DATA'] ?? './data')), 'gateway');
  try {
    // First, and whatever becomes of the rest: hosts that lead to no gateway break the clients.
    const hostsCode = values.has('remove') ? await take([noHostsStep(system)], io) : 0;
    if (values.has('remove') && !hasRoot(folder)) {
      return (await take(removalWithoutRoot(folder, system), io)) || hostsCode;
    }
    const { file, certificate, isNew } = await openRoot(folder, Date.now());
    if (isNew) {
      io.stdout.write(
        `There was no root certificate in ${folder}, so a new one was made. If your server runs with another --data,\nclients must trust the root there: give this command the same --data.\n\n`,
      );
    }
    const facts: GuideFacts = {
      rootFile: file,
      derFile: derFileOf(folder),
      thumbprint: new X509Certificate(certificate).fingerprint.replaceAll(':', ''),
      address,
      proxyPort: Number(ports[0]),
      tlsPort: Number(ports[1]),
      hosts: xboxHostNames,
      domains: rootDomains,
      preloadFile: fileURLToPath(new URL('./exec-preload.cjs', import.meta.url)),
    };
    const steps = values.has('install')
      ? [...trustSteps(facts, system), ...(values.has('hosts') ? [hostsStep(facts, system)] : [])]
      : values.has('remove')
        ? distrustSteps(facts, system)
        : undefined;
    if (steps === undefined) {
      io.stdout.write(
        `The root certificate is ${file}, good for ${rootDomains.join(' and ')} alone. Its private key stays beside it;\nwho has it can pose as these to everybody who trusts the root.\n\n${formatGuides(asked as typeof names, facts)}`,
      );
      return 0;
    }
    return (await take(steps, io)) || hostsCode;
  } catch (error) {
    if (!(error instanceof RootUnusable)) throw error;
    io.stderr.write(`openmpsd trust: ${error.message}\n`);
    return 1;
  }
}

/** Takes the steps, each with a line before it; stops at one that fails. */
async function take(
  steps: readonly Step[],
  io: Pick<CommandIo, 'stdout' | 'stderr'>,
): Promise<number> {
  for (const { says, does } of steps) {
    io.stdout.write(`${says}\n`);
    try {
      await does();
    } catch (error) {
      const { code, message, stderr = '' } = error as NodeJS.ErrnoException & { stderr?: string };
      const why = stderr.trim() || message;
      const advice =
        code === 'EACCES' || code === 'EPERM' ? ' Run it as root or administrator.' : '';
      io.stderr.write(`openmpsd trust: this failed: ${why}${advice}\n`);
      return 1;
    }
  }
  return 0;
}

/** Where distributions of Linux keep the roots that an administrator adds, and what reads them again. */
const linuxStores = [
  {
    folder: '/usr/local/share/ca-certificates',
    file: 'openmpsd.crt',
    added: ['update-ca-certificates'],
    removed: ['update-ca-certificates', '--fresh'],
  },
  {
    folder: '/etc/pki/ca-trust/source/anchors',
    file: 'openmpsd.pem',
    added: ['update-ca-trust'],
    removed: ['update-ca-trust'],
  },
  {
    folder: '/etc/ca-certificates/trust-source/anchors',
    file: 'openmpsd.pem',
    added: ['trust', 'extract-compat'],
    removed: ['trust', 'extract-compat'],
  },
] as const;

function trustSteps({ rootFile }: GuideFacts, system: TrustSystem): readonly Step[] {
  const { platform, home } = system;
  if (platform === 'win32') {
    return [commandStep(system, 'certutil', '-user', '-addstore', 'Root', rootFile)];
  }
  if (platform === 'darwin') {
    const keychain = keychainOf(home);
    return [
      commandStep(
        system,
        'security',
        'add-trusted-cert',
        '-r',
        'trustRoot',
        '-k',
        keychain,
        rootFile,
      ),
    ];
  }
  const store = linuxStoreOf(system);
  const copy = join(store.folder, store.file);
  const [command, ...args] = store.added;
  return [
    { says: `Copying ${rootFile} to ${copy}`, does: () => copyFile(rootFile, copy) },
    commandStep(system, command, ...args),
  ];
}

/**
 * What can be removed where there is no root: the system trusts one by its file, or by its fingerprint.
 *
 * Throws RootUnusable where it is the fingerprint.
 */
function removalWithoutRoot(folder: string, system: TrustSystem): readonly Step[] {
  const { platform } = system;
  if (platform === 'win32' || platform === 'darwin') {
    const place =
      platform === 'win32'
        ? 'certmgr.msc (Trusted Root Certification Authorities)'
        : 'Keychain Access (login)';
    throw new RootUnusable(
      `There is no root certificate in ${folder}, so it is not known which one this machine is to trust no more. Give the --data of the server that had it, or delete it by hand in ${place}: its name begins with "${rootNameStart}".`,
    );
  }
  return distrustSteps({ thumbprint: '' }, system);
}

function distrustSteps(
  { thumbprint }: Pick<GuideFacts, 'thumbprint'>,
  system: TrustSystem,
): readonly Step[] {
  const { platform } = system;
  if (platform === 'win32') {
    return [commandStep(system, 'certutil', '-user', '-delstore', 'Root', thumbprint)];
  }
  if (platform === 'darwin') {
    return [commandStep(system, 'security', 'delete-certificate', '-t', '-Z', thumbprint)];
  }
  const store = linuxStoreOf(system);
  const copy = join(store.folder, store.file);
  const [command, ...args] = store.removed;
  return [
    { says: `Deleting ${copy}`, does: () => rm(copy, { force: true }) },
    commandStep(system, command, ...args),
  ];
}

function commandStep(system: TrustSystem, command: string, ...args: readonly string[]): Step {
  return {
    says: `Running ${[command, ...args].join(' ')}`,
    does: () => system.run(command, args),
  };
}

function linuxStoreOf(system: TrustSystem): (typeof linuxStores)[number] {
  const store = linuxStores.find(({ folder }) => system.exists(folder));
  if (store !== undefined) return store;
  throw new RootUnusable(
    `This system has none of ${linuxStores.map(({ folder }) => folder).join(', ')}; install its package ca-certificates.`,
  );
}

function keychainOf(home: string): string {
  return join(home, 'Library/Keychains/login.keychain-db');
}

const hostsBegin = '# begin openmpsd';
const hostsEnd = '# end openmpsd';

function hostsStep(facts: GuideFacts, { hostsFile }: TrustSystem): Step {
  return {
    says: `Adding to ${hostsFile}, between "${hostsBegin}" and "${hostsEnd}":\n${hostsLines(facts).join('\n')}`,
    async does() {
      const own = [hostsBegin, ...hostsLines(facts), hostsEnd, ''].join('\n');
      const others = withoutOurs(await readFile(hostsFile, 'utf8'));
      await writeFile(
        hostsFile,
        `${others}${others === '' || others.endsWith('\n') ? '' : '\n'}${own}`,
      );
    },
  };
}

function noHostsStep({ hostsFile }: TrustSystem): Step {
  return {
    says: `Deleting from ${hostsFile} what is between "${hostsBegin}" and "${hostsEnd}"`,
    async does() {
      const before = await readFile(hostsFile, 'utf8');
      const after = withoutOurs(before);
      if (after !== before) await writeFile(hostsFile, after);
    },
  };
}

/** A hosts file as others wrote it. With only one of our two marks it stays as it is. */
function withoutOurs(text: string): string {
  const lines = text.split(/(?<=\n)/);
  const lineOf = (mark: string, from: number): number =>
    lines.findIndex((line, at) => at >= from && line.trimEnd() === mark);
  const begin = lineOf(hostsBegin, 0);
  const end = lineOf(hostsEnd, begin + 1);
  if (begin < 0 || end < 0) return text;
  return withoutOurs([...lines.slice(0, begin), ...lines.slice(end + 1)].join(''));
}

function thisSystem(): TrustSystem {
  const windows = join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32\\drivers\\etc\\hosts');
  return {
    platform: process.platform,
    home: homedir(),
    hostsFile: process.platform === 'win32' ? windows : '/etc/hosts',
    exists: existsSync,
    run: (command, args) => promisify(execFile)(command, [...args]),
  };
}
