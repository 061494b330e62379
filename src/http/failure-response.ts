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

/**
 * The answer when a request could not be decided: for an outage, or a fault, which is logged. `isRead` is true of a
 * request that changes nothing.
 */
export function failureResponse(
  { isOutage, log }: FailureSettings,
  error: unknown,
  incoming: IncomingMessage,
  correlationId: Guid,
  isRead: boolean,
): Answer {
  if (error instanceof SignInUnavailable) return signInUnavailableResponse;
  if (error instanceof AuthenticatorUnavailable) return callerUnknownResponse;
  if (isOutage(error)) return isRead ? readOutageResponse : writeOutageResponse;
  log(faultReport(error, incoming, correlationId));
  return faultResponse(correlationId);
}

/** The answer while the store cannot be reached, or what it has cannot be read. */
const readOutageResponse = textResponse(
  503,
  'This server cannot read what is stored now; your request changes nothing. Try again; the log and /health/ready of the server say why.',
  retryAfter,
);

/** The same of a request that may have changed something. */
const writeOutageResponse = textResponse(
  503,
  'This server cannot reach its store now, or cannot write to it, and it is unknown whether this write was kept. Try again; the log and /health/ready of the server say why.',
  retryAfter,
);

/** The answer of a node that must not say what is stored, since it may be no longer so: nothing was begun. */
export const unfitResponse = textResponse(
  503,
  'This node has lost its lease in the store and answers nothing; nothing was done. Try again; another node may answer.',
  retryAfter,
);

/** The answer of a node that became unfit while it decided a request. */
export const becameUnfitResponse = textResponse(
  503,
  'This node has lost its lease in the store, and it is unknown whether a write was kept. Try again; another node may answer.',
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
  return `error: ${correlationId} ${method} ${path}: ${stack}`;
}
