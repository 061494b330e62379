/** Requests and answers without the tokens in them, for all that is kept, shown or written. */

import { createHmac, randomBytes } from 'node:crypto';
import { replaceSecrets } from './secret-replacement.ts';

/** Of this process: a replacement says nothing about a token that could be guessed. */
const key = randomBytes(32);

/** What stands in the place of a secret: the same for the same one, as long as this process runs. */
export function replacementOf(secret: string): string {
  const hash = createHmac('sha256', key).update(secret).digest('hex');
  return `token-${hash.slice(0, 12)}`;
}

export const {
  headersWithoutSecrets,
  targetWithoutSecrets,
  bodyWithoutSecrets,
  textWithoutTokens,
} = replaceSecrets(replacementOf);
