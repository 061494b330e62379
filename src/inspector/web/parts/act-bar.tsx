/** What the acting user can do in a session. */

import { useState } from 'preact/hooks';
import { type Json, parseExactJson } from '../../../domain/json.ts';
import type { MemberRow, SessionName } from '../../api-types.ts';
import {
  act,
  actingConnections,
  actingUser,
  dropConnection,
  join,
  sessionTarget,
} from '../acting.ts';
import { invite, setActivity } from '../acting-handles.ts';
import { ActingSelect } from './acting-select.tsx';
import { DialogForm } from './dialog.tsx';
import { Icon } from './icon.tsx';
import { UserText } from './user-text.tsx';
import { XuidField } from './xuid-field.tsx';

type Asked = 'invite' | 'reserve' | 'write';

export function ActBar({
  session,
  members,
}: {
  readonly session: SessionName;
  readonly members: readonly MemberRow[];
}) {
  const [asked, setAsked] = useState<Asked | undefined>(undefined);
  const user = actingUser();
  const member = members.find(({ xuid }) => xuid === user.xuid);
  const isIn = member !== undefined && member.status !== 'reserved';
  const connection = actingConnections.value.get(user.xuid);
  const target = sessionTarget(session);
  const setStatus = (what: 'active' | 'ready' | 'inactive'): Promise<unknown> =>
    act(`become ${what}`, {
      method: 'PUT',
      target,
      body: {
        members: {
          me: {
            properties: { system: what === 'inactive' ? { active: false } : { [what]: true } },
          },
        },
      },
    });
  return (
    <section class="act-bar" aria-label="Act as a development user">
      <ActingSelect />
      {!isIn && (
        <button type="button" class="button small strong" onClick={() => void join(session)}>
          Join
        </button>
      )}
      {isIn &&
        (['active', 'ready', 'inactive'] as const)
          .filter((status) => status !== member.status)
          .map((status) => (
            <button
              key={status}
              type="button"
              class="button small"
              onClick={() => void setStatus(status)}
            >
              {status}
            </button>
          ))}
      <button type="button" class="button small" onClick={() => void setActivity(session)}>
        Set activity
      </button>
      <button type="button" class="button small" onClick={() => setAsked('invite')}>
        Invite…
      </button>
      <button type="button" class="button small" onClick={() => setAsked('reserve')}>
        Reserve…
      </button>
      <button type="button" class="button small" onClick={() => setAsked('write')}>
        Write…
      </button>
      {isIn && (
        <button
          type="button"
          class="button small danger"
          onClick={() =>
            void act('leave', { method: 'PUT', target, body: { members: { me: null } } })
          }
        >
          Leave
        </button>
      )}
      {connection !== undefined && (
        <button
          type="button"
          class="button small danger"
          title={`Cuts connection ${connection} without a close frame`}
          onClick={() => void dropConnection(connection)}
        >
          <Icon name="plug" size={12} /> Cut
        </button>
      )}
      {(asked === 'invite' || asked === 'reserve') && (
        <XuidDialog
          what={asked}
          onClose={() => setAsked(undefined)}
          onDone={(xuid) => {
            setAsked(undefined);
            if (asked === 'invite') void invite(session, xuid);
            else {
              void act(`reserve a seat for ${xuid}`, {
                method: 'PUT',
                target,
                body: { members: { reserve_0: { constants: { system: { xuid } } } } },
              });
            }
          }}
        />
      )}
      {asked === 'write' && (
        <WriteDialog
          onClose={() => setAsked(undefined)}
          onDone={(body) => {
            setAsked(undefined);
            void act('write', { method: 'PUT', target, body });
          }}
        />
      )}
    </section>
  );
}

function XuidDialog({
  what,
  onClose,
  onDone,
}: {
  readonly what: 'invite' | 'reserve';
  readonly onClose: () => void;
  readonly onDone: (xuid: string) => void;
}) {
  const [xuid, setXuid] = useState('');
  const title = what === 'invite' ? 'Invite a user' : 'Reserve a seat for a user';
  return (
    <DialogForm
      title={title}
      submit={what === 'invite' ? 'Invite' : 'Reserve'}
      onSubmit={() => {
        if (/^\d{1,20}$/.test(xuid)) onDone(xuid);
      }}
      onClose={onClose}
    >
      <XuidField value={xuid} onInput={setXuid} />
    </DialogForm>
  );
}

const firstWrite = `{
  "properties": { "custom": { "map": "atoll" } }
}`;

function WriteDialog({
  onClose,
  onDone,
}: {
  readonly onClose: () => void;
  readonly onDone: (body: Json) => void;
}) {
  const [text, setText] = useState(firstWrite);
  const [problem, setProblem] = useState<string>();
  const user = actingUser();
  const write = (): void => {
    try {
      onDone(parseExactJson(text));
    } catch (error) {
      setProblem(`This is not JSON: ${error instanceof Error ? error.message : error}`);
    }
  };
  return (
    <DialogForm
      title="Write to the session"
      heading={
        <>
          Write to the session as <UserText>{user.gamertag ?? user.xuid}</UserText>
        </>
      }
      submit="Write"
      onSubmit={write}
      onClose={onClose}
    >
      <label>
        <span>Body of the PUT</span>
        <textarea
          class="input mono"
          rows={10}
          spellcheck={false}
          value={text}
          aria-invalid={problem !== undefined}
          onInput={({ currentTarget }) => {
            setText(currentTarget.value);
            setProblem(undefined);
          }}
        />
      </label>
      {problem !== undefined && (
        <p class="problem" role="alert">
          <UserText>{problem}</UserText>
        </p>
      )}
    </DialogForm>
  );
}
