import type { Ids } from '../platform/ids.ts';

/** GUIDs that count from 1, so that a run can be repeated to the letter. */
export function sequentialIds(): Ids {
  let count = 0;
  return {
    guid() {
      count += 1;
      return `00000000-0000-4000-8000-${count.toString(16).padStart(12, '0')}`;
    },
  };
}
