import type { NoAnswer } from '../platform/no-answer.ts';
import { withoutUrlSecrets } from '../platform/url-secrets.ts';
import { MultiplayerError, RtaError } from '../client/multiplayer-service.ts';

/** The address of the server that a command is for, without a slash at its end. Throws an Error with what is wrong. */
export function parseServerAddress(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const url = flag ?? env['MPSD_URL'] ?? 'http://127.0.0.1:8350';
  const parsed = URL.parse(url);
  const shown = withoutUrlSecrets(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new Error(`--url is "${shown}"; expected http://host:port.`);
  }
  const { pathname, search, hash } = parsed;
  if (pathname !== '/' || search !== '' || hash !== '') {
    throw new Error(`--url is "${shown}"; expected http://host:port, without a path.`);
  }
  return parsed.origin;
}

/** A token that `source` gives, for a header. Throws an Error that does not show it, as `fetch` does. */
export function parseToken(text: string | undefined, source: string): string | undefined {
  const token = text?.trim();
  if (token === undefined || /^[\x20-\x7e]*$/.test(token)) return token;
  throw new Error(`${source} has characters that no token has, such as line ends.`);
}

/**
 * A sentence on a call to the server at `url` that failed; undefined: the error is of another kind.
 * `wasThere`: it has answered before.
 */
export function explainFailedCall(
  error: unknown,
  url: string,
  { wasThere = false } = {},
): string | undefined {
  const failed = error instanceof RtaError ? error.cause : error;
  if (failed instanceof MultiplayerError && failed.status === 0) {
    // Not the message: it has the path, and a session may be called issuer.
    const given = { reason: failed.text, isLate: failed.code === 'timedOut' };
    return explainNoAnswer(given, url, { wasThere });
  }
  const isNoJson =
    failed instanceof MultiplayerError &&
    failed.code === 'answerMalformed' &&
    failed.text.includes('not JSON');
  if (failed instanceof MultiplayerError && (isNoJson || isPage(failed.text))) {
    return explainForeign(failed.status, url);
  }
  if (!(error instanceof MultiplayerError) && !(error instanceof RtaError)) return undefined;
  const cause = error.cause instanceof Error ? ` ${error.cause.message}` : '';
  return `${error.message}${cause}`;
}

/**
 * A sentence on why nothing came from the server at `url`. `reason` has the messages of the error and of
 * its causes, and nothing of the call: names of sessions may be any words. `wasThere`: it has answered
 * before.
 */
export function explainNoAnswer(
  { reason, isLate }: Pick<NoAnswer, 'reason' | 'isLate'>,
  url: string,
  { wasThere = false } = {},
): string {
  if (isLate) return `${url} takes connections, but has not answered in time.`;
  if (/wrong version number|packet length too long|EPROTO/i.test(reason)) {
    return `${url} does not speak TLS; is it http in place of https?`;
  }
  if (/certificate|self-signed|issuer/i.test(reason)) {
    return `the certificate of ${url} is not trusted (${reason}). Give Node the root of the server in NODE_EXTRA_CA_CERTS: openmpsd trust --for node says how.`;
  }
  // What waits for a connection is no server that has one and is late.
  if (/connect timeout|ETIMEDOUT/i.test(reason)) {
    const waited = /timeout: (\d+)ms/i.exec(reason)?.[1];
    const time = waited === undefined ? 'in time' : `within ${Number(waited) / 1_000} s`;
    return `${url} cannot be reached: no connection ${time}.`;
  }
  const unknown = /ENOTFOUND (\S+)/.exec(reason)?.[1];
  if (unknown !== undefined) return `there is no host ${unknown}: its name is not known here.`;
  return wasThere
    ? `the server at ${url} has ended, or cannot be reached any more.`
    : `nothing answers at ${url}; start the server first (openmpsd serve, or npm start in a checkout).`;
}

/** True of the start of an HTML page, which no answer to a call begins with. */
export function isPage(text: string): boolean {
  return text.trimStart().startsWith('<');
}

/** A sentence on a server that answers calls as OpenMPSD never does. */
export function explainForeign(status: number, url: string): string {
  return `what answers at ${url} is not OpenMPSD; its answer has the status ${status}, and is no answer of a session directory.`;
}
