/** Dark or light: as the system, unless somebody chose. */

import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const key = 'openmpsd.theme';
const isTheme = (value: string | null): value is Theme =>
  value === 'light' || value === 'dark' || value === 'system';

const stored = localStorage.getItem(key);
const theme = signal<Theme>(isTheme(stored) ? stored : 'system');

effect(() => {
  localStorage.setItem(key, theme.value);
  if (theme.value === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme.value;
});

/** From what is shown to the other one. */
export function switchTheme(): void {
  const isDark =
    theme.value === 'dark' ||
    (theme.value === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  theme.value = isDark ? 'light' : 'dark';
}
