/** What certification would say of the requests that this node has had, or of an opened capture. */

import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Analysis, Finding } from '../../api-types.ts';
import { nowMs } from '../live.ts';
import { CapturedCalls } from '../parts/captured-calls.tsx';
import { Card, Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { OpenCapture, type OpenedCapture } from '../parts/open-capture.tsx';
import { UserLink } from '../parts/user-link.tsx';
import { requestHref, withQuery } from '../route.ts';
import { clockText, countedText, countText, dateText, durationText } from '../time-text.ts';
import { useAnswer } from '../use-answer.ts';
import { visibleText } from '../visible-text.ts';
import { UserText } from '../parts/user-text.tsx';

/** Judging takes the server some time, and a rule looks at seconds. */
const everyMs = 4_000;

export function CertificationPage() {
  const { answer: live, problem, reload } = useAnswer<Analysis>('/analysis');
  const [opened, setOpened] = useState<OpenedCapture>();
  const answer = opened?.analysis ?? live;
  useEffect(() => {
    const timer = setInterval(reload, everyMs);
    return () => clearInterval(timer);
  }, [reload]);
  const groups = useMemo(() => {
    const byRule = new Map<string, Finding[]>();
    for (const finding of answer?.findings ?? []) {
      byRule.set(finding.rule, [...(byRule.get(finding.rule) ?? []), finding]);
    }
    return [...byRule];
  }, [answer]);
  if (answer === undefined) {
    return (
      <div class="page">
        <Head title="Certification">
          <span class="space" />
          <OpenCapture opened={setOpened} />
        </Head>
        {problem !== undefined && <p class="problem">{problem}</p>}
      </div>
    );
  }
  return (
    <div class="page">
      <Head title="Certification">
        <span class="space" />
        {opened !== undefined && (
          <>
            <span class="muted">
              <UserText>{opened.name}</UserText>
            </span>
            <button type="button" class="button" onClick={() => setOpened(undefined)}>
              <Icon name="back" /> Live
            </button>
          </>
        )}
        <OpenCapture opened={setOpened} />
      </Head>
      <Verdict analysis={answer} opened={opened} />
      {opened?.problems.map((one) => (
        <p key={one} class="problem">
          {one}
        </p>
      ))}
      {groups.map(([rule, findings]) => (
        <section key={rule} class="card" aria-label={rule}>
          <header class="card-head">
            <i class={findings.some(isError) ? 'dot lost' : 'dot connecting'} />
            <h2>{rule}</h2>
            <span class="faint number">{findings.length}</span>
          </header>
          <ul class="findings">
            {findings.map((finding) => (
              <FindingLine
                key={`${finding.user} ${finding.endpoint} ${finding.fromMs}`}
                finding={finding}
                isLive={opened === undefined}
              />
            ))}
          </ul>
        </section>
      ))}
      {opened !== undefined && opened.calls.length > 0 && <CapturedCalls calls={opened.calls} />}
      {answer.endpoints.length > 0 && <Endpoints endpoints={answer.endpoints} />}
    </div>
  );
}

const isError = ({ severity }: Finding): boolean => severity === 'error';

function Verdict({
  analysis,
  opened,
}: {
  readonly analysis: Analysis;
  readonly opened: OpenedCapture | undefined;
}) {
  const errors = analysis.findings.filter(isError).length;
  const warnings = analysis.findings.length - errors;
  const isEmpty = analysis.requestsCount === 0;
  const isUnread = isEmpty && opened !== undefined;
  const tone = errors > 0 ? 'red' : warnings > 0 || isUnread ? 'amber' : 'green';
  const said =
    errors > 0
      ? `${countedText(errors, 'call pattern')} would fail`
      : warnings > 0
        ? `Nothing would fail, with ${countedText(warnings, 'warning')}`
        : isEmpty
          ? opened === undefined
            ? 'No request to judge yet'
            : 'No request could be read from this capture'
          : 'No problems found';
  return (
    <div class="verdict">
      <span class={`verdict-mark ${tone}`}>
        <Icon name={analysis.findings.length === 0 && !isUnread ? 'check' : 'alert'} size={22} />
      </span>
      <div>
        <h2>{said}</h2>
        <p class="muted number">
          {!isEmpty && (
            <>
              {countedText(analysis.requestsCount, 'request')} in{' '}
              {durationText((opened?.untilMs ?? nowMs()) - analysis.sinceMs)}, since{' '}
              {opened === undefined ? clockText(analysis.sinceMs) : dateText(analysis.sinceMs)}.{' '}
            </>
          )}
          The same for CI, with an exit code: <code>openmpsd analyze capture.har</code>
        </p>
      </div>
    </div>
  );
}

function FindingLine({
  finding,
  isLive,
}: {
  readonly finding: Finding;
  /** Calls of a capture are known by their number alone. */
  readonly isLive: boolean;
}) {
  const { user, sentence, advice, count, limit, windowMs, callIds } = finding;
  return (
    <li>
      <p>
        <UserLink xuid={user} />{' '}
        <span class="faint mono">
          <UserText>{finding.endpoint}</UserText>
        </span>
      </p>
      <p>
        <UserText>{sentence}</UserText>
      </p>
      {limit !== undefined && limit > 0 && (
        <div class="limit">
          <span class={count > limit ? 'limit-bar over' : 'limit-bar'}>
            <i style={{ width: `${(count / Math.max(count, limit)) * 100}%` }} />
            <b style={{ left: `${(limit / Math.max(count, limit)) * 100}%` }} />
          </span>
          <span class="faint number">
            {countText(count)}, limit {countText(limit)}
            {windowMs === undefined ? '' : ` in ${durationText(windowMs)}`}
          </span>
        </div>
      )}
      <p class="muted">{advice}</p>
      {callIds.length > 0 && (
        <p class="finding-requests">
          <span class="faint">{clockText(finding.fromMs)}</span>
          {callIds.slice(0, 6).map((id) =>
            isLive ? (
              <a key={id} class="link mono" href={requestHref(id)}>
                {id.slice(0, 8)}
              </a>
            ) : (
              <a key={id} class="link mono" href={withQuery({ open: id })}>
                call {id}
              </a>
            ),
          )}
          {count > 6 && <span class="faint">of {countText(count)}</span>}
        </p>
      )}
    </li>
  );
}

function Endpoints({ endpoints }: { readonly endpoints: Analysis['endpoints'] }) {
  return (
    <Card title="Calls" count={endpoints.length} kind="scrolls">
      <table class="table number">
        <thead>
          <tr>
            <th>Endpoint</th>
            <th>Calls</th>
            <th>Failed</th>
            <th>Users</th>
            <th title="The most calls of one user in 15 seconds">in 15 s</th>
            <th title="The most calls of one user in 300 seconds">in 300 s</th>
            <th>Limit</th>
          </tr>
        </thead>
        <tbody>
          {endpoints.map((row) => (
            <tr key={row.endpoint}>
              <td class="mono cut" title={visibleText(row.endpoint)}>
                <UserText>{row.endpoint}</UserText>
              </td>
              <td>{countText(row.calls)}</td>
              <td class={row.failed > 0 ? 'bad' : 'faint'}>{countText(row.failed)}</td>
              <td>{countText(row.users)}</td>
              <td>{countText(row.burstPeak)}</td>
              <td>{countText(row.sustainedPeak)}</td>
              <td class="faint">{row.limit ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
