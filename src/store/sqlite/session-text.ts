import { formatJson, formatKept } from '../../domain/json.ts';
import type { Session } from '../../domain/session/session.ts';

/** `formatJson(session)`, put together from the texts of the parts that writes leave alone. */
export function formatStoredSession({ members, constants, properties, ...rest }: Session): string {
  const head = formatJson(rest).slice(0, -1);
  const texts = members.map(formatKept).join(',');
  return `${head},"constants":${formatKept(constants)},"properties":${formatKept(properties)},"members":[${texts}]}`;
}
