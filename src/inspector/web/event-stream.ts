/** Reading of a `text/event-stream` by fetch, which EventSource cannot do with a header. */

/**
 * The values of the `data:` lines of a stream, each parsed as JSON.
 *
 * Ends when the stream ends. Comments and other fields are left out. Throws what the reader throws.
 */
export async function* readEvents<Event>(
  chunks: ReadableStream<Uint8Array>,
): AsyncGenerator<Event, void, void> {
  const reader = chunks.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = block
          .split(/\r?\n/)
          .filter((line) => line.startsWith('data:'))
          .map((line) => line.slice(5).trimStart())
          .join('\n');
        if (data !== '') yield JSON.parse(data) as Event;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
