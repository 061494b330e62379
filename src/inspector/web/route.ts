/** The page's own addresses: what stands behind `#`. */

import { signal } from '@preact/signals';
import type { SessionName } from '../api-types.ts';

export type Route = { readonly path: readonly string[]; readonly query: URLSearchParams };

function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const segments = path.split('/').filter((segment) => segment !== '');
  return { path: segments.map(decode), query: new URLSearchParams(query) };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export const route = signal<Route>(parseRoute(location.hash));

addEventListener('hashchange', () => {
  route.value = parseRoute(location.hash);
});

/** Goes to a page; `replace` leaves no entry in the browser's history. */
export function go(href: string, more: { readonly replace?: boolean } = {}): void {
  if (href === location.hash) return;
  if (more.replace === true) {
    history.replaceState(null, '', href);
    route.value = parseRoute(href);
    return;
  }
  location.hash = href;
}

/** The same page with other values of its query; undefined removes one. */
export function withQuery(values: Readonly<Record<string, string | undefined>>): string {
  const { path, query } = route.value;
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === '') next.delete(name);
    else next.set(name, value);
  }
  const text = next.size === 0 ? '' : `?${next}`;
  return `#/${path.map(encodeURIComponent).join('/')}${text}`;
}

export function sessionHref({ scid, template, name }: SessionName): string {
  return `#/sessions/${[scid, template, name].map(encodeURIComponent).join('/')}`;
}

/** The page of a session that an event or a row names by its key. */
export function keyHref(key: string): string {
  const [scid = '', template = '', ...name] = key.split('~');
  return sessionHref({ scid, template, name: name.join('~') });
}

export function userHref(xuid: string): string {
  return `#/users/${encodeURIComponent(xuid)}`;
}

export function requestHref(id: string): string {
  return `#/requests?open=${encodeURIComponent(id)}`;
}
