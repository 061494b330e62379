/** A capture that somebody has already, judged in the browser: nothing of it is sent. */

import { useRef, useState } from 'preact/hooks';
import type { Capture } from '../../../capture/capture.ts';
import type { Analysis } from '../../api-types.ts';
import type { CapturedRequest } from '../captured-log.ts';
import { Icon } from './icon.tsx';

/** A capture that was opened. */
export type OpenedCapture = {
  readonly name: string;
  readonly analysis: Analysis;
  readonly untilMs: number;
  readonly calls: readonly CapturedRequest[];
  /** What could not be read, a sentence each. */
  readonly problems: readonly string[];
};

export function OpenCapture({ opened }: { readonly opened: (capture: OpenedCapture) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string>();
  const [isReading, setReading] = useState(false);
  const read = async (file: File): Promise<void> => {
    setProblem(undefined);
    setReading(true);
    try {
      opened(await judgeCapture(file));
    } catch (error) {
      setProblem(`${file.name} ${error instanceof Error ? error.message : error}`);
    } finally {
      setReading(false);
    }
  };
  return (
    <>
      <button
        type="button"
        class="button"
        disabled={isReading}
        title="A .har file of a browser, a proxy or this server, or a .saz of Fiddler. It stays in this browser."
        onClick={() => input.current?.click()}
      >
        <Icon name="upload" /> {isReading ? 'Reading…' : 'Open a capture'}
      </button>
      <input
        ref={input}
        type="file"
        accept=".har,.saz,application/json"
        aria-label="Capture"
        hidden
        onChange={({ currentTarget }) => {
          const [file] = currentTarget.files ?? [];
          // The same file may be chosen again.
          currentTarget.value = '';
          if (file !== undefined) void read(file);
        }}
      />
      {problem !== undefined && <span class="bad">{problem}</span>}
    </>
  );
}

/** Throws an Error, whose message goes behind the name of the file, when it is no capture. */
async function judgeCapture(file: File): Promise<OpenedCapture> {
  // Loaded when it is asked for: few who open the page have a capture.
  const [{ callsOf }, { captureLimits }, { analyzeCalls }] = await Promise.all([
    import('../../../capture/captured-calls.ts'),
    import('../../../capture/capture.ts'),
    import('../../../domain/calls/analyze-calls.ts'),
  ]);
  if (file.size > captureLimits.fileBytesMax) {
    throw new Error(`has more than ${captureLimits.fileBytesMax / 1024 / 1024} MiB.`);
  }
  const capture = await parseCapture(file);
  const { viewCapture } = await import('../captured-log.ts');
  const calls = callsOf(capture);
  const sinceMs = calls.reduce(
    (least, { atMs }) => Math.min(least, atMs),
    Number.POSITIVE_INFINITY,
  );
  return {
    name: file.name,
    problems: capture.problems,
    calls: viewCapture(capture, new Map(calls.map(({ id, user }) => [id, user]))),
    untilMs: calls.reduce((most, { endMs }) => Math.max(most, endMs), 0),
    analysis: {
      requestsCount: calls.length,
      sinceMs: calls.length === 0 ? 0 : sinceMs,
      ...analyzeCalls(calls),
    },
  };
}

/** What a file is, is seen by its first bytes. */
async function parseCapture(file: File): Promise<Capture> {
  if ((await file.slice(0, 2).text()) === 'PK') {
    const { readSaz } = await import('../../../capture/saz.ts');
    return readSaz({
      size: file.size,
      read: async (at, length) => new Uint8Array(await file.slice(at, at + length).arrayBuffer()),
    });
  }
  const { parseHar } = await import('../../../capture/har.ts');
  return parseHar(await file.text());
}
