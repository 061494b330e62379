import { formatJson, formatKept } from '../domain/json.ts';
import type { Session } from '../domain/session/session.ts';

/** `formatJson(session)`, put together from the texts of the parts that writes leave alone. */
export function formatStoredSession(session: Session): string {
  const fields = Object.entries(session).map(([name, value]) => `"${name}":${textOf(name, value)}`);
  return `{${fields.join(',')}}`;
}

function textOf(name: string, value: unknown): string {
  if (name === 'members') return `[${(value as Session['members']).map(formatKept).join(',')}]`;
  return typeof value === 'object' && value !== null ? formatKept(value) : formatJson(value);
}
