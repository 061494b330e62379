import { useId } from 'preact/hooks';
import type { ActingUser } from '../../api-types.ts';
import { nameOf } from '../names.ts';
import { visibleText } from '../visible-text.ts';

/** The xuid of a user, to be typed or taken from those offered; the form around it is not sent with anything else. */
export function XuidField({
  value,
  onInput,
  offered = [],
}: {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly offered?: readonly ActingUser[];
}) {
  const listId = useId();
  return (
    <label>
      <span>Xuid</span>
      <input
        class="input mono"
        inputMode="numeric"
        pattern="\d{1,20}"
        required
        list={listId}
        value={value}
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
      />
      <datalist id={listId}>
        {offered.map((user) => (
          <option key={user.xuid} value={user.xuid} label={visibleText(nameOf(user))} />
        ))}
      </datalist>
    </label>
  );
}
