/** One session: as it is now, or as it was at a moment of its history. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { JsonObject } from '../../../domain/json.ts';
import type {
  ChangeList,
  ChangeRow,
  PastSession,
  SessionDetail,
  SessionName,
  SessionRow,
  Timer,
} from '../../api-types.ts';
import { referenceOf } from '../acting.ts';
import { pathOf } from '../api.ts';
import { differenceOf } from '../json-difference.ts';
import { useKeys } from '../keys.ts';
import { info, nowMs, onEvent, tick } from '../live.ts';
import { initializationAt, membersOf, rowAt } from '../past.ts';
import { ActBar } from '../parts/act-bar.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { HandleList } from '../parts/handle-list.tsx';
import { Card } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { Initialization } from '../parts/initialization.tsx';
import { JsonTree } from '../parts/json-tree.tsx';
import { becomesText, MemberList } from '../parts/member-list.tsx';
import { LongName } from '../parts/long-name.tsx';
import { Seats } from '../parts/seats.tsx';
import { ChangeRows, headlineOf, momentOf, numberTextOf, Timeline } from '../parts/timeline.tsx';
import { go, requestHref, route, withQuery } from '../route.ts';
import { agoText, clockText, countdownText } from '../time-text.ts';
import { useAnswer } from '../use-answer.ts';
import { States } from './sessions.tsx';
import { UserLink } from '../parts/user-link.tsx';
import { UserText } from '../parts/user-text.tsx';
import { visibleText } from '../visible-text.ts';

type DocumentView = 'document' | 'difference';

/** Two chosen moments ask for their difference; without any the document is shown, unless the address says more. */
function viewOf(query: URLSearchParams): DocumentView {
  const asked = query.get('view');
  if (asked === 'document' || asked === 'difference') return asked;
  return query.has('from') ? 'difference' : 'document';
}

const nothingChosen = { at: undefined, from: undefined, view: undefined };

/** The seats when nobody is in them any more. */
function emptied({ max }: SessionRow['members']): SessionRow['members'] {
  return { total: 0, active: 0, ready: 0, reserved: 0, inactive: 0, max };
}

function useDocumentAt(base: string, moment: string | undefined) {
  // After the end there is no document.
  const path =
    moment === undefined || moment.endsWith(':end')
      ? undefined
      : `${base}/changes${pathOf(...moment.split(':'))}`;
  return useAnswer<PastSession>(path);
}

/** The document before the last change that was seen here, so that what changed lights up. */
function useDocumentBefore(live: JsonObject | undefined): JsonObject | undefined {
  const seen = useRef<{ last?: JsonObject; before?: JsonObject }>({});
  const { last } = seen.current;
  if (live !== undefined && last !== live) {
    const isNext = last !== undefined && last['changeNumber'] !== live['changeNumber'];
    seen.current = { last: live, ...(isNext && { before: last }) };
  }
  return seen.current.before;
}

/** What is shown beside the document: of now, or as far as a past document says it. */
function shownOf(
  detail: SessionDetail | undefined,
  document: JsonObject | undefined,
  isPast: boolean,
): {
  readonly row: SessionRow | undefined;
  readonly members: SessionDetail['members'];
  readonly initialization: SessionDetail['initialization'] | undefined;
} {
  if (document === undefined) return { row: detail?.row, members: [], initialization: undefined };
  if (!isPast) {
    return {
      row: detail?.row,
      members: detail?.members ?? [],
      initialization: detail?.initialization ?? initializationAt(document),
    };
  }
  return {
    row: detail && rowAt(document, detail.row),
    members: membersOf(document),
    initialization: initializationAt(document),
  };
}

export function SessionPage({ session }: { readonly session: SessionName }) {
  const base = `/sessions${pathOf(session.scid, session.template, session.name)}`;
  const [isEnded, setEnded] = useState(false);
  // The last of a session whose end was seen stays.
  const ends = { endsWithServer: !isEnded };
  const { answer: detail, problem, reload } = useAnswer<SessionDetail>(base, ends);
  const history = useAnswer<ChangeList>(
    info.value?.hasHistory === false ? undefined : `${base}/changes?take=200`,
  );
  const key = `${session.scid}~${session.template}~${session.name}`.toLowerCase();
  useEffect(
    () =>
      onEvent((event) => {
        if (event.kind === 'session' && event.row.key === key) {
          setEnded(false);
          reload();
          history.reload();
        } else if (event.kind === 'sessionGone' && event.key === key) {
          setEnded(true);
          history.reload();
        } else if (event.kind === 'connection' || event.kind === 'connectionGone') {
          reload();
        }
      }),
    [key, reload, history.reload],
  );

  /** The oldest first. */
  const changes = useMemo(() => [...(history.answer?.changes ?? [])].reverse(), [history.answer]);
  // An address may name a moment by the request that made it.
  const request = route.value.query.get('request');
  useEffect(() => {
    const made = changes.find(({ cause }) => request !== null && cause.requestId === request);
    if (request === null || history.answer === undefined) return;
    const moment = made && { at: momentOf(made), view: 'difference' };
    go(withQuery({ request: undefined, ...moment }), { replace: true });
  }, [request, changes]);
  const at = route.value.query.get('at') ?? undefined;
  const from = route.value.query.get('from') ?? undefined;
  const index =
    at === undefined ? changes.length - 1 : changes.findIndex((one) => momentOf(one) === at);
  const chosen = changes[index];
  const isOver = isEnded || changes.at(-1)?.kind === 'ended';
  const past = useDocumentAt(base, at);
  // What the difference begins at: a chosen moment, or the change before.
  const previous = changes[index - 1];
  const fromMoment = from ?? (previous === undefined ? undefined : momentOf(previous));
  const view = viewOf(route.value.query);
  const showView = (next: DocumentView): void => go(withQuery({ view: next }), { replace: true });
  const wantsOther = view === 'difference' || at !== undefined;
  const other = useDocumentAt(base, wantsOther ? fromMoment : undefined);

  const travel = (step: number): void => {
    const next = changes[index + step];
    if (next === undefined) return;
    const isNow = index + step === changes.length - 1 && !isOver;
    go(withQuery({ at: isNow ? undefined : momentOf(next) }));
  };
  useKeys({
    ArrowLeft: () => travel(-1),
    ArrowRight: () => travel(1),
    n: () => go(withQuery(nothingChosen)),
    d: () => showView(view === 'document' ? 'difference' : 'document'),
    b: () => {
      if (chosen === undefined) return;
      go(withQuery({ from: from === undefined ? momentOf(chosen) : undefined, view: undefined }));
    },
    Escape: () =>
      go(
        at === undefined && from === undefined && view === 'document'
          ? '#/sessions'
          : withQuery(nothingChosen),
      ),
  });

  const live = detail?.document;
  const beforeLive = useDocumentBefore(live);
  const document = at === undefined ? live : past.answer?.document;
  const isAtEnd = at !== undefined && chosen?.kind === 'ended';
  if (document === undefined && detail === undefined && !isAtEnd) {
    return (
      <div class="page">
        <SessionMissing
          session={session}
          problem={problem}
          isLoading={problem === undefined}
          changes={changes}
        />
      </div>
    );
  }
  const isPast = at !== undefined;
  const { row, members, initialization } = shownOf(detail, document, isPast);
  const isOverNow = isOver && (!isPast || isAtEnd);
  const timers = isPast || isOver ? [] : (detail?.timers ?? []);
  const before = wantsOther ? other.answer?.document : beforeLive;

  return (
    <div class={isPast ? 'page session-page past' : 'page session-page'}>
      <header class="session-head">
        <Crumbs session={session} sessionKey={key} />
        <div class="session-title">
          <h1 class="mono cut" aria-label={visibleText(session.name)}>
            <LongName>{session.name}</LongName>
          </h1>
          <CopyButton text={session.name} label="Copy the name" />
          <CopyButton
            icon="link"
            text={JSON.stringify(referenceOf(session), undefined, 2)}
            label="Copy as a session reference"
          />
          <span class="space" />
          <span class="states">
            {isOverNow && <span class="label red">ended</span>}
            {row !== undefined && !isOverNow && <States row={row} />}
          </span>
          {row !== undefined && !isOverNow && (
            <span
              class="change-pill mono"
              title={`ETag ${detail?.etag ?? ''}; branch ${row.branch}`}
            >
              #{row.changeNumber}
            </span>
          )}
        </div>
        {row !== undefined && (
          <Seats members={isOverNow ? emptied(row.members) : row.members} isLarge />
        )}
        {info.value?.mayAct === true && detail !== undefined && !isOver && !isPast && (
          <ActBar session={session} members={detail.members} />
        )}
      </header>

      {isOver && !isPast && (
        <p class="banner">
          <Icon name="alert" size={14} /> This session has ended. What is shown is the last of it.
        </p>
      )}
      {isPast && chosen !== undefined && (
        <PastBanner moment={chosen} isAtEnd={isAtEnd} isOver={isOver} />
      )}
      {info.value?.hasHistory === true && (
        <Timeline
          changes={changes}
          index={index}
          from={from}
          isNow={!isPast}
          isOver={isOver}
          onTravel={travel}
        />
      )}

      <div class="session-columns">
        <div class="column-left">
          <MemberList
            members={members}
            timers={timers}
            max={row?.members.max ?? 0}
            isPast={isPast}
            isOver={isOverNow}
            hasAll={isPast || detail?.hasAllMembers === true}
          />
          {initialization !== undefined &&
            (initialization.stage !== 'none' || initialization.links.length > 0) && (
              <Initialization initialization={initialization} members={members} timers={timers} />
            )}
          {changes.length > 0 && (
            <Card title="Changes" count={changes.length} kind="changes-card">
              <ChangeRows changes={changes} index={index} isNow={!isPast} />
            </Card>
          )}
          {detail !== undefined && !isPast && !isOver && detail.handles.length > 0 && (
            <Card title="Handles" count={detail.handles.length}>
              <HandleList handles={detail.handles} />
            </Card>
          )}
          {detail !== undefined && !isPast && <Facts detail={detail} timers={timers} />}
        </div>
        <div class="column-right">
          <DocumentCard
            view={changes.length > 0 ? view : 'document'}
            showView={showView}
            document={isOverNow && view === 'difference' ? undefined : document}
            before={before}
            litKey={String(document?.['changeNumber'] ?? '')}
            chosen={chosen}
            from={from === undefined ? previous : changes.find((one) => momentOf(one) === from)}
            problem={past.problem ?? other.problem}
            hasHistory={changes.length > 0}
          />
        </div>
      </div>
    </div>
  );
}

function Crumbs({
  session,
  sessionKey,
}: {
  readonly session: SessionName;
  readonly sessionKey: string;
}) {
  return (
    <nav class="crumbs faint" aria-label="Where this is">
      <a href="#/sessions">Sessions</a>
      <span>/</span>
      {(info.value?.serviceConfigs.length ?? 0) > 1 && (
        <>
          <a
            class="mono"
            href={`#/sessions?scid=${encodeURIComponent(session.scid)}`}
            title={`Service config ${session.scid}`}
          >
            {session.scid.slice(0, 8)}
          </a>
          <span>/</span>
        </>
      )}
      <a href={`#/sessions?template=${encodeURIComponent(session.template)}`}>
        <UserText>{session.template}</UserText>
      </a>
      <span class="space" />
      <a class="link" href={`#/requests?session=${encodeURIComponent(sessionKey)}`}>
        Its requests
      </a>
    </nav>
  );
}

/** Says which moment of the past is shown. */
function PastBanner({
  moment,
  isAtEnd,
  isOver,
}: {
  readonly moment: ChangeRow;
  readonly isAtEnd: boolean;
  readonly isOver: boolean;
}) {
  return (
    <p class="banner amber" role="status">
      <Icon name="clock" size={14} />
      <span>
        As it was at <b class="number">{clockText(moment.atMs, { withMs: true })}</b>,{' '}
        {isAtEnd ? (
          'the end'
        ) : (
          <>
            change <b class="mono">{numberTextOf(moment)}</b>
          </>
        )}
        : <UserText>{headlineOf(moment)}</UserText>
      </span>
      <span class="space" />
      {moment.cause.requestId !== undefined && (
        <a class="button small" href={requestHref(moment.cause.requestId)}>
          Its request
        </a>
      )}
      <a class="button small" href={withQuery(nothingChosen)}>
        {isOver ? 'Back' : 'Back to now'} <kbd>n</kbd>
      </a>
    </p>
  );
}

function DocumentCard({
  view,
  showView,
  document,
  before,
  litKey,
  chosen,
  from,
  problem,
  hasHistory,
}: {
  readonly view: DocumentView;
  readonly showView: (view: DocumentView) => void;
  readonly document: JsonObject | undefined;
  readonly before: JsonObject | undefined;
  readonly litKey: string;
  readonly chosen: ChangeRow | undefined;
  readonly from: ChangeRow | undefined;
  readonly problem: string | undefined;
  readonly hasHistory: boolean;
}) {
  const node = useMemo(
    () =>
      view === 'difference'
        ? differenceOf(before ?? {}, document ?? {})
        : differenceOf(before ?? document, document ?? {}),
    [before, document, view],
  );
  const text = useMemo(() => JSON.stringify(document, undefined, 2), [document]);
  return (
    <Card
      title="Document"
      kind="document-card"
      actions={
        <>
          {hasHistory && (
            <span class="switch">
              {(['document', 'difference'] as const).map((one) => (
                <button
                  key={one}
                  type="button"
                  aria-pressed={view === one}
                  onClick={() => showView(one)}
                >
                  {one === 'document' ? 'Document' : 'Difference'}
                </button>
              ))}
            </span>
          )}
          <CopyButton text={text ?? ''} label="Copy the document" />
        </>
      }
    >
      {problem !== undefined && <p class="problem">{problem}</p>}
      {view === 'difference' && chosen !== undefined && (
        <p class="difference-head faint">
          <span class="mono">{from === undefined ? 'nothing' : numberTextOf(from)}</span>
          <Icon name="forward" size={12} />
          <span class="mono">{numberTextOf(chosen)}</span>
          <span class="space" />
          <span class="number">{node.count} different</span>
        </p>
      )}
      {document === undefined && view === 'document' ? (
        <p class="empty-line faint">The session had ended with this change.</p>
      ) : (
        <JsonTree node={node} mode={view === 'difference' ? 'changes' : 'values'} litKey={litKey} />
      )}
    </Card>
  );
}

/** Facts that no client sees, and timers that belong to no member. */
function Facts({
  detail,
  timers: all,
}: {
  readonly detail: SessionDetail;
  readonly timers: readonly Timer[];
}) {
  // Read so that timers count down.
  tick.value;
  const now = nowMs();
  const { hidden, row } = detail;
  const timers = all.filter(({ index }) => index === undefined);
  return (
    <Card title="Facts that no client sees">
      <dl class="facts">
        {timers.map((timer) => (
          <div key={timer.what}>
            <dt>{timer.what}</dt>
            <dd class="number">
              {countdownText(timer.dueMs - now)}{' '}
              <span class="faint">then {becomesText[timer.becomes]}</span>
            </dd>
          </div>
        ))}
        <div>
          <dt>created</dt>
          <dd>
            {agoText(row.createdMs, now)}
            {hidden.createdBy !== undefined && (
              <>
                {' by '}
                <UserLink xuid={hidden.createdBy} />
              </>
            )}
          </dd>
        </div>
        {hidden.emptySinceMs !== undefined && (
          <div>
            <dt>without members since</dt>
            <dd>{agoText(hidden.emptySinceMs, now)}</dd>
          </div>
        )}
        {hidden.kicks.map((kick) => (
          <div key={kick.xuid}>
            <dt>removed by an owner</dt>
            <dd>
              <UserLink xuid={kick.xuid} />{' '}
              <span class="faint">
                by <UserLink xuid={kick.by} />
              </span>
            </dd>
          </div>
        ))}
        {hidden.formerXuids.length > 0 && (
          <div>
            <dt>former members</dt>
            <dd class="user-links">
              {hidden.formerXuids.slice(-8).map((xuid) => (
                <UserLink key={xuid} xuid={xuid} />
              ))}
            </dd>
          </div>
        )}
        <div>
          <dt>branch</dt>
          <dd class="mono cut">{row.branch}</dd>
        </div>
      </dl>
    </Card>
  );
}

function SessionMissing({
  session,
  problem,
  isLoading,
  changes,
}: {
  readonly session: SessionName;
  readonly problem: string | undefined;
  readonly isLoading: boolean;
  readonly changes: readonly ChangeRow[];
}) {
  if (isLoading) return <div class="empty" aria-busy="true" />;
  const last = changes.at(-1);
  return (
    <div class="empty">
      <h2 class="mono">
        <UserText>{session.name}</UserText>
      </h2>
      <p class="muted">{problem}</p>
      {last !== undefined && (
        <>
          <p class="muted">
            <UserText>{headlineOf(last)}</UserText>
          </p>
          <a class="button strong" href={withQuery({ at: momentOf(changes.at(-2) ?? last) })}>
            <Icon name="clock" size={14} /> See how it was
          </a>
        </>
      )}
      <a class="button" href="#/sessions">
        All sessions
      </a>
    </div>
  );
}
