/** The calls of a capture as rows of a log, each of which opens as a request of the server does. */

import type { Capture, CapturedCall, CapturedHeader } from '../../capture/capture.ts';
import type { BodyText, RequestDetail } from '../api-types.ts';

export type CapturedRequest = { readonly detail: RequestDetail; readonly origin: string };

/** Characters of a body that are shown. */
const bodyCharactersMax = 65_536;

/** Values that nobody should see on a screen. */
const secret =
  /^(?:authorization|cookie|set-cookie|signature|proxy-authorization|x-rp-authorization)$/i;

/** In the order in which the calls began; `userOf` says who called, by the number of a call. */
export function viewCapture(
  capture: Capture,
  userOf: ReadonlyMap<string, string>,
): readonly CapturedRequest[] {
  return capture.calls.map((call) => {
    const { origin, pathname, search, host } = new URL(call.url);
    const id = String(call.number);
    const xuid = userOf.get(id);
    return {
      origin,
      detail: {
        row: {
          kind: 'request',
          number: call.number,
          id,
          atMs: call.startMs,
          durationMs: Math.max(0, call.endMs - call.startMs),
          method: call.method,
          target: `${pathname}${search}`,
          status: call.status,
          ...(xuid !== undefined && { caller: { xuid } }),
        },
        requestHeaders: { Host: host, ...viewHeaders(call.requestHeaders) },
        ...viewBody('requestBody', call.requestBody),
        answerHeaders: viewHeaders(call.responseHeaders),
        ...viewBody('answerBody', answerOf(call)),
      },
    };
  });
}

/** Of a socket its messages, a line each. */
function answerOf({ frames, responseBody }: CapturedCall): string {
  if (frames === undefined) return responseBody;
  return frames
    .map(
      ({ from, kind, text }) => `${from === 'client' ? '→' : '←'} ${kind === 'text' ? text : kind}`,
    )
    .join('\n');
}

function viewHeaders(headers: readonly CapturedHeader[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    headers.map(([name, value]) => [name, secret.test(name) ? '…' : value]),
  );
}

function viewBody<Name extends 'requestBody' | 'answerBody'>(
  name: Name,
  text: string,
): { readonly [key in Name]?: BodyText } {
  if (text === '') return {};
  const body = { text: text.slice(0, bodyCharactersMax), isCut: text.length > bodyCharactersMax };
  return { [name]: body } as { readonly [key in Name]?: BodyText };
}
