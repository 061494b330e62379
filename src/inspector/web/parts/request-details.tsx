/** A request opened: why it was refused, what would be accepted, who called, headers and bodies. */

import { useMemo } from 'preact/hooks';
import { type Json, type JsonObject, parseExactJson } from '../../../domain/json.ts';
import type { AcceptedRequests, BodyText, CallerRow, RequestDetail } from '../../api-types.ts';
import { act } from '../acting.ts';
import { curlOf } from '../curl.ts';
import { differenceOf } from '../json-difference.ts';
import { info } from '../live.ts';
import { nameOf } from '../names.ts';
import { go, keyHref, requestHref, userHref, withQuery } from '../route.ts';
import { clockText, countedText, tookText } from '../time-text.ts';
import { visibleText } from '../visible-text.ts';
import { CopyButton } from './copy-button.tsx';
import { Icon } from './icon.tsx';
import { JsonTree, Scalar } from './json-tree.tsx';
import { UserText } from './user-text.tsx';

export function CloseDrawer() {
  return (
    <a class="plain" href={withQuery({ open: undefined })} aria-label="Close" title="Close (Esc)">
      <Icon name="close" />
    </a>
  );
}

export function RequestDetails({
  detail,
  origin,
  auth,
  isCaptured = false,
}: {
  readonly detail: RequestDetail;
  /** Where the command of curl sends it. */
  readonly origin: string;
  readonly auth: string;
  /** Of a capture: who called is a guess, and its server is another one. */
  readonly isCaptured?: boolean;
}) {
  const { row } = detail;
  const curl = curlOf(detail, origin, auth);
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
        {!isCaptured && info.value?.mayAct === true && row.caller?.xuid !== undefined && (
          <SendAgain detail={detail} />
        )}
        {row.key !== undefined && (
          <a class="button small" href={keyHref(row.key)}>
            <Icon name="sessions" size={13} /> Session
          </a>
        )}
        {!isCaptured && row.key !== undefined && row.method !== 'GET' && row.status < 300 && (
          <a class="button small" href={`${keyHref(row.key)}?request=${row.id}`}>
            <Icon name="compare" size={13} /> What it changed
          </a>
        )}
      </div>
      {row.refusal !== undefined && <Refusal detail={detail} />}
      <Caller caller={row.caller} claims={detail.claims} />
      <Headers title="Request" headers={detail.requestHeaders} body={detail.requestBody} />
      <Headers title="Answer" headers={detail.answerHeaders} body={detail.answerBody} />
      <p class="faint mono foot-note" title="X-XblCorrelationId">
        {row.id} <CopyButton text={row.id} label="Copy the correlation id" />
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
function AcceptedWays({ accepted: { session, ways } }: { readonly accepted: AcceptedRequests }) {
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
        <summary class="faint">{countedText(entries.length, 'header')}</summary>
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
      <Icon name="send" size={13} />
      <span>
        Send again as <UserText>{nameOf(as)}</UserText>
      </span>
    </button>
  );
}
