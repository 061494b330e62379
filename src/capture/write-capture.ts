import { open } from 'node:fs/promises';
import {
  bodyWithoutSecrets,
  headersWithoutSecrets,
  targetWithoutSecrets,
  textWithoutTokens,
} from '../observe/secrets.ts';
import type { Capture, CapturedCall, CapturedFrame, CapturedHeader } from './capture.ts';
import { usersOf } from './captured-users.ts';
import { harEntryOf, harMessageOf } from './har-entry.ts';

/**
 * Writes `capture` as a HAR file at `path`, which must not be there: tokens are replaced, and who
 * called is noted at each call. Throws when the file cannot be written.
 */
export async function writeCapture(capture: Capture, path: string): Promise<void> {
  const users = usersOf(capture);
  await using file = await open(path, 'wx', 0o600);
  const creator = JSON.stringify({ name: capture.madeBy || 'unknown', version: '' });
  await file.write(`{"log":{"version":"1.2","creator":${creator},"entries":[\n`);
  let separator = '';
  for (const call of capture.calls) {
    const entry = harEntryOf({ ...withoutSecrets(call), caller: users.get(call)?.claims });
    const messages = call.frames && {
      _webSocketMessages: call.frames.map(frameWithoutSecrets).map(harMessageOf),
    };
    await file.write(`${separator}${JSON.stringify({ ...entry, ...messages })}\n`);
    separator = ',';
  }
  await file.write(']}}\n');
}

function withoutSecrets(call: CapturedCall) {
  const { pathname } = new URL(call.url);
  return {
    ...call,
    durationMs: call.endMs - call.startMs,
    url: targetWithoutSecrets(call.url),
    requestHeaders: call.requestHeaders.flatMap(headerWithoutSecret),
    requestBody: bodyWithoutSecrets(pathname, call.requestBody),
    responseHeaders: call.responseHeaders.flatMap(headerWithoutSecret),
    responseBody: bodyWithoutSecrets(pathname, call.responseBody),
    isSocket: call.frames !== undefined,
  };
}

function frameWithoutSecrets(frame: CapturedFrame): CapturedFrame {
  return { ...frame, text: textWithoutTokens(frame.text) };
}

/** Headers may be there more than once, and of bodies that are unpacked none says how they were packed. */
function headerWithoutSecret([name, value]: CapturedHeader): readonly CapturedHeader[] {
  if (/^(?:content-encoding|transfer-encoding)$/i.test(name)) return [];
  return [[name, String(headersWithoutSecrets({ [name]: value })[name] ?? '')]];
}
