/** A real browser for tests of pages, and what it complained about. */

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

const names = [process.env['MPSD_BROWSER'], 'chromium', 'chromium-browser', 'google-chrome'];

/** The path of a Chromium of this machine; undefined: there is none. */
export const browserPath = names
  .filter((name) => name !== undefined)
  .flatMap((name) =>
    name.includes('/')
      ? [name]
      : (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)),
  )
  .find((path) => existsSync(path));

/** The reason to skip a test that needs a browser; false: there is one. */
export const skipWithoutBrowser =
  browserPath === undefined && 'there is no Chromium on this machine (MPSD_BROWSER names one)';

/** Far above what a busy machine needs, so that only a page that never comes to it fails. */
const patienceMs = 60_000;

/** `rebindName` is a name that leads to this machine, as an attacker's does after a while. */
export const rebindName = 'rebind.example';

export async function startBrowser(): Promise<Browser> {
  if (browserPath === undefined) throw new Error('there is no Chromium');
  return chromium.launch({
    executablePath: browserPath,
    timeout: patienceMs,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--mute-audio'],
      `--host-resolver-rules=MAP ${rebindName} 127.0.0.1`,
    ],
  });
}

export type PageOptions = {
  readonly theme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
};

/** A page of a profile of its own; `complaints` gets each error of it, and of its console. */
export async function openPage(
  browser: Browser,
  { theme = 'dark', width = 1_280, height = 800 }: PageOptions = {},
): Promise<{ readonly page: Page; readonly complaints: string[] }> {
  const context = await browser.newContext({
    colorScheme: theme,
    viewport: { width, height },
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(patienceMs);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      complaints.push(`${page.url()}: ${message.text()}`);
    }
  });
  return { page, complaints };
}
