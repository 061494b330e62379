import { visibleText } from '../visible-text.ts';

/** Text that users chose: its direction changes nothing around it, and nothing of it is invisible. */
export function UserText({ children }: { readonly children: string }) {
  return <bdi>{visibleText(children)}</bdi>;
}
