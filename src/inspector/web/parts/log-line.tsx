/** A line of the log: a request, or what happened on a connection. */

import type { ActivityRow, CallerRow } from '../../api-types.ts';
import { isNarrow } from '../narrow.ts';
import { nameOf } from '../names.ts';
import { withQuery } from '../route.ts';
import { clockText, tookText } from '../time-text.ts';
import { LongName } from './long-name.tsx';
import { UserText } from './user-text.tsx';

export function whoOf(caller: CallerRow = {}): string {
  const { xuid, gamertag, service = '' } = caller;
  if (xuid === undefined) return service;
  return nameOf({ xuid, ...(gamertag === undefined ? {} : { gamertag }) });
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

/** The height of a line, in pixels: on a phone it has two rows. */
export function logLineHeight(): number {
  return isNarrow.value ? 52 : 30;
}

export function LogHeads() {
  return (
    <div class="log-grid column-heads">
      <span>Time</span>
      <span>Who</span>
      <span>Request</span>
      <span>Answer</span>
      <span class="right">Took</span>
    </div>
  );
}

/** Ends of a connection that are no fault: the client went, the connection was old, the server ends. */
const usualEnds = ['closed', 'old', 'serverEnds'];

export function LogLine({
  row,
  isSelected,
}: {
  readonly row: ActivityRow;
  readonly isSelected: boolean;
}) {
  const time = clockText(row.atMs, { withMs: true });
  const who = whoOf(row.caller);
  if (row.kind === 'rta') {
    const isBad =
      row.what === 'subscribeRefused' ||
      (row.what === 'disconnected' && !usualEnds.includes(row.text));
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
        {row.refusal !== undefined && <span class="refusal-below">{row.refusal.code}</span>}
      </span>
      <span class="log-request" title={row.target}>
        <span class={`method ${row.method.toLowerCase()}`}>{row.method}</span>
        <span class="mono cut">
          <LongName>{path}</LongName>
        </span>
        <span class="faint mono cut">
          <UserText>{query}</UserText>
        </span>
      </span>
      <span class="cut" title={row.refusal?.text}>
        <span class={`status-code ${tone} mono`}>{row.status}</span>
        {row.refusal !== undefined && (
          <span class="refusal-brief">
            <span class="refusal-code">{row.refusal.code}</span>
            <span class="muted">
              <UserText>{row.refusal.text}</UserText>
            </span>
          </span>
        )}
      </span>
      <span class="right faint number">{tookText(row.durationMs)}</span>
    </a>
  );
}
