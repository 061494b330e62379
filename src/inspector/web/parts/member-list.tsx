import type { MemberRow, Timer } from '../../api-types.ts';
import { nowMs, tick } from '../live.ts';
import { nameOf } from '../names.ts';
import { userHref } from '../route.ts';
import { agoText, countdownText, countText } from '../time-text.ts';
import { Card } from './head.tsx';
import { Icon } from './icon.tsx';
import { UserText } from './user-text.tsx';
import { visibleText } from '../visible-text.ts';

/** What comes when a timer runs out, in words. */
export const becomesText: Readonly<Record<Timer['becomes'], string>> = {
  inactive: 'inactive',
  removed: 'removed',
  ended: 'the session ends',
  nextStage: 'next stage',
  decided: 'decided',
};

/** Who is in the session, in which status, and what time will do to them. */
export function MemberList({
  members,
  timers,
  max,
  isPast,
  isOver,
  hasAll,
}: {
  readonly members: readonly MemberRow[];
  readonly timers: readonly Timer[];
  readonly max: number;
  readonly isPast: boolean;
  /** The session has ended, and these are the members that it had. */
  readonly isOver: boolean;
  readonly hasAll: boolean;
}) {
  // Read so that timers count down.
  tick.value;
  const now = nowMs();
  return (
    <Card
      title="Members"
      count={members.length}
      actions={<span class="faint number">{countText(max)} seats</span>}
    >
      <ul class="members">
        {members.map((member) => (
          <Member
            key={member.index}
            member={member}
            timer={timers.find(({ index }) => index === member.index)}
            now={now}
            isPast={isPast}
            isOver={isOver}
          />
        ))}
      </ul>
      {members.length === 0 && <p class="empty-line faint">Nobody is in it.</p>}
      {!hasAll && <p class="empty-line faint">These are the first {countText(members.length)}.</p>}
    </Card>
  );
}

function Member({
  member,
  timer,
  now,
  isPast,
  isOver,
}: {
  readonly member: MemberRow;
  readonly timer: Timer | undefined;
  readonly now: number;
  readonly isPast: boolean;
  readonly isOver: boolean;
}) {
  const { xuid, connection } = member;
  const status = isOver ? 'left' : member.status;
  const share =
    timer?.startMs === undefined || timer.dueMs <= timer.startMs
      ? 0
      : Math.max(0, Math.min(1, (timer.dueMs - now) / (timer.dueMs - timer.startMs)));
  return (
    <li class={`member ${status}`}>
      <span class="seat-number mono" title={`Index ${member.index}`}>
        {member.index}
      </span>
      <span class="member-name">
        <span>
          <a href={userHref(xuid)} class="strong-link">
            <UserText>{nameOf(member)}</UserText>
          </a>
          {member.isOwner && (
            <span class="badge" title="Owner">
              <Icon name="crown" size={12} />
            </span>
          )}
          {member.isHost && (
            <span class="badge" title="Host">
              <Icon name="host" size={12} />
            </span>
          )}
          {member.hasTurn && <span class="label amber">turn</span>}
          {Object.entries(member.roles).map(([type, role]) => (
            <span key={type} class="label" title={`Role type ${visibleText(type)}`}>
              <UserText>{role}</UserText>
            </span>
          ))}
          {member.initialization?.failure !== undefined && (
            <span class="label red" title="Initialization failed">
              {member.initialization.failure}
            </span>
          )}
          {member.initialization?.episode !== undefined &&
            member.initialization.failure === undefined && (
              <span class="label violet">episode {member.initialization.episode}</span>
            )}
        </span>
        <small class="faint mono">
          <UserText>{xuid}</UserText>
        </small>
      </span>
      <span class="member-link">{!isOver && <Connection connection={connection} />}</span>
      <span class="member-status">
        <span class={`status ${status}`}>{status}</span>
        {!isPast && !isOver && (
          <small class="faint number">
            {timer === undefined
              ? agoText(member.statusSinceMs, now)
              : `${becomesText[timer.becomes]} in ${countdownText(timer.dueMs - now)}`}
          </small>
        )}
      </span>
      {timer?.startMs !== undefined && (
        <span
          class={share < 0.2 ? 'timer-bar soon' : 'timer-bar'}
          title={`${timer.what}: then ${becomesText[timer.becomes]}`}
        >
          <i style={{ width: `${share * 100}%` }} />
        </span>
      )}
    </li>
  );
}

function Connection({ connection }: { readonly connection: MemberRow['connection'] }) {
  if (connection === undefined) return null;
  const state =
    connection.isOpen === undefined ? '' : connection.isOpen ? 'connected' : 'disconnected';
  const asks =
    connection.subscribedTo === undefined || connection.subscribedTo.length === 0
      ? 'no taps'
      : connection.subscribedTo.join(', ');
  return (
    <span
      class={`connection ${state}`}
      title={`Connection ${connection.id}${state === '' ? '' : `, ${state}`}; asks for: ${asks}`}
    >
      <Icon name="plug" size={13} />
      <span class="mono">
        {/* All ids of a node begin with the same digits. */}
        <UserText>{connection.id.slice(-8)}</UserText>
      </span>
    </span>
  );
}
