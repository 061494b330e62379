/** The log of the node, live; each request and each refusal opens. */

import { signal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import { type Json, type JsonObject, parseExactJson } from '../../../domain/json.ts';
import type { Accepted, ActivityRow, BodyText, CallerRow, RequestDetail } from '../../api-types.ts';
import { act, nameOf } from '../acting.ts';
import { pathOf } from '../api.ts';
import { curlOf } from '../curl.ts';
import { differenceOf } from '../json-difference.ts';
import { useKeys } from '../keys.ts';
import { activity, info } from '../live.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { JsonTree, Scalar } from '../parts/json-tree.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { go, keyHref, requestHref, route, userHref, withQuery } from '../route.ts';
import { clockText, countText, tookText } from '../time-text.ts';
import { useAnswer } from '../use-answer.ts';
import { UserText } from '../parts/user-text.tsx';
import { visibleText } from '../visible-text.ts';

/** The rows as they were when somebody paused the log. */
const paused = signal<readonly ActivityRow[] | undefined>(undefined);

function whoOf(caller: CallerRow | undefined): string {
  return caller?.gamertag ?? caller?.xuid ?? caller?.service ?? '';
}

function matches(row: ActivityRow, text: string): boolean {
  const words =
    row.kind === 'request'
      ? [row.method, row.target, String(row.status), row.refusal?.code, row.refusal?.text]
      : [row.what, row.text, row.connectionId];
  return [...words, row.caller?.gamertag, row.caller?.xuid].some(
    (word) => word?.toLowerCase().includes(text) === true,
  );
}

/** The path without what repeats on every line: the service config, and the words around names. */
function shortTarget(target: string): { readonly path: string; readonly query: string } {
  const [path = '', query] = target.split('?', 2);
  const short = path
    .replace(/^\/serviceconfigs\/[^/]+\/sessiontemplates\/([^/]+)\/sessions\/(.+)$/i, '$1/$2')
    .replace(/^\/serviceconfigs\/[^/]+\/(?=.)/i, '');
  let text = short;
  try {
    text = decodeURIComponent(short);
  } catch {
    // As it came.
  }
  return { path: text, query: query === undefined ? '' : `?${query}` };
}

export function RequestsPage() {
  const { query } = route.value;
  const text = (query.get('text') ?? '').toLowerCase();
  const onlyRefused = query.get('refused') === 'true';
  const xuid = query.get('xuid') ?? '';
  const open = query.get('open') ?? undefined;
  const search = useRef<HTMLInputElement>(null);
  const all = paused.value ?? activity.value;
  const rows = useMemo(
    () =>
      all.filter(
        (row) =>
          (!onlyRefused || (row.kind === 'request' && row.status >= 400)) &&
          (xuid === '' || row.caller?.xuid === xuid) &&
          (text === '' || matches(row, text)),
      ),
    [all, onlyRefused, xuid, text],
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
            {whoOf(user) || xuid} <Icon name="close" size={11} />
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
      <div class="with-drawer">
        <div class="log">
          <div class="log-grid column-heads">
            <span>Time</span>
            <span>Who</span>
            <span>Request</span>
            <span>Answer</span>
            <span class="right">Took</span>
          </div>
          <VirtualList
            items={rows}
            rowHeight={30}
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

function LogLine({ row, isSelected }: { readonly row: ActivityRow; readonly isSelected: boolean }) {
  const time = clockText(row.atMs, { withMs: true });
  const who = whoOf(row.caller);
  if (row.kind === 'rta') {
    const isBad = row.what === 'disconnected' || row.what === 'subscribeRefused';
    return (
      <div class="log-grid log-line rta">
        <span class="faint mono">{time}</span>
        <span class="cut">
          <UserText>{who}</UserText>
        </span>
        <span class="cut">
          <span class="method rta">RTA</span>
          <span class="muted">
            <UserText>{row.text}</UserText>
          </span>
        </span>
        <span>
          <span class={isBad ? 'label red' : row.what === 'taps' ? 'label violet' : 'label'}>
            {row.what}
          </span>
        </span>
        <span />
      </div>
    );
  }
  const { path, query } = shortTarget(row.target);
  const tone = row.status >= 500 ? 'broken' : row.status >= 400 ? 'refused' : 'fine';
  return (
    <a
      class={`log-grid log-line ${tone}${isSelected ? ' selected' : ''}`}
      href={withQuery({ open: row.id })}
    >
      <span class="faint mono">{time}</span>
      <span class="cut">
        <UserText>{who}</UserText>
      </span>
      <span class="cut" title={row.target}>
        <span class={`method ${row.method.toLowerCase()}`}>{row.method}</span>
        <span class="mono">
          <UserText>{path}</UserText>
        </span>
        <span class="faint mono">
          <UserText>{query}</UserText>
        </span>
      </span>
      <span class="cut">
        <span class={`status-code ${tone} mono`}>{row.status}</span>
        {row.refusal !== undefined && <span class="refusal-code">{row.refusal.code}</span>}
      </span>
      <span class="right faint number">{tookText(row.durationMs)}</span>
    </a>
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
        <RequestDetails detail={detail} />
      )}
    </aside>
  );
}

function CloseDrawer() {
  return (
    <a class="plain" href={withQuery({ open: undefined })} aria-label="Close" title="Close (Esc)">
      <Icon name="close" />
    </a>
  );
}

function RequestDetails({ detail }: { readonly detail: RequestDetail }) {
  const { row } = detail;
  const curl = curlOf(detail, location.origin, info.value?.auth ?? 'dev');
  const tone = row.status >= 500 ? 'broken' : row.status >= 400 ? 'refused' : 'fine';
  return (
    <>
      <header class="drawer-head">
        <span class={`method ${row.method.toLowerCase()}`}>{row.method}</span>
        <span class={`status-code ${tone} mono`}>{row.status}</span>
        <span class="faint number">
          {clockText(row.atMs, { withMs: true })} · {tookText(row.durationMs)}
        </span>
        <span class="space" />
        <CloseDrawer />
      </header>
      <p class="target mono">
        <UserText>{row.target}</UserText>
      </p>
      <div class="drawer-actions">
        <CopyButton text={curl} label="Copy as a curl command">
          Copy as curl
        </CopyButton>
        {info.value?.mayAct === true && row.caller?.xuid !== undefined && (
          <SendAgain detail={detail} />
        )}
        {row.key !== undefined && (
          <a class="button small" href={keyHref(row.key)}>
            <Icon name="sessions" size={13} /> Session
          </a>
        )}
      </div>
      {row.refusal !== undefined && <Refusal detail={detail} />}
      <Caller caller={row.caller} claims={detail.claims} />
      <Headers title="Request" headers={detail.requestHeaders} body={detail.requestBody} />
      <Headers title="Answer" headers={detail.answerHeaders} body={detail.answerBody} />
      <p class="faint mono foot-note" title="X-XblCorrelationId">
        {row.id}
      </p>
    </>
  );
}

/** Why it was refused: the rule, its sentence, which says what is accepted, and the place. */
function Refusal({ detail }: { readonly detail: RequestDetail }) {
  const { refusal } = detail.row;
  if (refusal === undefined) return null;
  return (
    <section class="refusal" aria-label="Why it was refused">
      <h2>
        <Icon name="alert" size={15} /> {refusal.code}
      </h2>
      <p class="refusal-text">
        <UserText>{refusal.text}</UserText>
      </p>
      {refusal.detail !== undefined && refusal.detail !== '' && (
        <p>
          <span class="faint">at</span>{' '}
          <code>
            <UserText>{refusal.detail}</UserText>
          </code>
        </p>
      )}
      {detail.accepted !== undefined && <AcceptedWays accepted={detail.accepted} />}
      {detail.docs !== undefined && (
        <p class="advice">
          The rule is described in <code>{detail.docs}</code>
        </p>
      )}
    </section>
  );
}

/** What fits in place of the request, by the data of the rule. */
function AcceptedWays({ accepted: { session, ways } }: { readonly accepted: Accepted }) {
  return (
    <div class="accepted">
      <h3>
        What would be accepted
        {session !== undefined && (
          <small class="faint number">
            {session.isNow
              ? 'by the session as it is'
              : `by the session at change ${session.changeNumber}`}
          </small>
        )}
      </h3>
      <ul>
        {ways.map(({ text, values = [] }) => (
          <li key={text}>
            <UserText>{text}</UserText>
            {values.length > 0 && (
              <span class="accepted-values">
                {values.map((value) => (
                  <code key={value}>
                    <UserText>{value}</UserText>
                  </code>
                ))}
              </span>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Who called, and what else the token says. */
function Caller({
  caller,
  claims,
}: {
  readonly caller: CallerRow | undefined;
  readonly claims: JsonObject | undefined;
}) {
  if (caller === undefined) return null;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['gamertag', caller.gamertag],
    ['xuid', caller.xuid],
    ['title', caller.titleId],
    ['service', caller.service],
  ];
  return (
    <section class="drawer-part">
      <h3>Caller</h3>
      <dl class="facts">
        {facts
          .filter(([, value]) => value !== undefined)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd class="mono">
                {name === 'xuid' && value !== undefined ? (
                  <a class="link" href={userHref(value)}>
                    {value}
                  </a>
                ) : (
                  <UserText>{value ?? ''}</UserText>
                )}
              </dd>
            </div>
          ))}
      </dl>
      {claims !== undefined && (
        <details>
          <summary class="faint">What the token says</summary>
          <JsonTree node={differenceOf(claims, claims)} mode="values" />
        </details>
      )}
    </section>
  );
}

function Headers({
  title,
  headers,
  body,
}: {
  readonly title: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: BodyText | undefined;
}) {
  const entries = Object.entries(headers);
  return (
    <section class="drawer-part">
      <h3>{title}</h3>
      <details>
        <summary class="faint">{entries.length} headers</summary>
        <dl class="headers mono">
          {entries.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <UserText>{value}</UserText>
              </dd>
            </div>
          ))}
        </dl>
      </details>
      {body !== undefined && body.text !== '' && <Body body={body} />}
    </section>
  );
}

function Body({ body }: { readonly body: BodyText }) {
  const value = useMemo<Json | undefined>(() => {
    if (body.isCut) return undefined;
    try {
      return parseExactJson(body.text);
    } catch {
      return undefined;
    }
  }, [body]);
  if (value === undefined) {
    return (
      <pre class="code">
        {body.text.split('\n').map(visibleText).join('\n')}
        {body.isCut ? '\n… cut here' : ''}
      </pre>
    );
  }
  const node = differenceOf(value, value);
  return node.children.length === 0 ? (
    <Scalar value={value} />
  ) : (
    <JsonTree node={node} mode="values" />
  );
}

function SendAgain({ detail }: { readonly detail: RequestDetail }) {
  const { row, requestHeaders, requestBody } = detail;
  const { xuid, gamertag, titleId } = row.caller ?? {};
  const method = row.method;
  const mayAgain =
    xuid !== undefined &&
    requestBody?.isCut !== true &&
    (method === 'GET' || method === 'PUT' || method === 'POST' || method === 'DELETE');
  if (!mayAgain) return null;
  const as = {
    xuid,
    ...(gamertag === undefined ? {} : { gamertag }),
    ...(titleId === undefined ? {} : { titleId }),
  };
  const send = async (): Promise<void> => {
    const headers = Object.fromEntries(
      Object.entries(requestHeaders).filter(([name]) =>
        /^(x-xbl-contract-version|if-match|if-none-match|accept-language)$/i.test(name),
      ),
    );
    const bodyText = requestBody?.text ?? '';
    const answer = await act(
      'send again',
      { method, target: row.target, headers, ...(bodyText === '' ? {} : { bodyText }) },
      as,
    );
    if (answer !== undefined) go(requestHref(answer.requestId));
  };
  return (
    <button type="button" class="button small" onClick={() => void send()}>
      <Icon name="send" size={13} /> Send again as <UserText>{nameOf(as)}</UserText>
    </button>
  );
}
