/** What errors of the connection to a Redis server mean. */

/** The meaning of an error of the connection or the server, for the operator: a sentence without a full stop. */
export function explainRedisError(error: unknown, isTls: boolean): string {
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
  // Without TLS a server waits for the rest of a command that it takes the greeting of TLS for, or ends.
  if (isTimeout(message)) {
    return `it does not answer${isTls ? ' (rediss:// is for a server that speaks TLS)' : ''}`;
  }
  // The link ends a connection whose replies are overdue.
  if (connectionsEndedHere.has(message)) return 'it did not answer in time';
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return isTls ? 'it does not speak TLS, as rediss:// says' : message.replace(/\.$/, '');
  }
  if (code === 'ECONNRESET' || message === 'Socket closed unexpectedly') {
    return `it ended the connection (${isTls ? 'rediss:// is for a server that speaks TLS' : 'one that wants TLS needs rediss://'})`;
  }
  return message.replace(/\.$/, '');
}

/** True when the server said nothing in time, which it may do when it is asked again. */
export function isSilence(error: unknown): boolean {
  const { message } = error as { readonly message: string };
  return isTimeout(message) || connectionsEndedHere.has(message);
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
