/** Users: what each is in, connected with, invited to and waiting for. */

import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { ConnectionRow, UserDetail, UserList, UserRow } from '../../api-types.ts';
import { actAs, actingUser, connectionOf, dropConnection } from '../acting.ts';
import { pathOf } from '../api.ts';
import { useKeys } from '../keys.ts';
import { info, nowMs, onEvent, tick } from '../live.ts';
import { nameOf } from '../names.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { HandleList } from '../parts/handle-list.tsx';
import { Card, Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { JsonTree } from '../parts/json-tree.tsx';
import { TicketList } from '../parts/ticket-list.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { differenceOf } from '../json-difference.ts';
import { go, route, sessionHref, userHref, withQuery } from '../route.ts';
import { agoText, countText, countdownText, durationText } from '../time-text.ts';
import { useAnswer } from '../use-answer.ts';
import { LongName } from '../parts/long-name.tsx';
import { UserLink } from '../parts/user-link.tsx';
import { UserText } from '../parts/user-text.tsx';
import { visibleText } from '../visible-text.ts';

export function UsersPage({ xuid }: { readonly xuid: string | undefined }) {
  const text = (route.value.query.get('text') ?? '').toLowerCase();
  const { answer, problem, reload } = useAnswer<UserList>('/users?take=1000');
  const search = useRef<HTMLInputElement>(null);
  useEffect(
    () =>
      onEvent(({ kind }) => {
        if (kind !== 'activity' && kind !== 'hopper') reload();
      }),
    [reload],
  );
  const users = useMemo(
    () =>
      (answer?.users ?? []).filter(
        (user) =>
          text === '' || user.xuid.includes(text) || nameOf(user).toLowerCase().includes(text),
      ),
    [answer, text],
  );
  const selected = users.findIndex((user) => user.xuid === xuid);
  const move = (step: number): void => {
    const next = users[Math.max(0, Math.min(users.length - 1, selected + step))];
    if (next !== undefined) go(keepText(userHref(next.xuid)), { replace: true });
  };
  const keepText = (href: string): string =>
    text === '' ? href : `${href}?text=${encodeURIComponent(text)}`;
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    '/': () => search.current?.focus(),
    Escape: () => go('#/users'),
  });
  return (
    <div class={xuid === undefined ? 'page split' : 'page split has-detail'}>
      <section class="split-list">
        <Head title="Users">
          <span class="faint number">
            {answer === undefined ? '' : countText(answer.totalCount)}
          </span>
        </Head>
        <label class="search wide">
          <Icon name="search" size={14} />
          <input
            ref={search}
            type="search"
            aria-label="Search users"
            placeholder="Gamertag or xuid"
            value={text}
            onInput={({ currentTarget }) =>
              go(withQuery({ text: currentTarget.value }), { replace: true })
            }
          />
          <kbd>/</kbd>
        </label>
        {problem !== undefined && <p class="problem">{problem}</p>}
        <VirtualList
          items={users}
          rowHeight={48}
          keyOf={(user) => user.xuid}
          label="Users"
          selected={selected}
          render={(user) => (
            <UserLine
              user={user}
              isSelected={user.xuid === xuid}
              href={keepText(userHref(user.xuid))}
            />
          )}
          empty={
            <div class="empty">
              <p class="muted">
                {answer === undefined ? 'Reading users…' : 'Nobody is or was here lately.'}
              </p>
            </div>
          }
        />
      </section>
      <section class="split-detail">
        {xuid === undefined ? (
          <div class="empty">
            <p class="faint">Choose a user to see what they are in.</p>
          </div>
        ) : (
          <User key={xuid} xuid={xuid} />
        )}
      </section>
    </div>
  );
}

/**
 * The hue of a user, the same each time: xuids side by side are far apart (the golden angle), and one
 * that differs in any digit has another.
 */
function hueOf(xuid: string): number {
  let hash = 0;
  for (const digit of xuid) hash = (hash * 10 + Number(digit)) % 1_000_003;
  return Math.round((hash * 137.508) % 360);
}

/** One or two characters for a user: the end of a numbered name is what tells it from its neighbour. */
function initialsOf({ xuid }: UserRow, name: string): string {
  if (name === xuid) return xuid.slice(-2);
  const [first = ''] = [...visibleText(name)];
  return first.toUpperCase() + (/[^\d](\d)$/.exec(name)?.[1] ?? /\d{2}$/.exec(name)?.[0] ?? '');
}

/** A mark for each user, in a colour of its own. */
function Avatar({ user, size = 30 }: { readonly user: UserRow; readonly size?: number }) {
  const { xuid } = user;
  const name = nameOf(user);
  return (
    <span
      class="avatar"
      aria-hidden="true"
      style={{
        '--hue': hueOf(xuid),
        width: `${size}px`,
        height: `${size}px`,
        fontSize: `${size * 0.37}px`,
      }}
    >
      {initialsOf(user, name)}
    </span>
  );
}

function UserLine({
  user,
  isSelected,
  href,
}: {
  readonly user: UserRow;
  readonly isSelected: boolean;
  readonly href: string;
}) {
  return (
    <a class={isSelected ? 'user-line selected' : 'user-line'} href={href}>
      <Avatar user={user} />
      <span class="user-name">
        <b class="cut">
          <UserText>{nameOf(user)}</UserText>
        </b>
        <small class="faint mono cut">{user.xuid}</small>
      </span>
      <span class="user-counts faint number">
        {user.ban !== undefined && <span class="label red">banned</span>}
        {user.sessionsCount > 0 && (
          <span title={`In ${user.sessionsCount} sessions`}>
            <Icon name="sessions" size={12} /> {countText(user.sessionsCount)}
          </span>
        )}
        {user.connectionsCount > 0 && (
          <span class="good" title={`${user.connectionsCount} connections on this node`}>
            <Icon name="plug" size={12} /> {user.connectionsCount}
          </span>
        )}
      </span>
    </a>
  );
}

function User({ xuid }: { readonly xuid: string }) {
  const { answer, problem, reload } = useAnswer<UserDetail>(`/users${pathOf(xuid)}`);
  useEffect(
    () =>
      onEvent((event) => {
        const isNear =
          event.kind === 'session' ||
          event.kind === 'sessionGone' ||
          event.kind === 'hopper' ||
          (event.kind === 'connection' ? event.row.xuid : 'xuid' in event && event.xuid) === xuid ||
          (event.kind === 'activity' && event.row.caller?.xuid === xuid);
        if (isNear) reload();
      }),
    [xuid, reload],
  );
  // Read so that times go on.
  tick.value;
  const now = nowMs();
  if (answer === undefined) {
    return <div class="empty">{problem !== undefined && <p class="problem">{problem}</p>}</div>;
  }
  const { row, sessions, connections, activities, invites, people, tickets, titleActivities } =
    answer;
  const user = { xuid, ...(row.gamertag === undefined ? {} : { gamertag: row.gamertag }) };
  const nothing =
    sessions.length + connections.length + activities.length + invites.length + tickets.length ===
    0;
  return (
    <div class="user-detail">
      <header class="user-head">
        <a class="plain only-narrow" href="#/users" aria-label="All users">
          <Icon name="back" />
        </a>
        <Avatar user={row} size={44} />
        <div>
          <h1>
            <UserText>{nameOf(row)}</UserText>
          </h1>
          <p class="faint mono with-copy">
            {xuid} <CopyButton text={xuid} label="Copy the xuid" />
          </p>
        </div>
        <span class="space" />
        <div class="buttons">
          <a class="button small" href={`#/requests?xuid=${xuid}`}>
            <Icon name="requests" size={13} /> Requests
          </a>
          {info.value?.mayAct === true && (
            <>
              <button type="button" class="button small" onClick={() => actAs(user)}>
                Act as
              </button>
              <button
                type="button"
                class="button small"
                onClick={() => {
                  actAs(user);
                  void connectionOf(actingUser());
                }}
              >
                <Icon name="plug" size={13} /> Connect
              </button>
            </>
          )}
        </div>
      </header>
      {row.ban !== undefined && (
        <p class="empty-line">
          <span class="label red">banned</span> by <UserText>{row.ban.by}</UserText>, for another{' '}
          {countdownText(row.ban.untilMs - now)}
          {row.ban.reason !== undefined && (
            <>
              : <UserText>{row.ban.reason}</UserText>
            </>
          )}
        </p>
      )}
      {nothing && <p class="empty-line faint">In no session, not connected here, not invited.</p>}
      {sessions.length > 0 && (
        <Card title="Sessions" count={sessions.length}>
          <ul class="rows">
            {sessions.map((one) => (
              <li key={one.key}>
                <span class={`status ${one.status}`}>{one.status}</span>
                <a class="grow session-link" href={sessionHref(one.session)}>
                  <b class="mono cut">
                    <LongName>{one.session.name}</LongName>
                  </b>
                  <span class="faint">
                    <UserText>{one.session.template}</UserText>
                  </span>
                </a>
                <span class="faint number">
                  {one.dueMs === undefined
                    ? `joined ${agoText(one.joinedMs, now)}`
                    : `timeout in ${countdownText(one.dueMs - now)}`}
                </span>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {connections.length > 0 && (
        <Card title="Connections" count={connections.length}>
          <ul class="rows">
            {connections.map((connection) => (
              <Connection key={connection.id} connection={connection} now={now} />
            ))}
          </ul>
        </Card>
      )}
      {activities.length > 0 && (
        <Card title="Activities" count={activities.length}>
          <HandleList handles={activities} showsSession />
        </Card>
      )}
      {invites.length > 0 && (
        <Card title="Invites" count={invites.length}>
          <HandleList handles={invites} showsSession />
        </Card>
      )}
      {tickets.length > 0 && (
        <Card title="Match tickets" count={tickets.length}>
          <TicketList tickets={tickets} />
        </Card>
      )}
      {titleActivities.length > 0 && (
        <Card title="Multiplayer Activity" count={titleActivities.length}>
          <JsonTree node={differenceOf([...titleActivities], [...titleActivities])} mode="values" />
        </Card>
      )}
      {people.follows.length + people.avoids.length + people.mutes.length > 0 && (
        <Card title="People">
          <dl class="facts">
            {(['follows', 'avoids', 'mutes'] as const)
              .filter((list) => people[list].length > 0)
              .map((list) => (
                <div key={list}>
                  <dt>{list}</dt>
                  <dd class="user-links">
                    {people[list].map((other) => (
                      <UserLink key={other} xuid={other} />
                    ))}
                  </dd>
                </div>
              ))}
          </dl>
        </Card>
      )}
    </div>
  );
}

function Connection({
  connection,
  now,
}: {
  readonly connection: ConnectionRow;
  readonly now: number;
}) {
  return (
    <li class="connection-row">
      <i class="dot live" />
      <span class="grow">
        <span class="mono with-copy">
          <span class="cut" title={connection.id}>
            {connection.id}
          </span>
          <CopyButton text={connection.id} label="Copy the connection id" />
        </span>
        {connection.isActing === true && <span class="label">opened here</span>}
        {connection.subscriptions.map(({ id, resource }) => (
          <small key={id} class="faint mono cut">
            <UserText>{resource}</UserText>
          </small>
        ))}
      </span>
      <span class="faint number">{durationText(now - connection.openedMs)}</span>
      {info.value?.mayControl === true && (
        <button
          type="button"
          class="button small danger"
          onClick={() => void dropConnection(connection.id)}
        >
          Cut
        </button>
      )}
    </li>
  );
}
