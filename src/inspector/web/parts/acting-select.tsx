import { useState } from 'preact/hooks';
import { actAs, actingUsers, actingXuid, nameOf } from '../acting.ts';
import { Dialog } from './dialog.tsx';
import { XuidField } from './xuid-field.tsx';
import { visibleText } from '../visible-text.ts';

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
              {visibleText(nameOf(user))}
            </option>
          ))}
          <option value="">Another user…</option>
        </select>
      </label>
      {isAdding && (
        <Dialog label="Another development user" onClose={() => setAdding(false)}>
          <form
            class="dialog-form"
            onSubmit={(event) => {
              event.preventDefault();
              setAdding(false);
              actAs({ xuid, ...(gamertag === '' ? {} : { gamertag }) });
            }}
          >
            <h2>Another development user</h2>
            <label>
              <span>Gamertag</span>
              <input
                class="input"
                value={gamertag}
                onInput={({ currentTarget }) => setGamertag(currentTarget.value)}
              />
            </label>
            <XuidField value={xuid} onInput={setXuid} />
            <footer>
              <button type="button" class="button" onClick={() => setAdding(false)}>
                Cancel
              </button>
              <button type="submit" class="button strong">
                Act as this user
              </button>
            </footer>
          </form>
        </Dialog>
      )}
    </>
  );
}
