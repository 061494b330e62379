/** What the acting user can do in a session. */

import { useState } from 'preact/hooks';
import { type Json, parseExactJson } from '../../../domain/json.ts';
import type { MemberRow, SessionName } from '../../api-types.ts';
import {
  type ActProblem,
  act,
  actInForm,
  actingConnections,
  actingUser,
  actingUsers,
  actingXuid,
  dropConnection,
  join,
  sessionTarget,
} from '../acting.ts';
import { invite, setActivity } from '../acting-handles.ts';
import { nameOf } from '../names.ts';
import { ActingSelect } from './acting-select.tsx';
import { DialogForm } from './dialog.tsx';
import { Icon } from './icon.tsx';
import { UserText } from './user-text.tsx';
import { XuidField } from './xuid-field.tsx';

type Status = 'active' | 'ready' | 'inactive';

const statuses: readonly Status[] = ['active', 'ready', 'inactive'];

const statusNames: Readonly<Record<Status, string>> = {
  active: 'Active',
  ready: 'Ready',
  inactive: 'Inactive',
};

type DialogName = 'invite' | 'reserve' | 'write';

export function ActBar({
  session,
  members,
}: {
  readonly session: SessionName;
  readonly members: readonly MemberRow[];
}) {
  const [asked, setAsked] = useState<DialogName | undefined>(undefined);
  const user = actingUser();
  const member = members.find(({ xuid }) => xuid === user.xuid);
  const isIn = member !== undefined && member.status !== 'reserved';
  const connection = actingConnections.value.get(user.xuid);
  const target = sessionTarget(session);
  const setStatus = (what: Status): Promise<unknown> =>
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
        statuses
          .filter((status) => status !== member.status)
          .map((status) => (
            <button
              key={status}
              type="button"
              class="button small"
              onClick={() => void setStatus(status)}
            >
              {statusNames[status]}
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
          onSubmit={(xuid) =>
            asked === 'invite'
              ? invite(session, xuid)
              : actInForm(`reserve a seat for ${nameOf({ xuid })}`, {
                  method: 'PUT',
                  target,
                  body: { members: { reserve_0: { constants: { system: { xuid } } } } },
                })
          }
        />
      )}
      {asked === 'write' && (
        <WriteDialog
          onClose={() => setAsked(undefined)}
          onSubmit={(body) => actInForm('write', { method: 'PUT', target, body })}
        />
      )}
    </section>
  );
}

function XuidDialog({
  what,
  onClose,
  onSubmit,
}: {
  readonly what: 'invite' | 'reserve';
  readonly onClose: () => void;
  readonly onSubmit: (xuid: string) => Promise<ActProblem | undefined>;
}) {
  const [xuid, setXuid] = useState('');
  const title = what === 'invite' ? 'Invite a user' : 'Reserve a seat for a user';
  return (
    <DialogForm
      title={title}
      submit={what === 'invite' ? 'Invite' : 'Reserve'}
      onSubmit={() => onSubmit(xuid)}
      onClose={onClose}
    >
      <XuidField
        value={xuid}
        onInput={setXuid}
        offered={actingUsers.value.filter((user) => user.xuid !== actingXuid.value)}
      />
    </DialogForm>
  );
}

/** Bodies to begin with. */
const examples: readonly (readonly [name: string, body: Json])[] = [
  ['Custom property', { properties: { custom: { map: 'atoll' } } }],
  ['Own property', { members: { me: { properties: { custom: { team: 'red' } } } } }],
  ['Keywords', { properties: { system: { keywords: ['relaxed'] } } }],
  ['Close it', { properties: { system: { closed: true } } }],
];

const formatBody = (body: Json): string => JSON.stringify(body, undefined, 2);

/** What is wrong with a body while it is typed; undefined: it can be sent. */
function bodyProblem(text: string): string | undefined {
  if (text.trim() === '') return 'The body is empty.';
  try {
    parseExactJson(text);
    return undefined;
  } catch (error) {
    return `This is not JSON: ${error instanceof Error ? error.message : error}`;
  }
}

function WriteDialog({
  onClose,
  onSubmit,
}: {
  readonly onClose: () => void;
  readonly onSubmit: (body: Json) => Promise<ActProblem | undefined>;
}) {
  const [text, setText] = useState(() => formatBody(examples[0]?.[1] ?? {}));
  const problem = bodyProblem(text);
  return (
    <DialogForm
      title="Write to the session"
      heading={
        <>
          Write to the session as <UserText>{nameOf(actingUser())}</UserText>
        </>
      }
      kind="dialog write-dialog"
      submit="Write"
      canSubmit={problem === undefined}
      onSubmit={() => onSubmit(parseExactJson(text))}
      onClose={onClose}
    >
      <div class="examples">
        <span class="faint">Examples</span>
        {examples.map(([name, body]) => (
          <button
            key={name}
            type="button"
            class="button small"
            onClick={() => setText(formatBody(body))}
          >
            {name}
          </button>
        ))}
      </div>
      <label>
        <span>Body of the PUT</span>
        <textarea
          class="input mono"
          rows={10}
          spellcheck={false}
          autofocus
          value={text}
          aria-invalid={problem !== undefined}
          aria-describedby="body-check"
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <p id="body-check" class={problem === undefined ? 'body-check good' : 'body-check bad'}>
        <Icon name={problem === undefined ? 'check' : 'alert'} size={13} />
        <UserText>{problem ?? 'This is JSON.'}</UserText>
        {problem === undefined && (
          <span class="faint">
            <kbd>Ctrl ↵</kbd> writes it
          </span>
        )}
      </p>
    </DialogForm>
  );
}
