import { MultiplayerError, RtaError } from '../client/multiplayer-service.ts';

/** The address of the server that a command is for. Throws an Error with what is wrong. */
export function parseServerAddress(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const url = flag ?? env['MPSD_URL'] ?? 'http://127.0.0.1:8350';
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new Error(`--url is "${url}"; expected http://host:port.`);
  }
  return url;
}

/** A sentence on a call to the server at `url` that failed; undefined: the error is of another kind. */
export function explainFailedCall(error: unknown, url: string): string | undefined {
  if (error instanceof MultiplayerError && error.code === 'noAnswer') {
    return `nothing answers at ${url}; start the server before: npm start.`;
  }
  if (!(error instanceof MultiplayerError) && !(error instanceof RtaError)) return undefined;
  const cause = error.cause instanceof Error ? ` ${error.cause.message}` : '';
  return `${error.message}${cause}`;
}
