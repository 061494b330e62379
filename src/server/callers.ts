import { type AdminAccess, openAdminAccess } from '../auth/admin-access.ts';
import {
  type Authenticator,
  AuthenticatorUnavailable,
  SignInUnavailable,
} from '../auth/authenticator.ts';
import {
  type AuthenticatorSettings,
  type Callers,
  openAuthenticator,
} from '../auth/open-authenticator.ts';
import { xboxHosts } from '../http/hosts.ts';
import type { OriginSettings } from '../http/origins.ts';
import { isLoopback } from '../config/settings.ts';
import { CannotStart } from './cannot-start.ts';
import type { NodeCore } from './core.ts';
import { hasGateway } from './gateway.ts';
import type { ServerSettings } from './options.ts';

/** The authenticator of these settings. */
export function callersOf(settings: ServerSettings): AuthenticatorSettings {
  const { auth, authKeys: keySet, authIssuer, authAudience } = settings;
  const { oidcIssuer, oidcAudience, oidcClientId: id, encryptedTokens } = settings;
  const keys = { staleMsMax: settings.authKeysStaleMs, claims: settings.authClaims };
  if (auth === 'signed' && keySet !== undefined) {
    return { kind: 'signed', keySet, issuer: authIssuer, audience: authAudience, ...keys };
  }
  if (auth === 'oidc' && oidcIssuer !== undefined && oidcAudience !== undefined) {
    const { oidcClientSecret: secret, oidcRequestAudience: audience } = settings;
    const client = id === undefined ? undefined : { id, secret, audience };
    const oidc = { issuer: oidcIssuer, audience: oidcAudience, keySet, client };
    return { kind: 'oidc', ...oidc, ...keys };
  }
  return { kind: 'dev', encryptedTokens };
}

/**
 * Who may administer a server with these settings; undefined: nobody. With `--auth dev` on an address
 * that only this machine reaches, every game service may.
 */
export function adminOf(
  { adminToken: token, adminServices, auth, host }: ServerSettings,
  authenticator: Authenticator,
): AdminAccess | undefined {
  const isOpen = auth === 'dev' && isLoopback(host);
  const services = isOpen ? 'any' : (adminServices ?? []);
  if (token === undefined && services.length === 0) return undefined;
  return openAdminAccess(authenticator, { token, services });
}

/** Which pages of browsers may call a server with these settings. */
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

/** Throws CannotStart when the keys or the sign-in of the issuer cannot be used. */
export async function openCallers(
  settings: AuthenticatorSettings,
  { secret, context, conditions }: Pick<NodeCore, 'secret' | 'context' | 'conditions'>,
): Promise<Callers> {
  const { store, clock } = context;
  const report = (what: string, problem: string | undefined): void => {
    if (problem === undefined) conditions.clear(what);
    else conditions.raise(what, problem);
  };
  try {
    return await openAuthenticator(settings, { secret, store, nowMs: clock.nowMs(), report });
  } catch (error) {
    if (error instanceof AuthenticatorUnavailable || error instanceof SignInUnavailable) {
      throw new CannotStart([error.message]);
    }
    throw error;
  }
}
