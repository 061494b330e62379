/** All sessions, live. */

import { signal } from '@preact/signals';
import { Fragment } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { SessionList, SessionRow } from '../../api-types.ts';
import { askJson, queryOf } from '../api.ts';
import { useKeys } from '../keys.ts';
import {
  changedAt,
  info,
  nowMs,
  sessions,
  sessionsLoaded,
  sessionsMax,
  sessionsTotal,
  sessionsVersion,
  textOf,
  tick,
} from '../live.ts';
import { nameOf } from '../names.ts';
import { Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { LongName } from '../parts/long-name.tsx';
import { Seats } from '../parts/seats.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { go, route, sessionHref, withQuery } from '../route.ts';
import { agoText, countText, countdownText } from '../time-text.ts';
import { UserText } from '../parts/user-text.tsx';

const rowHeight = 40;

type Order = 'newest' | 'changed' | 'name' | 'members' | 'due';

const orders: Readonly<Record<Order, (a: SessionRow, b: SessionRow) => number>> = {
  newest: (a, b) => b.createdMs - a.createdMs || (a.key < b.key ? -1 : 1),
  changed: (a, b) => (b.changedMs ?? b.createdMs) - (a.changedMs ?? a.createdMs),
  name: (a, b) => (a.name < b.name ? -1 : 1),
  members: (a, b) => b.members.total - a.members.total || (a.key < b.key ? -1 : 1),
  due: (a, b) => (a.dueMs ?? Number.MAX_SAFE_INTEGER) - (b.dueMs ?? Number.MAX_SAFE_INTEGER),
};

const isOrder = (value: string | null): value is Order =>
  value !== null && Object.hasOwn(orders, value);

/** The key of the row that the keyboard is on. */
const cursor = signal<string | undefined>(undefined);

/** How long a busy list keeps its rows where they are. */
const settleMs = 250;

/** The version of the sessions, at most some times in a second, so that sorting stays cheap. */
function useSettledVersion(): number {
  const version = sessionsVersion.value;
  const [settled, setSettled] = useState(version);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const last = useRef(0);
  useEffect(() => {
    if (version === settled || timer.current !== undefined) return;
    const waitMs = Math.max(0, last.current + settleMs - performance.now());
    timer.current = setTimeout(() => {
      timer.current = undefined;
      last.current = performance.now();
      setSettled(sessionsVersion.value);
    }, waitMs);
  }, [version, settled]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return settled;
}

/** The keys that a filter of the server's language selects; undefined without a filter. */
function useFiltered(filter: string, version: number) {
  const [state, setState] = useState<{ keys?: ReadonlySet<string>; problem?: string }>({});
  useEffect(() => {
    if (filter === '') {
      setState({});
      return;
    }
    let isOver = false;
    const timer = setTimeout(async () => {
      try {
        const list = await askJson<SessionList>(`/sessions${queryOf({ filter, take: 1_000 })}`);
        if (!isOver) setState({ keys: new Set(list.sessions.map(({ key }) => key)) });
      } catch (error) {
        if (!isOver) setState((old) => ({ ...old, problem: textOf(error) }));
      }
    }, 300);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [filter, version]);
  return state;
}

function matches(row: SessionRow, text: string): boolean {
  return (
    row.name.toLowerCase().includes(text) ||
    row.template.toLowerCase().includes(text) ||
    row.keywords.some((keyword) => keyword.toLowerCase().includes(text)) ||
    row.people.some(
      (person) => person.xuid.includes(text) || nameOf(person).toLowerCase().includes(text),
    )
  );
}

export function SessionsPage() {
  const { query } = route.value;
  const text = (query.get('text') ?? '').toLowerCase();
  const filter = query.get('filter') ?? '';
  const scid = query.get('scid') ?? '';
  const template = query.get('template') ?? '';
  const given = query.get('order');
  const order = isOrder(given) ? given : 'newest';
  const version = useSettledVersion();
  const filtered = useFiltered(filter, filter === '' ? 0 : version);
  const search = useRef<HTMLInputElement>(null);
  const [isFilterOpen, setFilterOpen] = useState(filter !== '');

  const inScope = useMemo(
    () => [...sessions.values()].filter((row) => scid === '' || row.scid === scid),
    [version, scid],
  );
  const templates = useMemo(() => {
    const counts = new Map<string, number>();
    for (const row of inScope) counts.set(row.template, (counts.get(row.template) ?? 0) + 1);
    return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  }, [inScope]);
  const rows = useMemo(
    () =>
      inScope
        .filter(
          (row) =>
            (template === '' || row.template === template) &&
            (text === '' || matches(row, text)) &&
            (filter === '' || filtered.keys?.has(row.key) === true),
        )
        .sort(orders[order]),
    [inScope, template, text, filter, filtered, order],
  );
  const selected = rows.findIndex(({ key }) => key === cursor.value);
  const move = (step: number): void => {
    const next = rows[Math.max(0, Math.min(rows.length - 1, selected + step))];
    if (next !== undefined) cursor.value = next.key;
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Enter: () => {
      const row = rows[selected];
      if (row !== undefined) go(sessionHref(row));
    },
    '/': () => search.current?.focus(),
    f: () => setFilterOpen(true),
    Escape: () => {
      cursor.value = undefined;
    },
  });
  const configs = info.value?.serviceConfigs ?? [];
  const isEmpty = sessionsLoaded.value && sessions.size === 0;
  return (
    <div class="page page-list">
      <Head title="Sessions">
        <span class="faint number">
          {rows.length === sessionsTotal.value
            ? countText(rows.length)
            : `${countText(rows.length)} of ${countText(sessionsTotal.value)}`}
        </span>
        <span class="space" />
        {configs.length > 1 && (
          <select
            class="input"
            aria-label="Service config"
            value={scid}
            onChange={({ currentTarget }) =>
              go(withQuery({ scid: currentTarget.value, template: undefined }), { replace: true })
            }
          >
            <option value="">All service configs</option>
            {configs.map((config) => (
              <option key={config.scid} value={config.scid}>
                {config.scid.slice(0, 8)}…{config.scid.slice(-4)}
              </option>
            ))}
          </select>
        )}
        <label class="search">
          <Icon name="search" size={14} />
          <input
            ref={search}
            type="search"
            aria-label="Search sessions"
            placeholder="Name, gamertag, xuid, keyword"
            value={query.get('text') ?? ''}
            onInput={({ currentTarget }) =>
              go(withQuery({ text: currentTarget.value }), { replace: true })
            }
          />
          <kbd>/</kbd>
        </label>
        <button
          type="button"
          class="button after-search"
          aria-pressed={isFilterOpen}
          onClick={() => {
            if (isFilterOpen) go(withQuery({ filter: undefined }), { replace: true });
            setFilterOpen(!isFilterOpen);
          }}
        >
          <Icon name="hoppers" size={14} /> Filter
        </button>
      </Head>
      {isFilterOpen && (
        <div class="filter-bar">
          <input
            class="input mono"
            aria-label="Filter"
            aria-invalid={filtered.problem !== undefined}
            placeholder="session/membersCount gt 2 and session/templateName eq 'lfg'"
            value={filter}
            onInput={({ currentTarget }) =>
              go(withQuery({ filter: currentTarget.value }), { replace: true })
            }
          />
          {filtered.problem !== undefined && <p class="problem">{filtered.problem}</p>}
        </div>
      )}
      <div class="tabs" role="toolbar" aria-label="Templates">
        <a
          href={withQuery({ template: undefined })}
          class="tab"
          aria-current={template === '' ? 'true' : undefined}
        >
          All <span class="faint number">{countText(inScope.length)}</span>
        </a>
        {templates.map(([name, count]) => (
          <a
            key={name}
            href={withQuery({ template: name })}
            class="tab"
            aria-current={template === name ? 'true' : undefined}
          >
            {name} <span class="faint number">{countText(count)}</span>
          </a>
        ))}
      </div>
      <div class="session-grid column-heads">
        <Column name="Session" order="name" current={order} />
        <Column name="Seats" order="members" current={order} />
        <span>Members</span>
        <span>State</span>
        <Column name="Next timer" order="due" current={order} isRight />
        <Column name="Changed" order="changed" current={order} isRight />
      </div>
      <VirtualList
        items={rows}
        rowHeight={rowHeight}
        keyOf={({ key }) => key}
        label="Sessions"
        selected={selected}
        render={(row) => <SessionLine row={row} isSelected={row.key === cursor.value} />}
        empty={isEmpty ? <NoSessions /> : <NothingFound />}
      />
      {sessionsTotal.value > sessionsMax && (
        <p class="foot-note faint">
          The page holds the first {countText(sessionsMax)} sessions and those that change.
        </p>
      )}
    </div>
  );
}

function Column({
  name,
  order,
  current,
  isRight = false,
}: {
  readonly name: string;
  readonly order: Order;
  readonly current: Order;
  readonly isRight?: boolean;
}) {
  return (
    <a
      href={withQuery({ order: current === order ? undefined : order })}
      class={isRight ? 'column right' : 'column'}
      aria-current={current === order ? 'true' : undefined}
      title={`Order by ${name.toLowerCase()}`}
    >
      {name}
    </a>
  );
}

/** How long a row stays lit after a change. */
const litMs = 1_600;

function SessionLine({
  row,
  isSelected,
}: {
  readonly row: SessionRow;
  readonly isSelected: boolean;
}) {
  // Read so that times go on.
  tick.value;
  const now = nowMs();
  const changed = changedAt.get(row.key);
  const isLit = changed !== undefined && performance.now() - changed < litMs;
  return (
    <a
      href={sessionHref(row)}
      key={isLit ? `${row.key} ${row.changeNumber}` : row.key}
      class={`session-grid session-line${isSelected ? ' selected' : ''}${isLit ? ' lit' : ''}`}
    >
      <span class="session-name">
        <b class="mono cut">
          <LongName>{row.name}</LongName>
        </b>
        <small class="faint cut">
          <UserText>{row.template}</UserText>
        </small>
      </span>
      <Seats members={row.members} />
      <span class="people cut muted">
        {row.people.map((person, index) => (
          <Fragment key={person.xuid}>
            {index > 0 && ', '}
            <UserText>{nameOf(person)}</UserText>
          </Fragment>
        ))}
      </span>
      <span class="states">
        <States row={row} />
      </span>
      <span class="right number">
        {row.dueMs === undefined ? (
          <span class="faint">–</span>
        ) : (
          <span class={row.dueMs - now < 10_000 ? 'soon' : 'muted'}>
            {countdownText(row.dueMs - now)}
          </span>
        )}
      </span>
      <span class="right faint number">
        {agoText(row.changedMs ?? row.createdMs, now)}
        <span class="change-number mono">#{row.changeNumber}</span>
      </span>
    </a>
  );
}

/** What is unusual of a session, as small labels; the usual says nothing. */
export function States({ row }: { readonly row: SessionRow }) {
  return (
    <>
      {row.initializationStage !== undefined && row.initializationStage !== 'none' && (
        <span class={row.initializationStage === 'failed' ? 'label red' : 'label violet'}>
          {row.initializationStage}
        </span>
      )}
      {row.isClosed && (
        <span class="label amber">
          <Icon name="lock" size={11} />
          closed
        </span>
      )}
      {row.visibility !== 'open' && <span class="label">{row.visibility}</span>}
      {row.joinRestriction !== 'none' && row.joinRestriction !== '' && (
        <span
          class="label"
          title={`Joining: ${row.joinRestriction}; reading: ${row.readRestriction}`}
        >
          join: {row.joinRestriction}
        </span>
      )}
      {row.isSearchable && <span class="label blue">searchable</span>}
      {row.isLarge && <span class="label">large</span>}
      {row.keywords.slice(0, 2).map((keyword) => (
        <span key={keyword} class="label">
          <UserText>{keyword}</UserText>
        </span>
      ))}
    </>
  );
}

function NothingFound() {
  return (
    <div class="empty">
      {sessionsLoaded.value ? (
        <>
          <h2>No session matches</h2>
          <p class="muted">Change the search, the filter or the template.</p>
          <a class="button" href="#/sessions">
            Show all
          </a>
        </>
      ) : (
        <p class="faint">Reading sessions…</p>
      )}
    </div>
  );
}

function NoSessions() {
  const address = location.origin;
  return (
    <div class="empty">
      <span class="empty-seats" aria-hidden="true">
        <i class="mark free" />
        <i class="mark free" />
        <i class="mark free" />
        <i class="mark free" />
      </span>
      <h2>No sessions yet</h2>
      <p class="muted">They show here the moment a client creates one. To see it happen:</p>
      <pre class="code">{`npm run openmpsd -- demo --url ${address}`}</pre>
      {info.value?.mayAct === true && (
        <p class="muted">
          Or{' '}
          <a class="link" href="#/control">
            create one as a development user
          </a>
          .
        </p>
      )}
    </div>
  );
}
