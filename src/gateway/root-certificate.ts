/**
 * The root certificate of one machine, kept in a folder:
 *
 *   root-certificate.pem   what clients trust
 *   root-certificate.cer   the same in DER, for consoles and phones
 *   root-key.json          its private key, and the machine that it belongs to; only its owner reads it
 *
 * Both are made at once, when the gateway starts for the first time, and then stay.
 */

import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Milliseconds } from '../domain/time.ts';
import { machineIdFor } from '../platform/machine-id.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { makePrivateFile, privateFolderMode, problemOfTrust } from '../platform/private-files.ts';
import type { KeyedCertificate } from './certificates.ts';

/** The domains for which a root is good. */
export const rootDomains: readonly string[] = ['xboxlive.com', 'login.live.com'];

/** The name of each root begins with this; the name of its machine follows. */
export const rootNameStart = 'OpenMPSD gateway on';

const lifetimeMs: Milliseconds = 3 * 365 * 24 * 3_600_000;

/** The root of a folder cannot be used; the message says what to do, in a sentence. */
export class RootUnusable extends Error {
  override readonly name = 'RootUnusable';
}

/** A root on this machine. */
export type Root = KeyedCertificate & {
  /** The file that clients trust. */
  readonly file: string;
  /** True when this call made it. */
  readonly isNew: boolean;
  readonly expiresMs: Milliseconds;
};

/** The file of a root that clients trust. */
function rootFileOf(folder: string): string {
  return join(folder, 'root-certificate.pem');
}

/** The same in DER. */
export function derFileOf(folder: string): string {
  return join(folder, 'root-certificate.cer');
}

/**
 * The root in `folder`, made if there is none.
 *
 * Throws RootUnusable when it is another machine's, has expired, can be written by other users, or
 * cannot be read or made.
 */
export async function openRoot(
  folder: string,
  nowMs: Milliseconds,
  machineId: () => Promise<string | undefined> = () => machineIdFor('openmpsd gateway root'),
): Promise<Root> {
  const machine = await machineId();
  const there = await readRoot(folder, machine, nowMs);
  if (there !== undefined) return there;
  const isNew = await writeRoot(folder, machine, nowMs);
  const made = await readRoot(folder, machine, nowMs);
  if (made === undefined)
    throw new RootUnusable(`${folder} was emptied while a root was made there.`);
  return { ...made, isNew };
}

/** True when there is a root in this folder, or a part of one. */
export function hasRoot(folder: string): boolean {
  return existsSync(rootFileOf(folder)) || existsSync(keyFileOf(folder));
}

/** Undefined when there is none. */
async function readRoot(
  folder: string,
  machine: string | undefined,
  nowMs: Milliseconds,
): Promise<Root | undefined> {
  const file = rootFileOf(folder);
  const keyFile = keyFileOf(folder);
  const [certificate, keyText] = await Promise.all([readText(file), readText(keyFile)]);
  if (certificate === undefined && keyText === undefined) return undefined;
  const advice = `Delete ${folder}; the next start makes a new root, which clients must trust anew (openmpsd trust)`;
  if (certificate === undefined || keyText === undefined) {
    throw new RootUnusable(
      `${folder} has only one of ${basename(file)} and ${basename(keyFile)}. ${advice}.`,
    );
  }
  const untrusted = problemOfTrust(keyFile) ?? problemOfTrust(file);
  if (untrusted !== undefined) throw new RootUnusable(`${untrusted}.`);
  // Others lose the right to read it, should they have it.
  makePrivateFile(keyFile);
  const key = parseKeyFile(keyText);
  const parsed = parseCertificate(certificate);
  if (key === undefined || parsed === undefined) {
    throw new RootUnusable(`${folder} has no root that can be read. ${advice}.`);
  }
  if (key.machine !== undefined && machine !== undefined && key.machine !== machine) {
    throw new RootUnusable(
      `The root in ${folder} was made on another machine, and each machine needs its own: who has the key can pose as Xbox Live to all who trust it. ${advice}.`,
    );
  }
  const expiresMs = Date.parse(parsed.validTo);
  if (expiresMs <= nowMs) {
    throw new RootUnusable(`The root in ${folder} has expired (${parsed.validTo}). ${advice}.`);
  }
  return { certificate, key: key.key, file, isNew: false, expiresMs };
}

/** Makes a root beside the folder and puts it there as a whole. Who makes one first, wins; false for others. */
async function writeRoot(
  folder: string,
  machine: string | undefined,
  nowMs: Milliseconds,
): Promise<boolean> {
  const { makeRoot } = await import('./certificates.ts');
  const times = { nowMs, untilMs: nowMs + lifetimeMs };
  const { certificate, key } = makeRoot(rootDomains, `${rootNameStart} ${hostname()}`, times);
  const problem = makeFolder(dirname(folder), privateFolderMode);
  if (problem !== undefined) throw new RootUnusable(`No root can be made: ${problem}.`);
  try {
    const made = await mkdtemp(`${folder}-`);
    await writeFile(keyFileOf(made), `${JSON.stringify({ machine, key })}\n`, { mode: 0o600 });
    await writeFile(rootFileOf(made), certificate);
    await writeFile(derFileOf(made), new X509Certificate(certificate).raw);
    return await rename(made, folder).then(
      () => true,
      async (error: NodeJS.ErrnoException) => {
        await rm(made, { recursive: true, force: true });
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST' && error.code !== 'EPERM')
          throw error;
        return false;
      },
    );
  } catch (error) {
    throw new RootUnusable(`No root can be made in ${folder}: ${(error as Error).message}.`);
  }
}

function keyFileOf(folder: string): string {
  return join(folder, 'root-key.json');
}

/** Undefined when there is no such file. */
async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new RootUnusable(`${file} cannot be read: ${message}.`);
  }
}

function parseKeyFile(
  text: string,
): { readonly machine: string | undefined; readonly key: string } | undefined {
  try {
    const { machine, key } = JSON.parse(text);
    const isRight = typeof key === 'string' && ['string', 'undefined'].includes(typeof machine);
    return isRight ? { machine, key } : undefined;
  } catch {
    return undefined;
  }
}

function parseCertificate(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text);
  } catch {
    return undefined;
  }
}
