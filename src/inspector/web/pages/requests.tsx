/** The log of the node, live; each request and each refusal opens. */

import { signal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import type { ActivityRow, RequestDetail } from '../../api-types.ts';
import { pathOf } from '../api.ts';
import { useKeys } from '../keys.ts';
import { activity, info } from '../live.ts';
import { Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { LogHeads, LogLine, logLineHeight, whoOf } from '../parts/log-line.tsx';
import { CloseDrawer, RequestDetails } from '../parts/request-details.tsx';
import { RequestStrip } from '../parts/request-strip.tsx';
import { UserText } from '../parts/user-text.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { go, route, withQuery } from '../route.ts';
import { countText } from '../time-text.ts';
import { useAnswer } from '../use-answer.ts';

/** The rows as they were when somebody paused the log. */
const paused = signal<readonly ActivityRow[] | undefined>(undefined);

function matches(row: ActivityRow, text: string): boolean {
  const words =
    row.kind === 'request'
      ? [row.method, row.target, String(row.status), row.refusal?.code, row.refusal?.text]
      : [row.what, row.text, row.connectionId];
  return [...words, row.caller?.gamertag, row.caller?.xuid].some(
    (word) => word?.toLowerCase().includes(text) === true,
  );
}

export function RequestsPage() {
  const { query } = route.value;
  const text = (query.get('text') ?? '').toLowerCase();
  const onlyRefused = query.get('refused') === 'true';
  const xuid = query.get('xuid') ?? '';
  const key = query.get('session') ?? '';
  const open = query.get('open') ?? undefined;
  const search = useRef<HTMLInputElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const all = paused.value ?? activity.value;
  const rows = useMemo(
    () =>
      all.filter(
        (row) =>
          (!onlyRefused || (row.kind === 'request' && row.status >= 400)) &&
          (xuid === '' || row.caller?.xuid === xuid) &&
          (key === '' || row.key === key) &&
          (text === '' || matches(row, text)),
      ),
    [all, onlyRefused, xuid, key, text],
  );
  const selected = rows.findIndex((row) => row.kind === 'request' && row.id === open);
  const move = (step: number): void => {
    let at = selected < 0 ? (step > 0 ? -1 : rows.length) : selected;
    do at += step;
    while (rows[at] !== undefined && rows[at]?.kind !== 'request');
    const next = rows[at];
    if (next?.kind === 'request') go(withQuery({ open: next.id }), { replace: true });
  };
  const toggleRefused = (): void =>
    go(withQuery({ refused: onlyRefused ? undefined : 'true' }), { replace: true });
  const togglePause = (): void => {
    paused.value = paused.value === undefined ? activity.value : undefined;
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Escape: () => go(withQuery({ open: undefined }), { replace: true }),
    '/': () => search.current?.focus(),
    r: toggleRefused,
    p: togglePause,
  });
  const user = all.find((row) => row.caller?.xuid === xuid)?.caller;
  return (
    <div class={open === undefined ? 'page page-list' : 'page page-list has-drawer'}>
      <Head title="Requests">
        <span class="faint number">{countText(rows.length)}</span>
        <span class="space" />
        {xuid !== '' && (
          <a class="chip" href={withQuery({ xuid: undefined })} title="Show all users">
            <Icon name="users" size={12} />
            <UserText>{whoOf(user ?? { xuid })}</UserText> <Icon name="close" size={11} />
          </a>
        )}
        {key !== '' && (
          <a class="chip" href={withQuery({ session: undefined })} title="Show all sessions">
            <Icon name="sessions" size={12} />
            <span class="cut">
              <UserText>{key.split('~').slice(2).join('~')}</UserText>
            </span>{' '}
            <Icon name="close" size={11} />
          </a>
        )}
        <button type="button" class="button" aria-pressed={onlyRefused} onClick={toggleRefused}>
          <i class="dot lost" /> Refused
        </button>
        <button
          type="button"
          class="button"
          aria-pressed={paused.value !== undefined}
          title={paused.value === undefined ? 'Pause (p)' : 'Resume (p)'}
          onClick={togglePause}
        >
          <Icon name={paused.value === undefined ? 'pause' : 'play'} size={13} />
          <span>{paused.value === undefined ? 'Pause' : 'Paused'}</span>
        </button>
        <label class="search">
          <Icon name="search" size={14} />
          <input
            ref={search}
            type="search"
            aria-label="Search requests"
            placeholder="Path, user, code, status"
            value={query.get('text') ?? ''}
            onInput={({ currentTarget }) =>
              go(withQuery({ text: currentTarget.value }), { replace: true })
            }
          />
          <kbd>/</kbd>
        </label>
      </Head>
      {rows.length > 0 && (
        <RequestStrip
          rows={rows}
          isPaused={paused.value !== undefined}
          onChoose={(index) => scroller.current?.scrollTo({ top: index * logLineHeight() })}
        />
      )}
      <div class="with-drawer">
        <div class="log">
          <LogHeads />
          <VirtualList
            items={rows}
            rowHeight={logLineHeight()}
            scroller={scroller}
            keyOf={(row) => String(row.number)}
            label="Requests"
            selected={selected}
            stick={paused.value === undefined && open === undefined}
            render={(row) => (
              <LogLine row={row} isSelected={row.kind === 'request' && row.id === open} />
            )}
            empty={
              <div class="empty">
                <h2>{all.length === 0 ? 'No requests yet' : 'No request matches'}</h2>
                <p class="muted">
                  {all.length === 0
                    ? 'The log begins when the inspector is first opened. Each request shows here when it has been answered.'
                    : 'Change the search, or show all.'}
                </p>
              </div>
            }
          />
        </div>
        {open !== undefined && <Opened key={open} id={open} />}
      </div>
    </div>
  );
}

function Opened({ id }: { readonly id: string }) {
  const { answer: detail, problem } = useAnswer<RequestDetail>(`/requests${pathOf(id)}`);
  return (
    <aside class="drawer" aria-label="The request">
      {detail === undefined ? (
        <header class="drawer-head">
          {problem !== undefined && <p class="problem">{problem}</p>}
          <span class="space" />
          <CloseDrawer />
        </header>
      ) : (
        <RequestDetails detail={detail} origin={location.origin} auth={info.value?.auth ?? 'dev'} />
      )}
    </aside>
  );
}
