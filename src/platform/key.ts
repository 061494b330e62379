import { hkdfSync } from 'node:crypto';

/** The 32-byte key for one purpose; it tells nothing of the secret nor of the other keys. */
export function keyFor(purpose: string, secret: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', `openmpsd: ${purpose}`, 32));
}
