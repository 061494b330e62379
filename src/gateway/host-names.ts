import { xboxHosts } from '../http/hosts.ts';

/** Every host of the table, as a hosts file names them. */
export const xboxHostNames: readonly string[] = Object.keys(xboxHosts);

/** The names of a leaf: each host, by its own name or by that of all beside it. */
export function leafNames(hosts: readonly string[] = xboxHostNames): readonly string[] {
  const names = hosts.map((host) =>
    host.endsWith('.xboxlive.com') ? host.replace(/^[^.]+/, '*') : host,
  );
  return [...new Set(['*.xboxlive.com', ...names])];
}
