import { sha256 } from '@noble/hashes/sha2.js';
import { hmac } from '@noble/hashes/hmac.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** 36 characters, 8-4-4-4-12 hex digits; compared without regard to case. */
export type Guid = string;

/** A user's id: 1 to 20 decimal digits, always a string. */
export type Xuid = string;

/** A title's id: a decimal unsigned 32-bit number, always a string. */
export type TitleId = string;

const guidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const xuidPattern = /^[0-9]{1,20}$/;

/** True of the text of a GUID, in either case. */
export function isGuid(text: string): boolean {
  return guidPattern.test(text);
}

/** True of the text of a xuid. */
export function isXuid(text: string): boolean {
  return xuidPattern.test(text);
}

/**
 * True of a xuid as Xbox Live writes it: a number below 2^64 without leading zeros. Clients read xuids as
 * numbers: with leading zeros one user would look like another.
 */
export function isCanonicalXuid(text: string): boolean {
  return isXuid(text) && BigInt(text) < 2n ** 64n && String(BigInt(text)) === text;
}

/** What `isCanonicalXuid` expects, for messages. */
export const canonicalXuidForm = 'a decimal number below 2^64 without leading zeros';

/** True of a decimal unsigned 32-bit number without leading zeros. */
export function isTitleId(text: string): boolean {
  return /^(0|[1-9][0-9]{0,9})$/.test(text) && Number(text) <= 0xffff_ffff;
}

/** The first 32 hex digits of the SHA-256 of `text`. */
export function digest(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)).subarray(0, 16));
}

/** The first 32 hex digits of the HMAC-SHA-256 of `text` under `key`. */
export function keyedDigest(key: Uint8Array, text: string): string {
  return bytesToHex(hmac(sha256, key, utf8ToBytes(text)).subarray(0, 16));
}

/** The GUID made from `text`, always the same. */
export function guidOf(text: string): Guid {
  const hex = digest(text);
  return [8, 12, 16, 20, 32].map((end, i) => hex.slice([0, 8, 12, 16, 20][i], end)).join('-');
}
