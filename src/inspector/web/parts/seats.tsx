/**
 * The seats of a session, one mark each: who is active, ready, reserved, inactive, and what is free.
 * The marks are in the order of these statuses: the index of a member is no place among them, since it
 * grows with each member that joins.
 */

import type { SessionRow } from '../../api-types.ts';
import { countText } from '../time-text.ts';

const statuses = ['active', 'ready', 'reserved', 'inactive'] as const;

/** Above this number of seats a bar is drawn in their place. */
const marksMax = { small: 16, large: 40 };

export function Seats({
  members,
  isLarge = false,
}: {
  readonly members: SessionRow['members'];
  readonly isLarge?: boolean;
}) {
  const { total, max } = members;
  const said = statuses
    .filter((status) => members[status] > 0)
    .map((status) => `${members[status]} ${status}`)
    .join(', ');
  const text = `${countText(total)} of ${countText(max)} seats${said === '' ? '' : `: ${said}`}`;
  return (
    <span class={isLarge ? 'seats seats-large' : 'seats'} title={text}>
      {max <= (isLarge ? marksMax.large : marksMax.small) ? (
        <span class="marks" role="img" aria-label={text}>
          {statuses.flatMap((status) =>
            Array.from({ length: members[status] }, (_, index) => (
              <i key={`${status}${index}`} class={`mark ${status}`} />
            )),
          )}
          {Array.from({ length: Math.max(0, max - total) }, (_, index) => (
            <i key={`free${index}`} class="mark free" />
          ))}
        </span>
      ) : (
        <span class="bar" role="img" aria-label={text}>
          {statuses.map((status) => (
            <i key={status} class={status} style={{ width: `${(members[status] / max) * 100}%` }} />
          ))}
        </span>
      )}
      <span class="seats-count number">
        <b>{countText(total)}</b>/{countText(max)}
      </span>
    </span>
  );
}
