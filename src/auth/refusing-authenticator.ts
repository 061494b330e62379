import type { Caller } from '../domain/caller.ts';
import type { Xuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Authenticator } from './authenticator.ts';

/** The authenticator, but for users whom `refusalOf` refuses: they get that refusal. */
export function refusingAuthenticator(
  authenticator: Authenticator,
  refusalOf: (xuid: Xuid) => Refusal | undefined,
): Authenticator {
  const { learn } = authenticator;
  const unlessRefused = <C extends Caller>(caller: C | Refusal): C | Refusal =>
    caller instanceof Refusal || caller.kind === 'service'
      ? caller
      : (refusalOf(caller.xuid) ?? caller);
  return {
    authenticate(authorization, nowMs) {
      const answer = authenticator.authenticate(authorization, nowMs);
      return answer instanceof Promise ? answer.then(unlessRefused) : unlessRefused(answer);
    },
    ...(learn && { learn: async (...stated) => unlessRefused(await learn(...stated)) }),
  };
}
