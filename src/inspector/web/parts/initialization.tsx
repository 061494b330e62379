/** Member initialization drawn: its stages, and who measured whom how far away. */

import type { MemberRow, SessionDetail, Timer } from '../../api-types.ts';
import { nowMs, tick } from '../live.ts';
import { nameOf } from '../names.ts';
import { countdownText } from '../time-text.ts';
import { Card } from './head.tsx';
import { visibleText } from '../visible-text.ts';

const stages: readonly string[] = ['joining', 'measuring', 'evaluating'];

type InitializationDetail = NonNullable<SessionDetail['initialization']>;

export function Initialization({
  initialization,
  members,
  timers,
}: {
  readonly initialization: InitializationDetail;
  readonly members: readonly MemberRow[];
  readonly timers: readonly Timer[];
}) {
  // Read so that the stage counts down.
  tick.value;
  const { stage, episode, links } = initialization;
  const reached = stages.indexOf(stage);
  const isDone = stage === 'none';
  const timer = timers.find(
    ({ what, index }) => index === undefined && /^(join|measurement|evaluation)Timeout$/.test(what),
  );
  return (
    <Card
      title="Initialization"
      actions={<span class="faint">{episode === 0 ? '' : `episode ${episode}`}</span>}
    >
      <ol class="stages">
        {stages.map((name, index) => {
          const isPassed = isDone || (reached >= 0 && index < reached);
          const state = stage === name ? 'current' : isPassed ? 'passed' : '';
          return (
            <li key={name} class={stage === 'failed' ? 'failed' : state}>
              <i />
              <span>{name}</span>
              {stage === name && timer !== undefined && (
                <small class="number faint">{countdownText(timer.dueMs - nowMs())}</small>
              )}
            </li>
          );
        })}
        <li class={isDone ? 'passed' : stage === 'failed' ? 'failed current' : ''}>
          <i />
          <span>{stage === 'failed' ? 'failed' : 'ready to play'}</span>
        </li>
      </ol>
      {links.length > 0 && <Links links={links} members={members} />}
    </Card>
  );
}

const size = 260;
const center = size / 2;

/** Latencies below the first are good, above the second bad. */
const latencyTones = [80, 160] as const;

function toneOf(latencyMs: number | undefined): string {
  if (latencyMs === undefined) return 'missing';
  if (latencyMs <= latencyTones[0]) return 'good';
  return latencyMs <= latencyTones[1] ? 'fair' : 'bad';
}

/** Members on a circle, with a line for each pair that was measured, and its worst latency. */
function Links({
  links,
  members,
}: {
  readonly links: InitializationDetail['links'];
  readonly members: readonly MemberRow[];
}) {
  const places = new Map(
    members.map(({ index }, at) => {
      const angle = (at / members.length) * 2 * Math.PI - Math.PI / 2;
      return [index, { x: center + 92 * Math.cos(angle), y: center + 92 * Math.sin(angle) }];
    }),
  );
  const pairs = new Map<string, { from: number; to: number; latencyMs: number | undefined }>();
  for (const { from, to, latencyMs } of links) {
    const [a, b] = from < to ? [from, to] : [to, from];
    const known = pairs.get(`${a} ${b}`)?.latencyMs;
    const worst = Math.max(known ?? 0, latencyMs ?? 0);
    pairs.set(`${a} ${b}`, { from: a, to: b, latencyMs: worst === 0 ? undefined : worst });
  }
  const showsText = pairs.size <= 12;
  return (
    <figure class="links">
      <svg viewBox={`0 0 ${size} ${size}`} role="img" aria-label="Measured latencies">
        {[...pairs.values()].map(({ from, to, latencyMs }) => {
          const [a, b] = [places.get(from), places.get(to)];
          if (a === undefined || b === undefined) return null;
          const [x, y] = [a.x + (b.x - a.x) * 0.42, a.y + (b.y - a.y) * 0.42];
          return (
            <g key={`${from} ${to}`} class={`link-line ${toneOf(latencyMs)}`}>
              <line x1={a.x} y1={a.y} x2={b.x} y2={b.y} />
              {showsText && latencyMs !== undefined && (
                <>
                  <rect x={x - 14} y={y - 8} width="28" height="16" rx="8" />
                  <text x={x} y={y + 3.5}>
                    {latencyMs}
                  </text>
                </>
              )}
            </g>
          );
        })}
        {members.map((member) => {
          const place = places.get(member.index);
          if (place === undefined) return null;
          return (
            <g key={member.index} class={`link-member ${member.status}`}>
              <circle cx={place.x} cy={place.y} r="13" />
              <text x={place.x} y={place.y + 4}>
                {member.index}
              </text>
              <title>{visibleText(nameOf(member))}</title>
            </g>
          );
        })}
      </svg>
      <figcaption class="faint">Latency in ms, the worse of both directions</figcaption>
    </figure>
  );
}
