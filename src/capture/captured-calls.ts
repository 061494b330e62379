import type { Call } from '../domain/calls/call.ts';
import { serviceOf } from '../domain/calls/service.ts';
import { type Capture, headerOf } from './capture.ts';
import { usersOf } from './captured-users.ts';

/** The calls of a capture as certification looks at them; those to other hosts are left out. */
export function callsOf(capture: Capture): readonly Call[] {
  const users = usersOf(capture);
  return capture.calls.flatMap((call): Call[] => {
    const { host, pathname, search } = new URL(call.url);
    const service = serviceOf(host, pathname);
    if (service === '') return [];
    const user = users.get(call)?.claims ?? {};
    const retryAfter = Number(headerOf(call.responseHeaders, 'retry-after'));
    return [
      {
        id: String(call.number),
        atMs: call.startMs,
        endMs: call.endMs,
        user: user.xid ?? user.svc ?? 'unknown',
        title: user.tid,
        service,
        verb: call.method,
        path: pathname,
        query: search.slice(1),
        body: call.requestBody,
        status: call.status,
        ...(retryAfter > 0 && { retryAfterSeconds: retryAfter }),
        answer: headerOf(call.responseHeaders, 'etag') ?? `${call.status} ${call.responseBody}`,
      },
    ];
  });
}
