/** The keyboard: one table of what keys do, filled by the page that is shown. */

import { useLayoutEffect } from 'preact/hooks';

/** By key as browsers name it, or two keys with a space between: `g s`. */
export type KeyTable = Readonly<Record<string, () => void>>;

const tables: KeyTable[] = [];
let prefix = '';

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.altKey) return;
  const name = event.ctrlKey || event.metaKey ? `mod ${event.key.toLowerCase()}` : event.key;
  if (isTyping(event.target)) {
    if (name === 'Escape') (event.target as HTMLElement).blur();
    if (!name.startsWith('mod ')) return;
  }
  // Enter and space belong to the button or link that has the focus.
  const isPress = name === 'Enter' || name === ' ';
  if (isPress && event.target instanceof Element && event.target.closest('a, button') !== null)
    return;
  const full = prefix === '' ? name : `${prefix} ${name}`;
  prefix = '';
  // The newest table first: a dialog hides the keys of the page below it.
  for (const table of [...tables].reverse()) {
    const act = table[full];
    if (act !== undefined) {
      event.preventDefault();
      act();
      return;
    }
  }
  if (name === 'g') prefix = name;
});

/** Listens to these keys while the component is shown. */
export function useKeys(table: KeyTable): void {
  // Before the page is painted: who sees it may press a key.
  useLayoutEffect(() => {
    tables.push(table);
    return () => {
      tables.splice(tables.indexOf(table), 1);
    };
  });
}
