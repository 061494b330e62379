import type { Caller, UserCaller } from '../domain/caller.ts';
import type { Xuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Authenticator } from './authenticator.ts';

/** The refusal of a user who is known. */
export class KnownUserRefusal extends Refusal {
  readonly caller: UserCaller;

  constructor({ code, text, detail, accepted }: Refusal, caller: UserCaller) {
    super(code, text, { ...(detail !== undefined && { detail }), accepted });
    this.caller = caller;
  }
}

/** The authenticator, but for users whom `refusalOf` refuses: they get that refusal, which knows them. */
export function refusingAuthenticator(
  authenticator: Authenticator,
  refusalOf: (xuid: Xuid) => Refusal | undefined,
): Authenticator {
  const { learn } = authenticator;
  const unlessRefused = <C extends Caller>(caller: C | Refusal): C | Refusal => {
    if (caller instanceof Refusal || caller.kind === 'service') return caller;
    const refusal = refusalOf(caller.xuid);
    return refusal === undefined ? caller : new KnownUserRefusal(refusal, caller);
  };
  return {
    authenticate(authorization, nowMs) {
      const answer = authenticator.authenticate(authorization, nowMs);
      return answer instanceof Promise ? answer.then(unlessRefused) : unlessRefused(answer);
    },
    ...(learn && { learn: async (...stated) => unlessRefused(await learn(...stated)) }),
  };
}
