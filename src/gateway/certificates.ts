/**
 * Certificates (RFC 5280): the only file that uses the library.
 *
 *   root (three years; its key stays on this machine)
 *     └─ leaf (days; for the hosts that are served)
 *
 * The root is good for `names` and what is below them alone, so that a stolen key opens nothing else.
 */

import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import {
  BitString,
  Boolean as Asn1Boolean,
  Constructed,
  fromBER,
  UTCTime,
  Integer,
  ObjectIdentifier,
  OctetString,
  Primitive,
  Sequence,
  Set as Asn1Set,
  Utf8String,
} from 'asn1js';
import type { Milliseconds } from '../domain/time.ts';

/** A certificate with its private key, both as PEM. */
export type KeyedCertificate = { readonly certificate: string; readonly key: string };

/** When a certificate is made, and until when it is good. */
export type Validity = { readonly nowMs: Milliseconds; readonly untilMs: Milliseconds };

type Value = Sequence | Constructed | Primitive | Integer | OctetString | BitString | Asn1Boolean;

const ids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

/** The bits of KeyUsage, in its one byte. */
const digitalSignature = 0x80;
const keyCertSign = 0x04;

/** For clients whose clock is behind. */
const backdatedMs: Milliseconds = 24 * 3_600_000;

/** A new root for these domains, with a name that people see; its first 64 characters count. */
export function makeRoot(
  domains: readonly string[],
  name: string,
  validity: Validity,
): KeyedCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = nameOf(name.slice(0, 64));
  return certify({
    subject,
    issuer: subject,
    publicKey,
    privateKey,
    signingKey: privateKey,
    validity,
    extensions: [
      // A root of servers, and of no other roots.
      extension('basicConstraints', true, sequence(new Asn1Boolean({ value: true }), integer(0))),
      extension('keyUsage', true, bits(keyCertSign)),
      extension('nameConstraints', true, nameConstraints(domains)),
      extension('subjectKeyIdentifier', false, octets(keyIdOf(publicKey))),
    ],
  });
}

/** A new leaf for these host names (`*.xboxlive.com` too), signed by the root. */
export function makeLeaf(
  root: KeyedCertificate,
  hosts: readonly string[],
  validity: Validity,
): KeyedCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = new X509Certificate(root.certificate);
  return certify({
    subject: nameOf('OpenMPSD gateway'),
    issuer: subjectOf(issuer),
    publicKey,
    privateKey,
    signingKey: createPrivateKey(root.key),
    validity,
    extensions: [
      extension('basicConstraints', true, sequence()),
      extension('keyUsage', true, bits(digitalSignature)),
      extension('extendedKeyUsage', false, sequence(id('serverAuth'))),
      extension('subjectAltName', false, sequence(...hosts.map((host) => tagged(2, ascii(host))))),
      extension('authorityKeyIdentifier', false, sequence(tagged(0, keyIdOf(issuer.publicKey)))),
    ],
  });
}

type CertificateParts = {
  readonly subject: Value;
  readonly issuer: Value;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly signingKey: KeyObject;
  readonly validity: Validity;
  readonly extensions: readonly Sequence[];
};

function certify(parts: CertificateParts): KeyedCertificate {
  const { subject, issuer, publicKey, privateKey, signingKey, validity, extensions } = parts;
  const algorithm = sequence(id('ecdsaWithSha256'));
  const toBeSigned = sequence(
    // Version 3.
    explicit(0, integer(2)),
    new Integer({ valueHex: serialNumber() }),
    algorithm,
    issuer,
    sequence(time(validity.nowMs - backdatedMs), time(validity.untilMs)),
    subject,
    parse(publicKey.export({ type: 'spki', format: 'der' })),
    explicit(3, sequence(...extensions)),
  );
  const signature = sign('sha256', Buffer.from(toBeSigned.toBER()), signingKey);
  const certificate = sequence(toBeSigned, algorithm, new BitString({ valueHex: signature }));
  return {
    certificate: new X509Certificate(Buffer.from(certificate.toBER())).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

/** Positive, and different from all others. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

/**
 * The extension of name constraints: these names are permitted ([0], a name has tag 2), all addresses are
 * excluded ([1], an address has tag 7).
 *
 * No address is permitted: a constraint on names alone says nothing of addresses.
 */
function nameConstraints(names: readonly string[]): Sequence {
  const permitted = names.map((name) => sequence(tagged(2, ascii(name))));
  // Address and mask, all zeros: every address of that family.
  const excluded = [8, 32].map((length) => sequence(tagged(7, Buffer.alloc(length))));
  return sequence(explicit(0, ...permitted), explicit(1, ...excluded));
}

function extension(name: keyof typeof ids, isCritical: boolean, value: Value): Sequence {
  const critical = isCritical ? [new Asn1Boolean({ value: true })] : [];
  return sequence(id(name), ...critical, octets(Buffer.from(value.toBER())));
}

function nameOf(commonName: string): Sequence {
  const part = (name: keyof typeof ids, value: string): Asn1Set =>
    new Asn1Set({ value: [sequence(id(name), new Utf8String({ value }))] });
  return sequence(
    part('organization', 'OpenMPSD, for development'),
    part('commonName', commonName),
  );
}

/** The subject of a certificate, as it is in there. */
function subjectOf({ raw }: X509Certificate): Value {
  const [toBeSigned] = (parse(raw) as Sequence).valueBlock.value as [Sequence];
  return toBeSigned.valueBlock.value[5] as Sequence;
}

/** The hash by which a leaf names the key of its root. */
function keyIdOf(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
}

function sequence(
  ...value: readonly (Value | ObjectIdentifier | Asn1Set | UTCTime | Utf8String)[]
): Sequence {
  return new Sequence({ value: [...value] });
}

function integer(value: number): Integer {
  return new Integer({ value });
}

function octets(valueHex: Buffer): OctetString {
  return new OctetString({ valueHex });
}

/** A BIT STRING of one byte, without the zeros at its end. */
function bits(byte: number): BitString {
  return new BitString({
    valueHex: Buffer.from([byte]),
    unusedBits: 31 - Math.clz32(byte & -byte),
  });
}

function id(name: keyof typeof ids): ObjectIdentifier {
  return new ObjectIdentifier({ value: ids[name] });
}

/** Until 2049, as RFC 5280 wants it. */
function time(ms: Milliseconds): UTCTime {
  return new UTCTime({ valueDate: new Date(Math.floor(ms / 1_000) * 1_000) });
}

const contextClass = 3;

function explicit(tagNumber: number, ...value: readonly Value[]): Constructed {
  return new Constructed({ idBlock: { tagClass: contextClass, tagNumber }, value: [...value] });
}

function tagged(tagNumber: number, valueHex: Buffer): Primitive {
  return new Primitive({ idBlock: { tagClass: contextClass, tagNumber }, valueHex });
}

function ascii(text: string): Buffer {
  return Buffer.from(text, 'ascii');
}

function parse(der: Buffer): Value {
  return fromBER(der).result as Sequence;
}
