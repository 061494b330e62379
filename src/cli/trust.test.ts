import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runTrust, type TrustSystem } from './trust.ts';
import { guides } from './trust-guides.ts';

const folder = await mkdtemp(join(tmpdir(), 'openmpsd-trust-'));
after(() => rm(folder, { recursive: true }));
const hostsFile = join(folder, 'hosts');
const before = '127.0.0.1 localhost\n::1 localhost';

async function trust(args: readonly string[], system: Partial<TrustSystem> = {}) {
  let out = '';
  let err = '';
  const ran: string[] = [];
  const io = {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    env: { MPSD_DATA: folder },
  };
  const code = await runTrust(args, io as unknown as Parameters<typeof runTrust>[1], {
    platform: 'darwin',
    home: '/Users/ada',
    hostsFile,
    exists: () => false,
    run: async (command, given) => void ran.push([command, ...given].join(' ')),
    ...system,
  });
  return { code, out, err, ran };
}

const rootFile = join(folder, 'gateway', 'root-certificate.pem');

test('every kind of client has a guide: trust, the way here, and how to undo it', async () => {
  const { code, out, ran } = await trust([]);
  assert.equal(code, 0);
  const made = `There was no root certificate in ${join(folder, 'gateway')}, so a new one was made.`;
  assert.ok(out.startsWith(made), out);
  assert.doesNotMatch((await trust([])).out, /a new one was made/);
  assert.deepEqual(ran, []);
  for (const [name, { title }] of Object.entries(guides)) {
    assert.ok(out.includes(title), name);
    const one = (await trust(['--for', name])).out;
    assert.match(one, /[Uu]ndo/, name);
    assert.doesNotMatch(one, /undefined|\[object/, name);
  }
  assert.ok(out.includes(rootFile));
  assert.ok(existsSync(rootFile));
});

// Kills: a root that is made to be removed, and a fingerprint that no machine ever trusted.
test('nothing is made where a root is to be removed', async () => {
  const data = join(folder, 'without');
  for (const [platform, place] of [
    ['darwin', 'Keychain Access'],
    ['win32', 'certmgr.msc'],
  ] as const) {
    // Kills: hosts that lead to a gateway that has gone, and a root that nobody can name.
    await writeFile(hostsFile, `${before}\n# begin openmpsd\n10.0.0.7 a\n# end openmpsd\n`);
    const { code, err, ran } = await trust(['--remove', '--data', data], { platform });
    assert.deepEqual([code, ran], [1, []]);
    assert.match(err, /There is no root certificate in \S+without\S*, .* Give the --data of /);
    assert.ok(err.includes(` by hand in ${place}`), err);
    assert.match(err, /its name begins with "OpenMPSD gateway on"\.\n$/);
    assert.equal(await readFile(hostsFile, 'utf8'), `${before}\n`);
  }
  await writeFile(hostsFile, before);
  const onLinux = await trust(['--remove', '--data', data], {
    platform: 'linux',
    exists: (path) => path === '/usr/local/share/ca-certificates',
  });
  assert.deepEqual([onLinux.code, onLinux.err], [0, '']);
  assert.deepEqual(onLinux.ran, ['update-ca-certificates --fresh']);
  assert.equal(existsSync(data), false);
});

test('the guides name where the gateway is', async () => {
  const { out } = await trust([
    ...['--for', 'windows,curl,hosts', '--address', '192.168.1.5'],
    ...['--proxy-port', '8888', '--tls-port', '8443'],
  ]);
  assert.match(out, /ProxyServer '192\.168\.1\.5:8888'/);
  assert.match(out, /--connect-to ::192\.168\.1\.5:8443/);
  assert.match(out, /^ {4}192\.168\.1\.5 sessiondirectory\.xboxlive\.com$/m);
});

test('misuse is said', async () => {
  for (const [args, said] of [
    [['--for', 'amiga'], /--for has no "amiga"/],
    [['--for', 'toString'], /--for has no "tostring"/],
    [['--proxy-port', '0'], /"0" is not a port/],
    [['--tls-port', '65536'], /"65536" is not a port/],
    [['--address', 'a b'], /--address is "a b"/],
    [['--install', '--remove'], /one by one/],
    [['--hosts'], /goes with --install/],
    [['extra'], /does not expect "extra"/],
  ] as const) {
    const { code, err, ran } = await trust(args);
    assert.deepEqual([code, ran], [2, []], err);
    assert.match(err, said);
  }
});

test('--install and --remove on macOS and Windows run one command, and say which', async () => {
  for (const [platform, added, removed] of [
    [
      'darwin',
      /^security add-trusted-cert -r trustRoot -k \/Users\/ada\/.* \S+\.pem$/,
      /^security delete-certificate -t -Z [0-9A-F]{40}$/,
    ],
    [
      'win32',
      /^certutil -user -addstore Root \S+\.pem$/,
      /^certutil -user -delstore Root [0-9A-F]{40}$/,
    ],
  ] as const) {
    await writeFile(hostsFile, before);
    const install = await trust(['--install'], { platform });
    assert.equal(install.ran.length, 1);
    assert.match(install.ran[0] ?? '', added);
    assert.equal(install.out, `Running ${install.ran[0]}\n`);
    const remove = await trust(['--remove'], { platform });
    assert.match(remove.ran[0] ?? '', removed);
    assert.equal(await readFile(hostsFile, 'utf8'), before);
  }
});

test('--hosts adds each host once, and --remove leaves what others wrote', async () => {
  await writeFile(hostsFile, before);
  await trust(['--install', '--hosts']);
  await trust(['--install', '--hosts', '--address', '10.0.0.7']);
  const text = await readFile(hostsFile, 'utf8');
  assert.ok(text.startsWith(`${before}\n# begin openmpsd\n`), text);
  assert.equal(text.match(/sessiondirectory\.xboxlive\.com/g)?.length, 1);
  assert.match(text, /^10\.0\.0\.7 rta\.xboxlive\.com$/m);
  await writeFile(hostsFile, `${text}10.0.0.9 later\n`);
  await trust(['--remove']);
  assert.equal(await readFile(hostsFile, 'utf8'), `${before}\n10.0.0.9 later\n`);
});

test('--remove leaves a hosts file as it is whose second mark somebody has deleted', async () => {
  await writeFile(hostsFile, before);
  await trust(['--install', '--hosts']);
  const cut = (await readFile(hostsFile, 'utf8')).replace('# end openmpsd', '10.0.0.9 later');
  await writeFile(hostsFile, cut);
  await trust(['--remove']);
  assert.equal(await readFile(hostsFile, 'utf8'), cut);
});

test('a step that fails ends it, with the reason', async () => {
  await writeFile(hostsFile, before);
  const failed = Object.assign(new Error('exit 1'), { stderr: 'no such store\n' });
  const { code, err } = await trust(['--install', '--hosts'], {
    run: () => Promise.reject(failed),
  });
  assert.equal(code, 1);
  assert.match(err, /this failed: no such store/);
  assert.equal(await readFile(hostsFile, 'utf8'), before);
  const linux = await trust(['--install'], { platform: 'linux' });
  assert.equal(linux.code, 1);
  assert.match(linux.err, /install its package ca-certificates/);
});

// Kills: hosts that stay led to the gateway since the root was never trusted, or cannot be read.
test('--remove undoes what it can, and fails where something is left', async () => {
  await writeFile(hostsFile, before);
  await trust(['--install', '--hosts']);
  const untrusted = Object.assign(new Error('exit 1'), { stderr: 'no such certificate\n' });
  const failed = await trust(['--remove'], { run: () => Promise.reject(untrusted) });
  assert.equal(failed.code, 1);
  assert.match(failed.err, /this failed: no such certificate/);
  assert.equal(await readFile(hostsFile, 'utf8'), `${before}\n`);

  const noHosts = await trust(['--remove'], { hostsFile: folder });
  assert.equal(noHosts.code, 1);
  assert.match(noHosts.err, /this failed: EISDIR/);
  assert.match(noHosts.ran.join('\n'), /^security delete-certificate -t -Z [0-9A-F]{40}$/);
});
