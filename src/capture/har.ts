/**
 * HAR 1.2, with the messages of sockets as browsers write them.
 *
 *     { "log": { "creator": …, "entries": [
 *       { "startedDateTime": …, "time": …, "request": …, "response": …,
 *         "_webSocketMessages": [ { "type": "send", "time": seconds, "opcode": 1, "data": … } ] } ] } }
 *
 * Programs differ in what they leave out, so nothing is needed but a method and a URL.
 */

import {
  type Capture,
  type CapturedCall,
  type CapturedCaller,
  CaptureError,
  type CapturedFrame,
  type CapturedHeader,
} from './capture.ts';

type Loose = Readonly<Record<string, unknown>>;

/** The capture that `text` is. Throws a CaptureError when it is none. */
export function parseHar(text: string): Capture {
  let root: unknown;
  try {
    root = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new CaptureError(`is no JSON: ${error instanceof Error ? error.message : error}`);
  }
  const log = objectOf(objectOf(root)['log']);
  const entries = log['entries'];
  if (!Array.isArray(entries)) {
    throw new CaptureError('is no HAR file: it has no log.entries.');
  }
  const creator = objectOf(log['creator']);
  const problems: string[] = [];
  const calls = entries.flatMap((entry: unknown, at): CapturedCall[] => {
    const call = parseEntry(objectOf(entry), at + 1);
    if (typeof call !== 'string') return [call];
    problems.push(`Entry ${at + 1} was left out: ${call}.`);
    return [];
  });
  return {
    madeBy: [textOf(creator['name']), textOf(creator['version'])].filter(Boolean).join(' '),
    calls: joinParts(calls).toSorted((a, b) => a.startMs - b.startMs || a.number - b.number),
    problems,
  };
}

/** A call; or why the entry is none. */
function parseEntry(entry: Loose, number: number): CapturedCall | string {
  const request = objectOf(entry['request']);
  const response = objectOf(entry['response']);
  const method = textOf(request['method']).toUpperCase();
  const url = textOf(request['url']).replace(/^ws(s?):/i, 'http$1:');
  if (method === '' || !URL.canParse(url)) return 'it has no method or no URL';
  const startMs = Date.parse(textOf(entry['startedDateTime']));
  if (Number.isNaN(startMs)) return 'its startedDateTime is no time';
  const messages = entry['_webSocketMessages'];
  const isSocket = Array.isArray(messages) || entry['_resourceType'] === 'websocket';
  const timeMs = Number(entry['time']);
  return {
    number,
    startMs,
    endMs: startMs + (timeMs > 0 ? timeMs : 0),
    method,
    url,
    requestHeaders: headersOf(request['headers']),
    requestBody: bodyOf(objectOf(request['postData'])),
    status: Number(response['status']) || 0,
    responseHeaders: headersOf(response['headers']),
    responseBody: bodyOf(objectOf(response['content'])),
    ...(isSocket && { frames: Array.isArray(messages) ? messages.flatMap(framesOf) : [] }),
    ...callerOf(entry),
  };
}

/** One socket again out of parts, which this server writes where a socket lasts. */
function joinParts(calls: readonly CapturedCall[]): readonly CapturedCall[] {
  const sockets = new Map<string, CapturedCall>();
  const others: CapturedCall[] = [];
  for (const call of calls) {
    const id = call.responseHeaders.find(([name]) => name === correlationHeader)?.[1];
    if (call.frames === undefined || id === undefined) {
      others.push(call);
      continue;
    }
    const first = sockets.get(id);
    sockets.set(
      id,
      first === undefined
        ? call
        : {
            ...first,
            endMs: Math.max(first.endMs, call.endMs),
            frames: [...(first.frames ?? []), ...call.frames],
          },
    );
  }
  return [...others, ...sockets.values()];
}

/** Each answer of the service has another. @source docs/wire/README.md "Every answer" */
const correlationHeader = 'X-XblCorrelationId';

const kinds: Readonly<Record<number, CapturedFrame['kind']>> = {
  8: 'close',
  9: 'ping',
  10: 'pong',
};

function framesOf(message: unknown): readonly CapturedFrame[] {
  const { type, time, opcode, data } = objectOf(message);
  if (type !== 'send' && type !== 'receive') return [];
  const kind = kinds[Number(opcode)] ?? 'text';
  return [
    {
      from: type === 'send' ? 'client' : 'server',
      atMs: (Number(time) || 0) * 1000,
      kind,
      text: kind === 'text' ? textOf(data) : '',
    },
  ];
}

function headersOf(value: unknown): readonly CapturedHeader[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown): CapturedHeader[] => {
    const { name, value: text } = objectOf(one);
    // Browsers list the pseudo-headers of HTTP/2 too.
    return typeof name === 'string' && !name.startsWith(':') ? [[name, textOf(text)]] : [];
  });
}

/** The text of a request's `postData` or an answer's `content`. */
function bodyOf({ text, encoding }: Loose): string {
  if (encoding !== 'base64') return textOf(text);
  return Buffer.from(textOf(text), 'base64').toString('utf8');
}

function callerOf(entry: Loose): { readonly caller?: CapturedCaller } {
  const claims = objectOf(entry['_caller']);
  const own = Object.entries(claims).filter(([, value]) => typeof value === 'string');
  return own.length === 0 ? {} : { caller: Object.fromEntries(own) };
}

function objectOf(value: unknown): Loose {
  return typeof value === 'object' && value !== null ? (value as Loose) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}
