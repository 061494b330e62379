import { hkdfSync } from 'node:crypto';

/** The 32-byte key for one purpose; neither the secret nor another key can be derived from it. */
export function keyFor(purpose: string, secret: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', `openmpsd: ${purpose}`, 32));
}
