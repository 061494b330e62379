import type { HandleRow } from '../../api-types.ts';
import { info, nowMs, tick } from '../live.ts';
import { sessionHref } from '../route.ts';
import { agoText, countdownText } from '../time-text.ts';
import { joinByHandle } from '../acting-handles.ts';
import { CopyButton } from './copy-button.tsx';
import { LongName } from './long-name.tsx';
import { UserLink } from './user-link.tsx';

const tones = { activity: 'green', invite: 'blue', transfer: 'violet', search: 'amber' } as const;

/** Handles, each with who made it for whom, and for how long. */
export function HandleList({
  handles,
  showsSession = false,
}: {
  readonly handles: readonly HandleRow[];
  readonly showsSession?: boolean;
}) {
  // Read so that times go on.
  tick.value;
  const now = nowMs();
  return (
    <ul class="handles">
      {handles.map((handle) => (
        <li key={handle.id}>
          <span class={`label ${tones[handle.type]}`}>{handle.type}</span>
          <span class="handle-who">
            <span class="handle-facts">
              <span>
                <Who handle={handle} />
              </span>
              {showsSession && (
                <a class="link mono" href={sessionHref(handle.session)}>
                  <LongName>{handle.session.name}</LongName>
                </a>
              )}
            </span>
            <small class="faint mono with-copy">
              <span class="cut" title={handle.id}>
                {handle.id}
              </span>
              <CopyButton text={handle.id} label="Copy the handle id" />
            </small>
          </span>
          <span class="right faint number">
            {handle.expiresMs === undefined
              ? agoText(handle.createdMs, now)
              : `ends in ${countdownText(handle.expiresMs - now)}`}
          </span>
          {info.value?.mayAct === true && (
            <span class="row-actions">
              {handle.type !== 'transfer' && (
                <button
                  type="button"
                  class="button small"
                  onClick={() => void joinByHandle(handle)}
                >
                  {handle.type === 'invite' ? 'Accept' : 'Join'}
                </button>
              )}
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

function Who({ handle }: { readonly handle: HandleRow }) {
  const { ownerXuid, senderXuid, invitedXuid } = handle;
  if (invitedXuid !== undefined) {
    return (
      <>
        {senderXuid === undefined ? (
          'An invite for'
        ) : (
          <>
            <UserLink xuid={senderXuid} /> invites
          </>
        )}{' '}
        <UserLink xuid={invitedXuid} />
      </>
    );
  }
  return ownerXuid === undefined ? (
    <span class="muted">of the session</span>
  ) : (
    <UserLink xuid={ownerXuid} />
  );
}
