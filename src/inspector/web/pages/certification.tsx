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
  const rules = useMemo(() => groupsOf(answer?.findings ?? []), [answer]);
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
      {rules.map(({ rule, groups }) => (
        <RuleCard key={rule} rule={rule} groups={groups} isLive={opened === undefined} />
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

/** Findings of one rule that say the same about calls to the same place, of whichever users. */
type Group = {
  readonly endpoint: string;
  readonly advice: string;
  readonly findings: readonly [Finding, ...Finding[]];
};

/** By rule, and in it what the same advice is for; errors and the earliest first, as they come. */
function groupsOf(findings: readonly Finding[]): readonly {
  readonly rule: string;
  readonly groups: readonly Group[];
}[] {
  const rules = new Map<string, Map<string, Group>>();
  for (const finding of findings) {
    const { rule, endpoint, advice, severity } = finding;
    const groups = rules.get(rule) ?? new Map<string, Group>();
    rules.set(rule, groups);
    const key = [severity, endpoint, advice].join('\n');
    const known = groups.get(key)?.findings;
    groups.set(key, { endpoint, advice, findings: known ? [...known, finding] : [finding] });
  }
  return [...rules].map(([rule, groups]) => ({ rule, groups: [...groups.values()] }));
}

/** What each rule looks for, as a title. */
const titles: Readonly<Record<string, string>> = {
  frequency: 'Too many calls for the limits',
  throttled: 'Calls answered 429',
  burst: 'Many calls at once',
  polling: 'The same call again and again',
  repeat: 'Calls that bring nothing new',
  singles: 'Single calls where one asks for all',
  smallBatch: 'Batches with few users',
  splitBatch: 'Several batches where one is enough',
  retry: 'Tried again without waiting',
  sessionWrites: 'One session written too often',
};

function RuleCard({
  rule,
  groups,
  isLive,
}: {
  readonly rule: string;
  readonly groups: readonly Group[];
  readonly isLive: boolean;
}) {
  const hasError = groups.some(({ findings }) => findings.some(isError));
  return (
    <section class="card" aria-label={titles[rule] ?? rule}>
      <header class="card-head">
        <span class={hasError ? 'label red' : 'label amber'}>
          {hasError ? 'would fail' : 'warning'}
        </span>
        <h2>{titles[rule] ?? rule}</h2>
        <span class="space" />
        <code class="faint" title="The name of the rule">
          {rule}
        </code>
      </header>
      {groups.map((group) => (
        <GroupPart
          key={`${group.endpoint} ${group.advice} ${group.findings[0].severity}`}
          group={group}
          isLive={isLive}
        />
      ))}
    </section>
  );
}

function GroupPart({ group, isLive }: { readonly group: Group; readonly isLive: boolean }) {
  const [showsAll, setShowsAll] = useState(false);
  const { endpoint, advice, findings } = group;
  const shown = showsAll ? findings : findings.slice(0, findingsMax);
  return (
    <div class="finding-group">
      <p class="mono finding-endpoint">
        <UserText>{endpoint}</UserText>
      </p>
      <p class="muted">{advice}</p>
      <ul class="findings">
        {shown.map((finding) => (
          <FindingLine
            key={`${finding.user} ${finding.fromMs} ${finding.sentence}`}
            finding={finding}
            isLive={isLive}
          />
        ))}
      </ul>
      {shown.length < findings.length && (
        <button type="button" class="button small" onClick={() => setShowsAll(true)}>
          {countText(findings.length - shown.length)} more
        </button>
      )}
    </div>
  );
}

/** Lines of a group that are shown at first. */
const findingsMax = 6;

/** One user, or several: what was seen of them, how far over the limit it is, and the calls. */
function FindingLine({
  finding,
  isLive,
}: {
  readonly finding: Finding;
  /** Calls of a capture are known by their number alone. */
  readonly isLive: boolean;
}) {
  const { user, usersCount, sentence, count, limit, windowMs, callIds } = finding;
  return (
    <li class="finding">
      {usersCount === 1 ? <UserLink xuid={user} /> : <span>{countedText(usersCount, 'user')}</span>}
      <span class="finding-seen">
        <UserText>{sentence}</UserText>
        {limit !== undefined && limit > 0 && windowMs !== undefined && (
          <span
            class="limit"
            title={`${countedText(count, 'call')}; the limit is ${countText(limit)} in ${windowMs / 1_000} s`}
          >
            <span class={count > limit ? 'limit-bar over' : 'limit-bar'} aria-hidden="true">
              <i style={{ width: `${(count / Math.max(count, limit)) * 100}%` }} />
              <b style={{ left: `${(limit / Math.max(count, limit)) * 100}%` }} />
            </span>
            <small class="faint number">limit {countText(limit)}</small>
          </span>
        )}
      </span>
      <span class="finding-calls faint number">
        {clockText(finding.fromMs)}
        {callIds.slice(0, callsMax).map((id, index) => (
          <a
            key={id}
            class="link"
            href={isLive ? requestHref(id) : withQuery({ open: id })}
            title={isLive ? `Request ${id}` : undefined}
          >
            {isLive ? `call ${index + 1}` : `call ${id}`}
          </a>
        ))}
        {count > callsMax && <span>and {countText(count - callsMax)} more</span>}
      </span>
    </li>
  );
}

/** Calls of a finding that are linked. */
const callsMax = 3;

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
            <th title="The most calls of one user in 15 seconds">Most in 15 s</th>
            <th title="The most calls of one user in 300 seconds">Most in 300 s</th>
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
