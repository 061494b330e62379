/** The built page of the inspector, which `npm run build` puts into `dist/page/`. */

import { readFile } from 'node:fs/promises';
import { Refusal } from '../domain/refusal.ts';
import type { Answer } from '../http/route.ts';

/** As far from the sources as from what is built of them. */
const folder = new URL('../../dist/page/', import.meta.url);

/** Nothing from elsewhere, no frame around it, no address in what it asks others for. */
const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
};

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  png: 'image/png',
  svg: 'image/svg+xml',
  webp: 'image/webp',
  woff2: 'font/woff2',
};

const missing = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>OpenMPSD</title>
<p>OpenMPSD is running. The page of its inspector is not built: run <code>npm run build</code> and load this page again.
`;

/** The page; one that says how to build it, where it is not built. */
export async function readPage(): Promise<Answer> {
  const built = await readBuilt('index.html');
  return {
    status: 200,
    contentType: 'text/html; charset=utf-8',
    headers: { ...headers, Vary: 'Accept' },
    body: built?.toString('utf8') ?? missing,
  };
}

/** A file beside the page. Refuses: pathUnknown. */
export async function readAsset(file: string): Promise<Answer | Refusal> {
  const [, extension = ''] = /^[\w-][\w.-]{0,200}\.([a-z0-9]{1,8})$/.exec(file) ?? [];
  const contentType = types[extension];
  const bytes = contentType === undefined ? undefined : await readBuilt(`assets/${file}`);
  if (contentType === undefined || bytes === undefined) {
    return new Refusal('pathUnknown', 'Nothing is found at this path of the inspector.');
  }
  return { status: 200, contentType, headers, stream: (outgoing) => outgoing.end(bytes) };
}

async function readBuilt(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(new URL(path, folder));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
