import { createHash, X509Certificate } from 'node:crypto';

/** The password of the store, which protects nothing: a trust store holds no secret. */
export const javaTrustStorePassword = 'changeit';

/**
 * A trust store of Java, in its oldest format, which every Java reads and no tool is needed for:
 *
 *     magic FEEDFEED, version 2, count
 *     per certificate: 2, alias, time of making, "X.509", length, DER
 *     SHA-1 of the password in UTF-16, a fixed phrase, and all of the above
 */
export function encodeJavaTrustStore(certificates: readonly string[], nowMs: number): Buffer {
  const entries = certificates.flatMap((pem, i) => {
    const { raw } = new X509Certificate(pem);
    const time = Buffer.alloc(8);
    time.writeBigInt64BE(BigInt(nowMs));
    return [uint32(2), text(`openmpsd-${i}`), time, text('X.509'), uint32(raw.length), raw];
  });
  const content = Buffer.concat([
    ...[uint32(0xfeedfeed), uint32(2), uint32(certificates.length)],
    ...entries,
  ]);
  const seal = createHash('sha1')
    .update(Buffer.from(javaTrustStorePassword, 'utf16le').swap16())
    .update('Mighty Aphrodite')
    .update(content)
    .digest();
  return Buffer.concat([content, seal]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A text with its length before it. */
function text(value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(value.length);
  return Buffer.concat([length, Buffer.from(value, 'ascii')]);
}
