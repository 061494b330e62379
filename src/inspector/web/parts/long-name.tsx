import { splitName } from '../middle-cut.ts';
import { visibleText } from '../visible-text.ts';

/** A name, such as that of a session: where it has too little room, its middle is left out, and its end stays. */
export function LongName({ children }: { readonly children: string }) {
  const name = visibleText(children);
  const { head, tail } = splitName(name);
  return (
    <bdi class="middle-cut" title={name}>
      <span class="cut">{head}</span>
      {tail !== '' && <span>{tail}</span>}
    </bdi>
  );
}
