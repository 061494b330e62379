import { nameOf } from '../names.ts';
import { userHref } from '../route.ts';
import { UserText } from './user-text.tsx';

/** A user by name, where one is known. */
export function UserLink({ xuid }: { readonly xuid: string }) {
  const name = nameOf({ xuid });
  return (
    <a
      class={name === xuid ? 'strong-link mono' : 'strong-link'}
      href={userHref(xuid)}
      title={xuid}
    >
      <UserText>{name}</UserText>
    </a>
  );
}
