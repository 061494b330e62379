import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Where Linux keeps the id of a machine; some systems have the second file alone. */
const linuxFiles = ['/etc/machine-id', '/var/lib/dbus/machine-id'];

/**
 * A text that is the same at each start on this machine and different on others, made of its id and
 * `purpose`, so that the id itself is not given away. Undefined where the system has no id, as in many
 * containers.
 */
export async function machineIdFor(
  purpose: string,
  read: () => Promise<string | undefined> = readMachineId,
): Promise<string | undefined> {
  const id = (await read())?.trim().toLowerCase();
  // systemd writes "uninitialized" until the first boot has ended.
  if (id === undefined || !/^[0-9a-f-]{16,64}$/.test(id)) return undefined;
  return createHash('sha256').update(`${purpose}\0${id}`).digest('hex');
}

async function readMachineId(): Promise<string | undefined> {
  switch (process.platform) {
    case 'win32':
      return outputOf(
        'reg',
        ['query', 'HKLM\\SOFTWARE\\Microsoft\\Cryptography', '/v', 'MachineGuid'],
        /REG_SZ\s+(\S+)/,
      );
    case 'darwin':
      return outputOf(
        'ioreg',
        ['-rd1', '-c', 'IOPlatformExpertDevice'],
        /"IOPlatformUUID" = "([^"]+)"/,
      );
    default:
      for (const file of linuxFiles) {
        const text = await readFile(file, 'utf8').catch(() => '');
        if (text.trim() !== '') return text;
      }
      return undefined;
  }
}

/** What a program prints where `pattern` has its group; undefined when the program cannot be run. */
async function outputOf(
  command: string,
  args: readonly string[],
  pattern: RegExp,
): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)(command, args).catch(() => ({ stdout: '' }));
  return pattern.exec(stdout)?.[1];
}
