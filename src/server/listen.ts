import type { App } from '../http/app.ts';
import { CannotStart } from './cannot-start.ts';

/** The URL at which the app listens from now on. Throws CannotStart. */
export async function listen(
  app: App,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string> {
  try {
    return (await app.listen({ host, port })).url;
  } catch (error) {
    throw new CannotStart([formatListenProblem(error, host, port)]);
  }
}

/** Why nothing can listen there, and what would be right, of the error of Node's server. */
export function formatListenProblem(error: unknown, host: string, port: number): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use by another program; stop it, or choose another with --port (0 takes a free one).`;
    case 'EACCES':
      return `Port ${port} needs rights that this process does not have; choose one above 1023.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is no address of this machine; choose another with --host.`;
    default:
      return `Cannot listen on ${host}, port ${port}: ${message}.`;
  }
}
