import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEvents } from './event-stream.ts';

/** A stream that brings these bytes, so many at a time. */
function streamOf(text: string, step: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, at + step));
      at += step;
    },
  });
}

test('events are read however the bytes arrive, and comments are left out', async () => {
  const text =
    ': hello\n\nevent: clock\ndata: {"kind":"clock","name":"Zoë"}\n\n' +
    'data: {"kind":\r\ndata: "hello"}\r\n\r\ndata: {"kind":"cut';
  for (const step of [1, 2, 7, 1_000]) {
    const events: unknown[] = [];
    for await (const event of readEvents<unknown>(streamOf(text, step))) events.push(event);
    assert.deepEqual(events, [{ kind: 'clock', name: 'Zoë' }, { kind: 'hello' }], `step ${step}`);
  }
});
