import { CannotStart } from './cannot-start.ts';

type ListenAt = { readonly host: string; readonly port: number };

/** What `listen` answers, which begins to listen. `flag` sets the port. Throws CannotStart. */
export async function listen<T>(
  listenAt: (at: ListenAt) => Promise<T>,
  { host, port }: ListenAt,
  flag = '--port',
): Promise<T> {
  try {
    return await listenAt({ host, port });
  } catch (error) {
    throw new CannotStart([formatListenProblem(error, host, port, flag)], { cause: error });
  }
}

/** Why nothing can listen there, and what would be right, of the error of Node's server. */
export function formatListenProblem(
  error: unknown,
  host: string,
  port: number,
  flag = '--port',
): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use by another program; stop it, or choose another with ${flag} (0 takes a free one).`;
    case 'EACCES':
      return `Port ${port} needs rights that this process does not have; choose one above 1023.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return `${host} is no address of this machine; choose another with --host.`;
    default:
      return `Cannot listen on ${host}, port ${port}: ${message}.`;
  }
}
