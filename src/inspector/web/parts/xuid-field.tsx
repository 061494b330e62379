/** The xuid of a user, to be typed; the form around it is not sent with anything else. */
export function XuidField({
  value,
  onInput,
}: {
  readonly value: string;
  readonly onInput: (value: string) => void;
}) {
  return (
    <label>
      <span>Xuid</span>
      <input
        class="input mono"
        inputMode="numeric"
        pattern="\d{1,20}"
        required
        value={value}
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
      />
    </label>
  );
}
