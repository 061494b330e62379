/**
 * HAR 1.2, with the messages of sockets as browsers write them.
 *
 *     { "log": { "creator": …, "entries": [
 *       { "startedDateTime": …, "time": …, "request": …, "response": …,
 *         "_webSocketMessages": [ { "type": "send", "time": seconds, "opcode": 1, "data": … } ] } ] } }
 *
 * Programs differ in what they leave out, so nothing is needed but a method and a URL. This runs in
 * browsers too: the page of the inspector opens captures.
 */

import { claimNames, type TokenClaims } from '../auth/claims.ts';
import {
  type Capture,
  type CapturedCall,
  CaptureError,
  type CapturedFrame,
  type CapturedHeader,
  headerOf,
  parseMoment,
} from './capture.ts';

type Loose = Readonly<Record<string, unknown>>;

/**
 * The capture that `text` is. Of a recording of ours that was cut off, what can be read.
 *
 * Throws a CaptureError when it is none.
 */
export function parseHar(text: string): Capture {
  const problems: string[] = [];
  const log = parseLog(text, problems);
  const entries = log['entries'];
  if (!Array.isArray(entries)) {
    throw new CaptureError('is no HAR file: it has no log.entries.');
  }
  const creator = objectOf(log['creator']);
  const parts = entries.flatMap((entry: unknown, at): Part[] => {
    const call = parseEntry(objectOf(entry), at + 1);
    if (typeof call !== 'string') {
      return [{ call, number: Number(objectOf(entry)['_part']) || 1 }];
    }
    problems.push(`Entry ${at + 1} was left out: ${call}.`);
    return [];
  });
  return {
    madeBy: [textOf(creator['name']), textOf(creator['version'])].filter(Boolean).join(' '),
    calls: joinParts(parts).toSorted((a, b) => a.startMs - b.startMs || a.number - b.number),
    problems,
  };
}

function parseLog(text: string, problems: string[]): Loose {
  try {
    return objectOf(objectOf(JSON.parse(text.replace(/^\uFEFF/, '')))['log']);
  } catch (error) {
    if (!text.startsWith(ownHead)) {
      const isText = !/[\0\uFFFD]/.test(text.slice(0, 1_000));
      throw new CaptureError(
        isText
          ? `is no JSON: ${error instanceof Error ? error.message : error}`
          : 'is neither a HAR file nor an archive of Fiddler.',
      );
    }
    const entries = text.split('\n').slice(1).flatMap(parseLine);
    problems.push(`The file is damaged; ${entries.length} entries could be read.`);
    return { creator: { name: 'OpenMPSD' }, entries };
  }
}

/** How a recording of ours begins; each entry is on a line of its own. */
export const ownHead = '{"log":{"version":"1.2","creator":{"name":"OpenMPSD"';

function parseLine(line: string): readonly unknown[] {
  try {
    return [JSON.parse(line.startsWith(',') ? line.slice(1) : line)];
  } catch {
    return [];
  }
}

/** A call; or why the entry is none. */
function parseEntry(entry: Loose, number: number): CapturedCall | string {
  const request = objectOf(entry['request']);
  const response = objectOf(entry['response']);
  const method = textOf(request['method']).toUpperCase();
  const url = textOf(request['url']).replace(/^ws(s?):/i, 'http$1:');
  if (method === '' || !URL.canParse(url)) return 'it has no method or no URL';
  const startMs = parseMoment(textOf(entry['startedDateTime']));
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

/** A call, or a part of a socket, which this server writes where a socket lasts. */
type Part = { readonly call: CapturedCall; readonly number: number };

/** Each socket whole again. Of a part that was written twice, the longer one counts. */
function joinParts(parts: readonly Part[]): readonly CapturedCall[] {
  const sockets = new Map<string, Map<number, CapturedCall>>();
  const others: CapturedCall[] = [];
  for (const { call, number } of parts) {
    const id = headerOf(call.responseHeaders, correlationHeader);
    if (call.frames === undefined || id === undefined) {
      others.push(call);
      continue;
    }
    const known = sockets.get(id) ?? new Map<number, CapturedCall>();
    const framesOf = (one: CapturedCall | undefined): number => one?.frames?.length ?? -1;
    if (framesOf(call) > framesOf(known.get(number))) known.set(number, call);
    sockets.set(id, known);
  }
  const whole = [...sockets.values()].flatMap((byNumber) => {
    const ordered = [...byNumber].toSorted(([a], [b]) => a - b).map(([, call]) => call);
    const [first] = ordered;
    const frames = ordered.flatMap((call) => call.frames ?? []);
    return first === undefined ? [] : [{ ...first, frames }];
  });
  return [...others, ...whole];
}

/** Each answer of the service has another. @source docs/wire/README.md "Every answer" */
const correlationHeader = 'x-xblcorrelationid';

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
  try {
    const bytes = Uint8Array.from(atob(textOf(text)), (one) => one.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  } catch {
    return '';
  }
}

function callerOf(entry: Loose): { readonly caller?: TokenClaims } {
  const claims = objectOf(entry['_caller']);
  const own = claimNames.filter((name) => typeof claims[name] === 'string');
  return own.length === 0
    ? {}
    : { caller: Object.fromEntries(own.map((name) => [name, textOf(claims[name])])) };
}

function objectOf(value: unknown): Loose {
  return typeof value === 'object' && value !== null ? (value as Loose) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}
