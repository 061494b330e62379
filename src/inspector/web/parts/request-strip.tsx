/** How many requests there were over time, and how many of them were refused. */

import { useMemo } from 'preact/hooks';
import type { ActivityRow } from '../../api-types.ts';
import { nowMs, tick } from '../live.ts';
import { clockText, countedText } from '../time-text.ts';

const bucketMsChoices = [1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000] as const;

/** Bars of a strip. */
const bucketsMax = 90;
const bucketsMin = 30;

type Bucket = {
  readonly startMs: number;
  readonly count: number;
  readonly refused: number;
  /** Of the first row in it; -1: there is none. */
  readonly index: number;
};

/** The buckets from the first request until `untilMs`. */
function bucketsOf(
  rows: readonly ActivityRow[],
  untilMs: number,
): { readonly bucketMs: number; readonly buckets: readonly Bucket[] } {
  const firstMs = rows[0]?.atMs ?? untilMs;
  const lastMs = Math.max(untilMs, rows.at(-1)?.atMs ?? 0);
  const spanMs = lastMs - firstMs;
  const bucketMs =
    bucketMsChoices.find((ms) => spanMs / ms < bucketsMax - 1) ??
    Math.ceil(spanMs / (bucketsMax - 1));
  const lastBucket = Math.floor(lastMs / bucketMs);
  const startBucket = Math.min(Math.floor(firstMs / bucketMs), lastBucket - bucketsMin + 1);
  const buckets = Array.from({ length: lastBucket - startBucket + 1 }, (_, at) => ({
    startMs: (startBucket + at) * bucketMs,
    count: 0,
    refused: 0,
    index: -1,
  }));
  rows.forEach((row, index) => {
    const bucket = buckets[Math.floor(row.atMs / bucketMs) - startBucket];
    if (bucket === undefined || row.kind !== 'request') return;
    bucket.count += 1;
    if (row.status >= 400) bucket.refused += 1;
    if (bucket.index < 0) bucket.index = index;
  });
  return { bucketMs, buckets };
}

export function RequestStrip({
  rows,
  isPaused,
  onChoose,
}: {
  readonly rows: readonly ActivityRow[];
  readonly isPaused: boolean;
  /** Called with the index of the first row of the bar that was clicked. */
  readonly onChoose: (index: number) => void;
}) {
  // Read so that time goes on.
  tick.value;
  const second = Math.floor(nowMs() / 1_000) * 1_000;
  const untilMs = isPaused ? (rows.at(-1)?.atMs ?? second) : second;
  const { bucketMs, buckets } = useMemo(() => bucketsOf(rows, untilMs), [rows, untilMs]);
  const most = Math.max(1, ...buckets.map(({ count }) => count));
  const share = (count: number): string => `${(count / most) * 100}%`;
  const [first] = buckets;
  return (
    <section class="request-strip" aria-label="Requests over time">
      <div class="strip-bars">
        {buckets.map(({ startMs, count, refused, index }) => {
          const text = `${clockText(startMs)}: ${countedText(count, 'request')}, ${refused} refused`;
          return (
            <button
              key={startMs}
              type="button"
              tabIndex={-1}
              disabled={count === 0}
              title={text}
              aria-label={text}
              onClick={() => onChoose(index)}
            >
              <i style={{ height: share(count - refused) }} />
              <i class="refused" style={{ height: share(refused) }} />
            </button>
          );
        })}
      </div>
      <p class="strip-foot faint number">
        <span>{first !== undefined && clockText(first.startMs)}</span>
        <span>
          {bucketMs < 60_000 ? `${bucketMs / 1_000} s` : `${Math.round(bucketMs / 60_000)} min`} a
          bar, at most {countedText(most, 'request')}
        </span>
        <span>{clockText(untilMs)}</span>
      </p>
    </section>
  );
}
