import { formatJson, formatJsonOnce } from '../domain/json.ts';
import type { Member, Session } from '../domain/session/session.ts';

/**
 * `formatJson(session)`, from the texts of unchanged parts. Added up and not joined: the engine copies the
 * characters once, when the whole text is used.
 */
export function formatStoredSession(session: Session): string {
  let text = '';
  for (const name in session) {
    const value = session[name as keyof Session];
    text += `${text === '' ? '{' : ','}"${name}":`;
    if (name === 'members') text += formatMembers(session.members);
    else text += typeof value === 'object' ? formatJsonOnce(value) : formatJson(value);
  }
  return `${text}}`;
}

function formatMembers(members: readonly Member[]): string {
  let text = '';
  for (const member of members) text += `${text === '' ? '' : ','}${formatJsonOnce(member)}`;
  return `[${text}]`;
}
