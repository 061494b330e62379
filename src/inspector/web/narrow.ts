/** Whether the page is as narrow as a phone, by the same width as its styles. */

import { signal } from '@preact/signals';

const query = matchMedia('(max-width: 680px)');

export const isNarrow = signal(query.matches);

query.addEventListener('change', () => {
  isNarrow.value = query.matches;
});
