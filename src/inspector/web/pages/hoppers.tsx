/** Hoppers: who waits for a match, why, and which matches were made. */

import { useEffect } from 'preact/hooks';
import type { HopperDetail, HopperList, HopperRow } from '../../api-types.ts';
import { pathOf } from '../api.ts';
import { differenceOf } from '../json-difference.ts';
import { useKeys } from '../keys.ts';
import { info, nowMs, onEvent, tick } from '../live.ts';
import { Card, Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { JsonTree } from '../parts/json-tree.tsx';
import { TicketList } from '../parts/ticket-list.tsx';
import { go, keyHref } from '../route.ts';
import { agoText, countedText, countText, durationText } from '../time-text.ts';
import { useAnswer } from '../use-answer.ts';
import { UserText } from '../parts/user-text.tsx';

const hopperHref = ({ scid, name }: HopperRow): string => `#/hoppers${pathOf(scid, name)}`;

export function HoppersPage({
  scid,
  name,
}: {
  readonly scid: string | undefined;
  readonly name: string | undefined;
}) {
  const { answer, problem, reload } = useAnswer<HopperList>('/hoppers');
  useEffect(
    () =>
      onEvent(({ kind }) => {
        if (kind === 'hopper') reload();
      }),
    [reload],
  );
  const hoppers = answer?.hoppers ?? [];
  const chosen =
    hoppers.find((hopper) => hopper.scid === scid && hopper.name === name) ??
    hoppers.find(({ ticketsCount }) => ticketsCount > 0) ??
    hoppers[0];
  const move = (step: number): void => {
    const at = chosen === undefined ? -1 : hoppers.indexOf(chosen);
    const next = hoppers[Math.max(0, Math.min(hoppers.length - 1, at + step))];
    if (next !== undefined) go(hopperHref(next), { replace: true });
  };
  useKeys({ j: () => move(1), k: () => move(-1) });
  return (
    <div class="page">
      <Head title="Hoppers">
        <span class="faint number">{answer === undefined ? '' : countText(hoppers.length)}</span>
      </Head>
      {problem !== undefined && <p class="problem">{problem}</p>}
      {answer !== undefined && hoppers.length === 0 && (
        <div class="empty">
          <h2>No hoppers</h2>
          <p class="muted">
            No service config of this server has any. They stand under <code>hoppers</code>.
          </p>
        </div>
      )}
      <div class="hopper-cards">
        {hoppers.map((hopper) => (
          <a
            key={`${hopper.scid} ${hopper.name}`}
            class="hopper-card"
            href={hopperHref(hopper)}
            aria-current={hopper === chosen ? 'true' : undefined}
          >
            <b>
              <UserText>{hopper.name}</UserText>
            </b>
            <span class="big number">{countText(hopper.playersCount)}</span>
            <small class="faint number">
              {hopper.ticketsCount === 0
                ? 'nobody waits'
                : `${countedText(hopper.ticketsCount, 'ticket')}, up to ${durationText(nowMs() - (hopper.waitingSinceMs ?? nowMs()))}`}
            </small>
            <small class="faint mono">{hopper.scid.slice(0, 8)}</small>
          </a>
        ))}
      </div>
      {chosen !== undefined && <Hopper key={hopperHref(chosen)} hopper={chosen} />}
    </div>
  );
}

function Hopper({ hopper }: { readonly hopper: HopperRow }) {
  const { answer, problem, reload } = useAnswer<HopperDetail>(
    `/hoppers${pathOf(hopper.scid, hopper.name)}`,
  );
  useEffect(
    () =>
      onEvent((event) => {
        if (event.kind === 'hopper' && event.name === hopper.name) reload();
      }),
    [hopper, reload],
  );
  // Read so that times go on.
  tick.value;
  const now = nowMs();
  if (answer === undefined) return problem === undefined ? null : <p class="problem">{problem}</p>;
  const { tickets, matches } = answer;
  return (
    <div class="session-columns">
      <div class="column-left">
        <Card title={`Tickets in ${hopper.name}`} count={tickets.length}>
          {tickets.length === 0 ? (
            <p class="empty-line faint">No tickets.</p>
          ) : (
            <TicketList tickets={tickets} />
          )}
        </Card>
        <Card title="Matches" count={matches.length}>
          {matches.length === 0 ? (
            <p class="empty-line faint">No match since the inspector was first opened.</p>
          ) : (
            <ul class="rows">
              {matches.map((match) => (
                <li key={`${match.atMs} ${match.tickets.join(' ')}`}>
                  <span class="label violet">
                    <Icon name="bolt" size={11} /> {match.playersCount} players
                  </span>
                  <span class="grow cut">
                    <a class="link mono" href={keyHref(match.key)}>
                      {match.key.split('~').slice(2).join('~')}
                    </a>
                  </span>
                  <span class="faint number">{agoText(match.atMs, now)}</span>
                </li>
              ))}
            </ul>
          )}
        </Card>
      </div>
      <div class="column-right">
        <Card title="Rules">
          <JsonTree node={differenceOf(answer.hopper, answer.hopper)} mode="values" />
        </Card>
        {info.value !== undefined && (
          <p class="foot-note faint">
            Try other rules first: <code>openmpsd simulate-hopper</code>
          </p>
        )}
      </div>
    </div>
  );
}
