import { useState } from 'preact/hooks';
import { actAs, actingUsers, actingXuid } from '../acting.ts';
import { hearName, nameOf } from '../names.ts';
import type { ActingUser } from '../../api-types.ts';
import { DialogForm } from './dialog.tsx';
import { XuidField } from './xuid-field.tsx';
import { visibleText } from '../visible-text.ts';

/** `Ada (1001)`: two users may have the same name. */
function labelOf(user: ActingUser): string {
  const name = nameOf(user);
  return name === user.xuid ? name : `${name} (${user.xuid})`;
}

/** Chooses the user as whom the next action is done, or adds one. */
export function ActingSelect() {
  const [isAdding, setAdding] = useState(false);
  const [gamertag, setGamertag] = useState('');
  const [xuid, setXuid] = useState('');
  return (
    <>
      <label class="acting">
        <span class="faint">as</span>
        <select
          aria-label="Act as"
          value={actingXuid.value}
          onChange={({ currentTarget }) => {
            if (currentTarget.value !== '') {
              actingXuid.value = currentTarget.value;
              return;
            }
            currentTarget.value = actingXuid.value;
            setAdding(true);
          }}
        >
          {actingUsers.value.map((user) => (
            <option key={user.xuid} value={user.xuid}>
              {visibleText(labelOf(user))}
            </option>
          ))}
          <option value="">Another user…</option>
        </select>
      </label>
      {isAdding && (
        <DialogForm
          title="Another development user"
          submit="Act as this user"
          onSubmit={async () => {
            const user = { xuid, ...(gamertag === '' ? {} : { gamertag }) };
            // A name that is given here is the newest one.
            hearName(user, 'request');
            actAs(user);
            return undefined;
          }}
          onClose={() => setAdding(false)}
        >
          <label>
            <span>Gamertag</span>
            <input
              class="input"
              value={gamertag}
              onInput={({ currentTarget }) => setGamertag(currentTarget.value)}
            />
          </label>
          <XuidField value={xuid} onInput={setXuid} />
        </DialogForm>
      )}
    </>
  );
}
