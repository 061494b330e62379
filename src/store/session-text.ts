import { formatJson, formatJsonOnce } from '../domain/json.ts';
import type { Session } from '../domain/session/session.ts';

/**
 * `formatJson(session)`, joined from the texts of unchanged parts. Not added up with `+`: the engine keeps the
 * parts of such a text until it is used as a whole, and its length does not say how much memory that is.
 */
export function formatStoredSession(session: Session): string {
  const fields: string[] = [];
  for (const name in session) {
    const value = session[name as keyof Session];
    if (name === 'members')
      fields.push(`"members":[${session.members.map(formatJsonOnce).join(',')}]`);
    else if (typeof value === 'object') fields.push(`"${name}":${formatJsonOnce(value)}`);
    else fields.push(`"${name}":${formatJson(value)}`);
  }
  return `{${fields.join(',')}}`;
}
