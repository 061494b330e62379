import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { makeLeaf } from './certificates.ts';
import { leafNames, xboxHostNames } from './host-names.ts';
import { openRoot, rootDomains, RootUnusable } from './root-certificate.ts';

const options = { timeout: 300_000 };
const parent = await mkdtemp(join(tmpdir(), 'openmpsd-root-'));
after(() => rm(parent, { recursive: true }));
let folders = 0;
const freshFolder = (): string => join(parent, `data-${++folders}`, 'gateway');
const nowMs = Date.now();
const machine = async (): Promise<string> => 'this machine';

test('a root is made once and kept', async () => {
  const folder = freshFolder();
  const first = await openRoot(folder, nowMs);
  assert.equal(first.isNew, true);
  assert.deepEqual(await openRoot(folder, nowMs), { ...first, isNew: false });
  const other = await openRoot(freshFolder(), nowMs);
  assert.notEqual(other.certificate, first.certificate);
  assert.notEqual(other.key, first.key);
  assert.deepEqual((await readdir(folder)).sort(), [
    'root-certificate.cer',
    'root-certificate.pem',
    'root-key.json',
  ]);
});

test('only its owner reads the key, also where a copy let others', async () => {
  const folder = freshFolder();
  await openRoot(folder, nowMs);
  const keyFile = join(folder, 'root-key.json');
  assert.equal((await stat(keyFile)).mode & 0o777, 0o600);
  await chmod(keyFile, 0o644);
  await openRoot(folder, nowMs);
  assert.equal((await stat(keyFile)).mode & 0o777, 0o600);
});

test('two starts at once end with one root', async () => {
  const folder = freshFolder();
  const roots = await Promise.all(Array.from({ length: 4 }, () => openRoot(folder, nowMs)));
  assert.equal(new Set(roots.map(({ certificate }) => certificate)).size, 1);
  assert.deepEqual(await readdir(join(folder, '..')), ['gateway']);
});

const unusable: Readonly<Record<string, (folder: string) => Promise<unknown>>> = {
  'a root of another machine': async () => undefined,
  'half a root': (folder) => rm(join(folder, 'root-key.json')),
  'the other half': (folder) => rm(join(folder, 'root-certificate.pem')),
  'a key that is none': (folder) => writeFile(join(folder, 'root-key.json'), '{"key":'),
  'a certificate that is none': (folder) => writeFile(join(folder, 'root-certificate.pem'), 'x'),
  'a key that others may write': (folder) => chmod(join(folder, 'root-key.json'), 0o666),
};

for (const [name, spoil] of Object.entries(unusable)) {
  test(`${name} is not used, and nothing of it is changed`, async () => {
    const folder = freshFolder();
    await openRoot(folder, nowMs, machine);
    await spoil(folder);
    const before = await readdir(folder);
    const here = name === 'a root of another machine' ? async () => 'another machine' : machine;
    await assert.rejects(openRoot(folder, nowMs, here), (error: unknown) => {
      assert.ok(error instanceof RootUnusable);
      assert.match(error.message, /^.{30,}\.$/s);
      assert.ok(error.message.includes(folder), error.message);
      return true;
    });
    assert.deepEqual(await readdir(folder), before);
  });
}

test('where a machine has no id, its root is used', async () => {
  const folder = freshFolder();
  const nameless = async (): Promise<undefined> => undefined;
  const made = await openRoot(folder, nowMs, nameless);
  assert.deepEqual(await openRoot(folder, nowMs, machine), { ...made, isNew: false });
  const copy = freshFolder();
  await openRoot(folder, nowMs, machine);
  await cp(folder, copy, { recursive: true });
  assert.equal((await openRoot(copy, nowMs, nameless)).certificate, made.certificate);
});

test('a root that has expired is not used', async () => {
  const folder = freshFolder();
  const { expiresMs } = await openRoot(folder, nowMs);
  await openRoot(folder, expiresMs - 1_000);
  await assert.rejects(openRoot(folder, expiresMs + 1_000), /has expired/);
});

test('a folder that cannot be made is reported', async () => {
  const file = join(parent, 'file');
  await writeFile(file, '');
  await assert.rejects(openRoot(join(file, 'data', 'gateway'), nowMs), RootUnusable);
});

/** What a client says of a leaf for `hosts` when it asks for `name`: undefined when it is content. */
async function verdict(hosts: readonly string[], name: string): Promise<string | undefined> {
  const root = await openRoot(join(parent, 'shared', 'gateway'), nowMs);
  const leaf = makeLeaf(root, hosts, { nowMs, untilMs: nowMs + 3_600_000 });
  const server = createServer({ cert: leaf.certificate, key: leaf.key }).listen(0, '127.0.0.1');
  server.on('tlsClientError', () => undefined);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({ host: '127.0.0.1', port, servername: name, ca: root.certificate });
  try {
    const failed = once(socket, 'error').then(([error]) => String(error.message));
    return await Promise.race([once(socket, 'secureConnect').then(() => undefined), failed]);
  } finally {
    socket.destroy();
    server.close();
  }
}

test('clients accept a leaf for each host of the table', options, async () => {
  for (const name of [
    'sessiondirectory.xboxlive.com',
    'user.auth.xboxlive.com',
    'rta.xboxlive.com',
  ]) {
    assert.equal(await verdict(leafNames(), name), undefined, name);
  }
});

// Kills: a host of the table whose names the leaf lacks, or which the root is not good for.
test('the leaf names every host of the table, and the root permits each', async () => {
  const root = await openRoot(freshFolder(), nowMs);
  const leaf = new X509Certificate(
    makeLeaf(root, leafNames(), { nowMs, untilMs: nowMs + 1_000 }).certificate,
  );
  for (const host of xboxHostNames) {
    assert.equal(typeof leaf.checkHost(host), 'string', host);
    assert.ok(
      rootDomains.some((one) => host === one || host.endsWith(`.${one}`)),
      host,
    );
  }
  assert.equal(leaf.checkHost('example.com'), undefined);
});

test('clients accept no leaf of this root for another name', options, async () => {
  for (const name of ['example.com', 'xboxlive.com.example.com', 'evilxboxlive.com', 'live.com']) {
    assert.match(String(await verdict([name], name)), /permitted subtree violation/, name);
  }
});

test('the certificate says what it is for', async () => {
  const root = await openRoot(freshFolder(), nowMs);
  const certificate = new X509Certificate(root.certificate);
  assert.equal(certificate.ca, true);
  assert.match(certificate.subject, /CN=OpenMPSD gateway on /);
  assert.ok(certificate.verify(certificate.publicKey));
  for (const domain of rootDomains) assert.ok(certificate.raw.includes(domain), domain);
});
