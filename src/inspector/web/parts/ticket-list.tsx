import { Fragment } from 'preact';
import type { TicketRow } from '../../api-types.ts';
import { nowMs, tick } from '../live.ts';
import { sessionHref } from '../route.ts';
import { countdownText } from '../time-text.ts';
import { UserLink } from './user-link.tsx';
import { LongName } from './long-name.tsx';
import { UserText } from './user-text.tsx';

/** Match tickets, each with why it still waits. */
export function TicketList({ tickets }: { readonly tickets: readonly TicketRow[] }) {
  // Read so that waiting times go on.
  tick.value;
  const now = nowMs();
  return (
    <ul class="tickets">
      {tickets.map((ticket) => (
        <li key={ticket.id} class="ticket">
          <header>
            {ticket.status === 'searching' && (
              <b class="number wait">{countdownText(now - ticket.sinceMs)}</b>
            )}
            <span class="label">{ticket.status}</span>
            <span class="ticket-users">
              {ticket.xuids.map((xuid) => (
                <UserLink key={xuid} xuid={xuid} />
              ))}
            </span>
            <span class="space" />
            <a
              class="link mono cut"
              href={sessionHref(ticket.target ?? ticket.session)}
              title={ticket.target === undefined ? 'The ticket session' : 'The target session'}
            >
              <LongName>{(ticket.target ?? ticket.session).name}</LongName>
            </a>
          </header>
          {Object.keys(ticket.attributes).length > 0 && (
            <p class="attributes mono">
              {Object.entries(ticket.attributes).map(([name, value]) => (
                <span key={name}>
                  <span class="faint">
                    <UserText>{name}</UserText>
                  </span>{' '}
                  <UserText>{JSON.stringify(value)}</UserText>
                </span>
              ))}
            </p>
          )}
          {ticket.whyNot !== undefined && (
            <div class="why">
              <p>
                <UserText>{ticket.whyNot.text}</UserText>
              </p>
              {ticket.whyNot.keptBy.length > 0 && (
                <p class="kept-by">
                  {ticket.whyNot.keptBy.map(({ rule, tickets: count }) => (
                    <span key={rule} class="label amber">
                      {rule}: {count} other {count === 1 ? 'ticket' : 'tickets'}
                    </span>
                  ))}
                </p>
              )}
              {ticket.whyNot.nearest.map(({ ticketId, xuids, because }) => (
                <p key={ticketId} class="muted" title={`Ticket ${ticketId}`}>
                  Not with{' '}
                  {xuids.map((xuid, index) => (
                    <Fragment key={xuid}>
                      {index > 0 && ', '}
                      <UserLink xuid={xuid} />
                    </Fragment>
                  ))}
                  : <UserText>{because.join('; ')}</UserText>
                </p>
              ))}
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}
