/** The calls of a capture as rows of a log, each of which opens as a request of the server does. */

import type { Capture, CapturedCall, CapturedHeader } from '../../capture/capture.ts';
import { replaceSecrets } from '../../observe/secret-replacement.ts';
import type { BodyText, RequestDetail } from '../api-types.ts';

export type CapturedRequest = { readonly detail: RequestDetail; readonly origin: string };

/** Characters of a body that are shown. */
const bodyCharactersMax = 65_536;

/** Nobody should see tokens on a screen, or copy them with a request. */
const { headersWithoutSecrets, targetWithoutSecrets, bodyWithoutSecrets } = replaceSecrets(
  () => '…',
);

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
          target: targetWithoutSecrets(`${pathname}${search}`),
          status: call.status,
          ...(xuid !== undefined && { caller: { xuid } }),
        },
        requestHeaders: { Host: host, ...viewHeaders(call.requestHeaders) },
        ...viewBody('requestBody', pathname, call.requestBody),
        answerHeaders: viewHeaders(call.responseHeaders),
        ...viewBody('answerBody', pathname, answerOf(call)),
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
  const shown = headersWithoutSecrets(Object.fromEntries(headers));
  return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, String(value)]));
}

function viewBody<Name extends 'requestBody' | 'answerBody'>(
  name: Name,
  path: string,
  whole: string,
): { readonly [key in Name]?: BodyText } {
  if (whole === '') return {};
  const text = bodyWithoutSecrets(path, whole);
  const body = { text: text.slice(0, bodyCharactersMax), isCut: text.length > bodyCharactersMax };
  return { [name]: body } as { readonly [key in Name]?: BodyText };
}
