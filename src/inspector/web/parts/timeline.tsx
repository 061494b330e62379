/** The history of a session: a strip of changes to travel along, and the same in words. */

import { useEffect, useRef } from 'preact/hooks';
import type { ChangeRow } from '../../api-types.ts';
import { nowMs, tick } from '../live.ts';
import { nameOf } from '../names.ts';
import { go, requestHref, withQuery } from '../route.ts';
import { agoText, clockText, countedText, durationText } from '../time-text.ts';
import { Icon, type IconName } from './icon.tsx';
import { UserText } from './user-text.tsx';
import { visibleText } from '../visible-text.ts';

/**
 * Names a change in the page's address: a change number alone is not one of all branches. The end has
 * no number of its own.
 */
export function momentOf({ branch, changeNumber, kind }: ChangeRow): string {
  return `${branch}:${kind === 'ended' ? 'end' : changeNumber}`;
}

/** `#4`, or `end`. */
export function numberTextOf({ changeNumber, kind }: ChangeRow): string {
  return kind === 'ended' ? 'end' : `#${changeNumber}`;
}

const tones: Readonly<Record<string, string>> = {
  request: 'green',
  timer: 'amber',
  disconnect: 'red',
  match: 'violet',
  admin: 'blue',
};

const icons: Readonly<Record<string, IconName>> = {
  request: 'send',
  timer: 'clock',
  disconnect: 'plug',
  match: 'bolt',
  admin: 'key',
};

/** What changes of each type change, in words; `everything` says nothing. */
const typeTexts: Readonly<Record<string, string>> = {
  host: 'the host',
  initialization: 'initialization',
  joinability: 'who can join',
  customProperty: 'custom properties',
  matchmakingStatus: 'matchmaking',
  membersList: 'who is in it',
  membersStatus: 'the status of a member',
  membersCustomProperty: 'custom properties of a member',
  roles: 'roles',
};

/** What happened, in words: what came of it for members, else what changed, else who did it. */
export function headlineOf({ members, cause, changeTypes }: ChangeRow): string {
  if (members.length > 0) return capital(members.map(memberText).join('; '));
  const parts = changeTypes.flatMap((type) => typeTexts[type] ?? []);
  return capital(parts.length > 0 ? `changed ${parts.join(', ')}` : cause.sentence);
}

/** The sentence with the names of the users in it. */
function memberText(member: ChangeRow['members'][number]): string {
  const { xuid, what } = member;
  return what
    .replace(new RegExp(`(^|for )${xuid}\\b`), (_, before: string) => before + nameOf(member))
    .replace(/(?<= went: removed by )\d+\b/, (by) => nameOf({ xuid: by }));
}

/** What the headline leaves out. */
function detailOf(change: ChangeRow): string {
  const { sentence } = change.cause;
  const isSaid = sentence.toLowerCase() === headlineOf(change).toLowerCase();
  return isSaid ? `change types: ${change.changeTypes.join(', ')}` : sentence;
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

const toneOf = ({ cause }: ChangeRow): string => tones[cause.kind] ?? 'grey';

/** Between two changes further apart than this the strip has a gap. */
const gapMs = 60_000;

export function Timeline({
  changes,
  index,
  from,
  isNow,
  isOver,
  onTravel,
}: {
  /** The oldest first. */
  readonly changes: readonly ChangeRow[];
  readonly index: number;
  readonly from: string | undefined;
  readonly isNow: boolean;
  /** The session has ended: there is no now. */
  readonly isOver: boolean;
  readonly onTravel: (step: number) => void;
}) {
  const strip = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = strip.current;
    if (box === null) return;
    if (isNow) box.scrollLeft = box.scrollWidth;
    else
      box.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [changes, index, isNow]);
  const first = changes[0];
  const last = changes.at(-1);
  const fromIndex = changes.findIndex((change) => momentOf(change) === from);
  return (
    <section class="timeline" aria-label="Timeline">
      <button
        type="button"
        class="plain"
        aria-label="One change back"
        title="One change back (←)"
        disabled={index <= 0}
        onClick={() => onTravel(-1)}
      >
        <Icon name="back" />
      </button>
      <div class="strip" ref={strip}>
        {changes.map((change, at) => {
          const before = changes[at - 1];
          const pauseMs = before === undefined ? 0 : change.atMs - before.atMs;
          const isInRange =
            fromIndex >= 0 && at >= Math.min(fromIndex, index) && at <= Math.max(fromIndex, index);
          return (
            <>
              {pauseMs > gapMs && (
                <span key={`gap ${momentOf(change)}`} class="strip-gap faint number">
                  {durationText(pauseMs)}
                </span>
              )}
              <a
                key={momentOf(change)}
                class={`moment ${toneOf(change)}${change.kind === 'ended' ? ' end' : ''}${isInRange ? ' in-range' : ''}${
                  fromIndex === at ? ' from' : ''
                }`}
                href={withQuery({
                  at:
                    at === changes.length - 1 && change.kind !== 'ended'
                      ? undefined
                      : momentOf(change),
                })}
                aria-current={at === index ? 'step' : undefined}
                aria-label={`Change ${numberTextOf(change)}: ${visibleText(headlineOf(change))}`}
                title={`${numberTextOf(change)} · ${clockText(change.atMs, { withMs: true })}\n${visibleText(headlineOf(change))}`}
                onClick={(event) => {
                  if (!event.shiftKey) return;
                  event.preventDefault();
                  go(withQuery({ from: momentOf(change), view: undefined }));
                }}
              >
                <i style={{ height: `${heightOf(change)}%` }} />
              </a>
            </>
          );
        })}
        {changes.length === 0 && <span class="faint">No changes of this session are kept.</span>}
      </div>
      <button
        type="button"
        class="plain"
        aria-label="One change forward"
        title="One change forward (→)"
        disabled={index >= changes.length - 1}
        onClick={() => onTravel(1)}
      >
        <Icon name="forward" />
      </button>
      <span class={isNow && !isOver ? 'now-pill live' : 'now-pill'}>
        {isOver ? (
          'Ended'
        ) : isNow ? (
          <>
            <i class="dot live" /> Now
          </>
        ) : (
          <a href={withQuery({ at: undefined, from: undefined, view: undefined })}>Now</a>
        )}
      </span>
      {first !== undefined && last !== undefined && (
        <p class="timeline-foot faint number">
          <span class="hint">Click: go to that moment. Shift-click: compare from it.</span>
          <span>
            {countedText(changes.length, 'change')}, {clockText(first.atMs)}
            {changes.length > 1 && ` to ${clockText(last.atMs)}`}
          </span>
        </p>
      )}
    </section>
  );
}

/** Changes of more things stand higher. */
function heightOf({ changeTypes, kind }: ChangeRow): number {
  if (kind !== 'changed') return 100;
  return Math.min(100, 40 + changeTypes.length * 20);
}

export function ChangeRows({
  changes,
  index,
  isNow,
}: {
  readonly changes: readonly ChangeRow[];
  readonly index: number;
  readonly isNow: boolean;
}) {
  // Read so that times go on.
  tick.value;
  const now = nowMs();
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (isNow) list.current?.scrollTo({ top: 0 });
    else list.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }, [index, isNow]);
  return (
    <ol class="change-rows" ref={list}>
      {[...changes].reverse().map((change, back) => {
        const at = changes.length - 1 - back;
        return (
          <li key={momentOf(change)}>
            <a
              class="change-row"
              href={withQuery({
                at:
                  at === changes.length - 1 && change.kind !== 'ended'
                    ? undefined
                    : momentOf(change),
              })}
              aria-current={at === index ? 'step' : undefined}
            >
              <span class={`cause ${toneOf(change)}`}>
                <Icon name={icons[change.cause.kind] ?? 'bolt'} size={12} />
              </span>
              <span class="change-text">
                <span>
                  <UserText>{headlineOf(change)}</UserText>
                </span>
                <small class="faint">
                  <UserText>{detailOf(change)}</UserText>
                </small>
              </span>
              <span class="faint right number" title={clockText(change.atMs, { withMs: true })}>
                <span class="mono">{numberTextOf(change)}</span>
                <br />
                {agoText(change.atMs, now)}
              </span>
            </a>
            {change.cause.requestId !== undefined && (
              <a
                class="plain"
                href={requestHref(change.cause.requestId)}
                title="The request that made it"
                aria-label={`The request of change ${numberTextOf(change)}`}
              >
                <Icon name="requests" size={13} />
              </a>
            )}
          </li>
        );
      })}
    </ol>
  );
}
