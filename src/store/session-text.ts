import { formatJson, formatKept } from '../domain/json.ts';
import type { Session } from '../domain/session/session.ts';

/** `formatJson(session)`, put together from the texts of the parts that writes leave alone. */
export function formatStoredSession(session: Session): string {
  let text = '';
  for (const name in session) {
    const part =
      name === 'members' ? formatMembers(session) : formatPart(session[name as keyof Session]);
    text += `${text === '' ? '' : ','}"${name}":${part}`;
  }
  return `{${text}}`;
}

function formatMembers({ members }: Session): string {
  let text = '';
  for (const member of members) text += text === '' ? formatKept(member) : `,${formatKept(member)}`;
  return `[${text}]`;
}

function formatPart(value: unknown): string {
  return typeof value === 'object' && value !== null ? formatKept(value) : formatJson(value);
}
