/** What errors of the connection to a Redis server mean. */

/** The meaning of an error of the connection or the server, for the operator: a sentence without a full stop. */
export function explainRedisError(error: unknown): string {
  const { code = '', message } = error as { readonly code?: string; readonly message: string };
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'no such host';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'it cannot be reached from here';
    default:
      break;
  }
  if (message.startsWith('OOM')) return 'its memory is full';
  if (message.startsWith('NOAUTH')) return 'it asks for a password, and the address has none';
  if (message.startsWith('WRONGPASS')) return 'it does not know this user and password';
  if (message.startsWith('ERR AUTH <password> called without any password')) {
    return 'it has no password, and the address has one';
  }
  if (isTimeout(message)) return 'it does not answer';
  // The link ends a connection whose replies are overdue.
  if (connectionsEndedHere.has(message)) return 'it did not answer in time';
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) return explainTlsError(message);
  if (isEnd(code, message)) return 'it ended the connection';
  return message.trimEnd().replace(/\.$/, '');
}

/** As `explainRedisError`, where no connection was ever made: the scheme of the address may be the wrong one. */
export function explainRedisErrorAtStart(error: unknown, isTls: boolean): string {
  const { code = '', message } = error as { readonly code?: string; readonly message: string };
  const hint = hintOfScheme(code, message, isTls);
  return `${explainRedisError(error)}${hint === undefined ? '' : ` (${hint})`}`;
}

function hintOfScheme(code: string, message: string, isTls: boolean): string | undefined {
  // Without TLS a server waits for the rest of a command that it takes the greeting of TLS for, or ends.
  if (isTls && (isTimeout(message) || isEnd(code, message))) {
    return 'rediss:// is for a server that speaks TLS';
  }
  return isEnd(code, message) ? 'one that wants TLS needs rediss://' : undefined;
}

/** Of a text such as `…:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/…`. */
function explainTlsError(message: string): string {
  const [, reason = message.trimEnd()] = /:SSL routines:[^:]*:([^:]+):/.exec(message) ?? [];
  if (/wrong version number|packet length too long/.test(reason)) return 'it does not speak TLS';
  if (reason.includes('certificate required')) {
    return 'it asks for a certificate of the client, which OpenMPSD cannot show: set tls-auth-clients no there';
  }
  return `TLS with it fails: ${reason}`;
}

/** True when the server said nothing in time, which it may do when it is asked again. */
export function isSilence(error: unknown): boolean {
  const { message } = error as { readonly message: string };
  return isTimeout(message) || connectionsEndedHere.has(message);
}

function isEnd(code: string, message: string): boolean {
  return code === 'ECONNRESET' || message === 'Socket closed unexpectedly';
}

function isTimeout(message: string): boolean {
  return /timeout/i.test(message);
}

/** The messages of @redis/client for commands of a connection that this process has ended. */
const connectionsEndedHere: ReadonlySet<string> = new Set([
  'Disconnects client',
  'The client is closed',
  'The client is offline',
]);
