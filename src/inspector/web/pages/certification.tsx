/** What certification would say of the requests that this node has had. */

import { useEffect, useMemo } from 'preact/hooks';
import type { Analysis, Finding } from '../../api-types.ts';
import { onEvent } from '../live.ts';
import { Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { UserLink } from '../parts/user-link.tsx';
import { requestHref } from '../route.ts';
import { clockText, countText, durationText } from '../time-text.ts';
import { useAnswer } from '../use-answer.ts';

export function CertificationPage() {
  const { answer, problem, reload } = useAnswer<Analysis>('/analysis');
  useEffect(
    () =>
      onEvent(({ kind }) => {
        if (kind === 'finding') reload();
      }),
    [reload],
  );
  const groups = useMemo(() => {
    const byRule = new Map<string, Finding[]>();
    for (const finding of answer?.findings ?? []) {
      byRule.set(finding.rule, [...(byRule.get(finding.rule) ?? []), finding]);
    }
    return [...byRule].sort(
      ([, a], [, b]) => Number(b.some(isError)) - Number(a.some(isError)) || b.length - a.length,
    );
  }, [answer]);
  const errors = answer?.findings.filter(isError).length ?? 0;
  const warnings = (answer?.findings.length ?? 0) - errors;
  return (
    <div class="page">
      <Head title="Certification">
        <span class="space" />
        <button type="button" class="button" onClick={reload}>
          Look again
        </button>
      </Head>
      {problem !== undefined && <p class="problem">{problem}</p>}
      {answer !== undefined && (
        <>
          <div class="verdict">
            <span
              class={
                errors > 0
                  ? 'verdict-mark red'
                  : warnings > 0
                    ? 'verdict-mark amber'
                    : 'verdict-mark green'
              }
            >
              <Icon name={errors + warnings === 0 ? 'check' : 'alert'} size={22} />
            </span>
            <div>
              <h2>
                {errors > 0
                  ? `${countText(errors)} ${errors === 1 ? 'call pattern' : 'call patterns'} would fail`
                  : warnings > 0
                    ? `Nothing would fail; ${countText(warnings)} ${warnings === 1 ? 'warning' : 'warnings'}`
                    : answer.requestsCount === 0
                      ? 'Nothing to judge yet'
                      : 'Nothing stands out'}
              </h2>
              <p class="muted number">
                {countText(answer.requestsCount)} requests
                {answer.fromMs !== undefined && answer.toMs !== undefined && (
                  <>
                    {' '}
                    of {durationText(answer.toMs - answer.fromMs)}, {clockText(answer.fromMs)} to{' '}
                    {clockText(answer.toMs)}
                  </>
                )}
                . The same for CI, with an exit code: <code>openmpsd analyze capture.har</code>
              </p>
            </div>
          </div>
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
                    key={`${finding.sentence} ${finding.user ?? ''} ${finding.requestIds[0] ?? ''}`}
                    finding={finding}
                  />
                ))}
              </ul>
            </section>
          ))}
        </>
      )}
    </div>
  );
}

const isError = ({ severity }: Finding): boolean => severity === 'error';

function FindingLine({ finding }: { readonly finding: Finding }) {
  const { count, limit, windowMs } = finding;
  return (
    <li>
      <p>
        {finding.sentence}
        {finding.user !== undefined && (
          <>
            {' '}
            <UserLink xuid={finding.user} />
          </>
        )}
      </p>
      {count !== undefined && limit !== undefined && limit > 0 && (
        <div class="limit">
          <span class={count > limit ? 'limit-bar over' : 'limit-bar'}>
            <i style={{ width: `${Math.min(100, (count / Math.max(count, limit)) * 100)}%` }} />
            <b style={{ left: `${(limit / Math.max(count, limit)) * 100}%` }} />
          </span>
          <span class="faint number">
            {countText(count)} of {countText(limit)}
            {windowMs === undefined ? '' : ` in ${durationText(windowMs)}`}
          </span>
        </div>
      )}
      {finding.requestIds.length > 0 && (
        <p class="finding-requests">
          {finding.requestIds.slice(0, 8).map((id) => (
            <a key={id} class="link mono" href={requestHref(id)}>
              {id.slice(0, 8)}
            </a>
          ))}
          {finding.requestIds.length > 8 && (
            <span class="faint">and {finding.requestIds.length - 8} more</span>
          )}
        </p>
      )}
    </li>
  );
}
