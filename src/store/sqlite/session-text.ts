import { formatJson } from '../../domain/json.ts';
import type { Member, Session } from '../../domain/session/session.ts';

// A write leaves most members as they were; a value never changes, so its text is kept with it.
const memberTexts = new WeakMap<Member, string>();

/** `formatJson(session)`, put together from the texts of the members. */
export function formatStoredSession({ members, ...rest }: Session): string {
  return `${formatJson(rest).slice(0, -1)},"members":[${members.map(textOf).join(',')}]}`;
}

function textOf(member: Member): string {
  const known = memberTexts.get(member);
  if (known !== undefined) return known;
  const text = formatJson(member);
  memberTexts.set(member, text);
  return text;
}
