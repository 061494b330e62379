/** Short notices of what came of an action. */

import { signal } from '@preact/signals';

export type Notice = {
  readonly id: number;
  readonly tone: 'good' | 'bad';
  readonly title: string;
  /** Each line of it is shown as one. */
  readonly text: string;
  /** The request that can be opened from it. */
  readonly requestId?: string;
};

export const notices = signal<readonly Notice[]>([]);
let lastId = 0;

/** Those that are shown at once. */
const noticesMax = 4;

const shownMs = { good: 3_500, bad: 9_000 };

export function showNotice(notice: Omit<Notice, 'id'>): void {
  lastId += 1;
  const id = lastId;
  // What came of the same action before is over.
  const others = notices.value.filter(({ title }) => title !== notice.title);
  notices.value = [...others, { ...notice, id }].slice(-noticesMax);
  setTimeout(() => closeNotice(id), shownMs[notice.tone]);
}

export function closeNotice(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}
