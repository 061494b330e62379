import { type Authenticator, AuthenticatorUnavailable } from '../auth/authenticator.ts';
import { type AuthenticatorSettings, openAuthenticator } from '../auth/open-authenticator.ts';
import { xboxHosts } from '../http/hosts.ts';
import type { OriginSettings } from '../http/origins.ts';
import type { Clock } from '../platform/clock.ts';
import type { Conditions } from '../platform/conditions.ts';
import { CannotStart } from './cannot-start.ts';
import { hasGateway } from './gateway.ts';
import type { ServerSettings } from './options.ts';

/** How these settings tell callers apart. */
export function callersOf(settings: ServerSettings): AuthenticatorSettings {
  const { auth, authKeys, authIssuer, authAudience, authKeysStaleMs } = settings;
  return auth === 'signed' && authKeys !== undefined
    ? {
        kind: 'signed',
        keySet: authKeys,
        issuer: authIssuer,
        audience: authAudience,
        staleMsMax: authKeysStaleMs,
      }
    : { kind: 'dev' };
}

/** Which pages of browsers may ask a server with these settings. */
export function originsOf({
  auth,
  control,
  corsOrigins,
  host,
  hostNames = [],
  ...settings
}: ServerSettings): OriginSettings {
  return {
    allowed: corsOrigins ?? (auth === 'dev' ? ['loopback'] : []),
    isGuarded: auth === 'dev' || control,
    hostNames: [...hostNames, host, ...(hasGateway(settings) ? Object.keys(xboxHosts) : [])],
  };
}

/** Throws CannotStart when the keys cannot be used. */
export async function openCallers(
  callers: AuthenticatorSettings,
  secret: Uint8Array,
  clock: Clock,
  conditions: Conditions,
): Promise<Authenticator> {
  const report = (problem: string | undefined): void => {
    if (problem === undefined) conditions.clear('key set');
    else conditions.raise('key set', problem);
  };
  try {
    return await openAuthenticator(callers, secret, clock.nowMs(), report);
  } catch (error) {
    if (error instanceof AuthenticatorUnavailable) throw new CannotStart([error.message]);
    throw error;
  }
}
