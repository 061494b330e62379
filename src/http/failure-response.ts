import type { IncomingMessage } from 'node:http';
import { AuthenticatorUnavailable, SignInUnavailable } from '../auth/authenticator.ts';
import type { Guid } from '../domain/ids.ts';
import { retryAfter, textResponse } from './refusal-response.ts';
import type { Answer } from './route.ts';

export type FailureSettings = {
  /** True of an error by which the store says that it cannot be reached. */
  readonly isOutage: (error: unknown) => boolean;
  /** Logs a fault of the server, with its stack. */
  readonly log: (text: string) => void;
};

/** The answer when a request could not be decided: for an outage, or a fault, which is logged. */
export function failureResponse(
  { isOutage, log }: FailureSettings,
  error: unknown,
  incoming: IncomingMessage,
  correlationId: Guid,
): Answer {
  if (error instanceof SignInUnavailable) return signInUnavailableResponse;
  if (error instanceof AuthenticatorUnavailable) return callerUnknownResponse;
  if (isOutage(error)) return outageResponse;
  log(faultReport(error, incoming, correlationId));
  return faultResponse(correlationId);
}

/** The answer of a server that does not know, or must not say, the current state. */
export const outageResponse = textResponse(
  503,
  'Something that this server needs cannot be reached, and it is unknown whether a write was kept. Try again.',
  retryAfter,
);

/** The answer while no token can be checked: nothing was begun. */
const callerUnknownResponse = textResponse(
  503,
  'The keys that tokens are checked with cannot be read, so this server cannot tell who calls; nothing was done. Try again; the log and /health/ready of the server say why.',
  retryAfter,
);

/** The answer while the issuer cannot be asked to sign a user in. */
const signInUnavailableResponse = textResponse(
  503,
  'The sign-in at the issuer of this server cannot be used now. Try again; the log and /health/ready of the server say why.',
  retryAfter,
);

function faultResponse(correlationId: Guid): Answer {
  return textResponse(
    500,
    `A fault of the server, not of the request; its log says more under ${correlationId}.`,
  );
}

function faultReport(
  error: unknown,
  { method, url }: IncomingMessage,
  correlationId: Guid,
): string {
  const path = url?.replace(/\?.*/s, '');
  const stack = error instanceof Error ? error.stack : String(error);
  return `${correlationId} ${method} ${path}: ${stack}`;
}
