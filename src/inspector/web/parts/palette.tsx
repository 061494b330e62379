/** Ctrl K: goes to a page, a session or a user by a part of its name. */

import { useMemo, useRef, useState } from 'preact/hooks';
import type { UserList } from '../../api-types.ts';
import { sessions } from '../live.ts';
import { nameOf } from '../names.ts';
import { go, sessionHref, userHref } from '../route.ts';
import { switchTheme } from '../theme.ts';
import { useAnswer } from '../use-answer.ts';
import { Dialog } from './dialog.tsx';
import { Icon, type IconName } from './icon.tsx';
import { LongName } from './long-name.tsx';
import { UserText } from './user-text.tsx';

type Choice = {
  readonly id: string;
  readonly icon: IconName;
  readonly name: string;
  readonly more: string;
  readonly run: () => void;
};

const pages: readonly Choice[] = (
  [
    ['sessions', 'Sessions', 'sessions'],
    ['users', 'Users', 'users'],
    ['requests', 'Requests', 'requests'],
    ['hoppers', 'Hoppers', 'hoppers'],
    ['certification', 'Certification', 'certification'],
    ['control', 'Control', 'control'],
  ] as const
).map(([path, name, icon]) => ({
  id: `page ${path}`,
  icon,
  name,
  more: 'page',
  run: () => go(`#/${path}`),
}));

const choicesMax = 12;

export function Palette({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const { answer: users, problem } = useAnswer<UserList>('/users?take=500');
  const choices = useMemo(() => choicesOf(text.trim().toLowerCase(), users), [text, users]);
  const chosen = Math.min(at, choices.length - 1);
  const run = (choice: Choice | undefined): void => {
    if (choice === undefined) return;
    onClose();
    choice.run();
  };
  return (
    <Dialog label="Find or go to" onClose={onClose} kind="dialog palette">
      <label class="palette-text">
        <Icon name="search" />
        <input
          type="text"
          aria-label="Find a session, user or page"
          placeholder="A session, gamertag, xuid or page"
          value={text}
          autofocus
          onInput={({ currentTarget }) => {
            setText(currentTarget.value);
            setAt(0);
          }}
          onKeyDown={(event) => {
            const step = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
            if (step !== 0) {
              event.preventDefault();
              const next = Math.max(0, Math.min(choices.length - 1, chosen + step));
              setAt(next);
              list.current?.children[next]?.scrollIntoView({ block: 'nearest' });
            }
            if (event.key === 'Enter') run(choices[chosen]);
          }}
        />
        <kbd>Esc</kbd>
      </label>
      {problem !== undefined && <p class="problem empty-line">{problem}</p>}
      <ul ref={list}>
        {choices.map((choice, index) => (
          <li key={choice.id}>
            <button
              type="button"
              class={index === chosen ? 'chosen' : ''}
              onMouseMove={() => setAt(index)}
              onClick={() => run(choice)}
            >
              <Icon name={choice.icon} size={14} />
              <span class="cut">
                <LongName>{choice.name}</LongName>
              </span>
              <span class="faint cut">
                <UserText>{choice.more}</UserText>
              </span>
            </button>
          </li>
        ))}
        {choices.length === 0 && <li class="empty-line">Nothing has that name.</li>}
      </ul>
    </Dialog>
  );
}

function choicesOf(text: string, users: UserList | undefined): readonly Choice[] {
  const found: Choice[] = pages.filter(({ name }) => name.toLowerCase().includes(text));
  if (text === '') {
    found.push({
      id: 'theme',
      icon: 'theme',
      name: 'Dark or light',
      more: 'switch',
      run: switchTheme,
    });
  }
  for (const row of users?.users ?? []) {
    if (found.length >= choicesMax || text === '') break;
    if (!row.xuid.includes(text) && !nameOf(row).toLowerCase().includes(text)) continue;
    found.push({
      id: `user ${row.xuid}`,
      icon: 'users',
      name: nameOf(row),
      more: row.xuid,
      run: () => go(userHref(row.xuid)),
    });
  }
  for (const row of sessions.values()) {
    if (found.length >= choicesMax) break;
    const isFound =
      row.name.toLowerCase().includes(text) ||
      row.people.some((person) => nameOf(person).toLowerCase().includes(text));
    if (!isFound) continue;
    found.push({
      id: `session ${row.key}`,
      icon: 'sessions',
      name: row.name,
      more: `${row.template} · ${row.members.total} of ${row.members.max}`,
      run: () => go(sessionHref(row)),
    });
  }
  return found;
}
