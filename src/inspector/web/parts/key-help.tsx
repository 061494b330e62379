import { Dialog } from './dialog.tsx';

const groups: readonly {
  readonly name: string;
  readonly keys: readonly (readonly [string, string])[];
}[] = [
  {
    name: 'Everywhere',
    keys: [
      ['Ctrl K', 'find a session, user or page'],
      ['g s', 'sessions'],
      ['g u', 'users'],
      ['g r', 'requests'],
      ['g h', 'hoppers'],
      ['g c', 'certification'],
      ['g x', 'control'],
      ['/', 'search on this page'],
      ['t', 'dark or light'],
      ['?', 'these keys'],
    ],
  },
  {
    name: 'Lists',
    keys: [
      ['j  k', 'next, previous'],
      ['↵', 'open'],
      ['Esc', 'close, back'],
      ['p', 'pause the log'],
      ['r', 'refused requests only'],
    ],
  },
  {
    name: 'A session',
    keys: [
      ['←  →', 'one change back, forward'],
      ['n', 'back to now'],
      ['d', 'document or difference'],
      ['b', 'compare from this moment'],
    ],
  },
];

/** All keys of the page. */
export function KeyHelp({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog label="Keys" onClose={onClose} kind="dialog key-help">
      <h2>Keys</h2>
      <div class="key-groups">
        {groups.map(({ name, keys }) => (
          <section key={name}>
            <h3 class="faint">{name}</h3>
            <dl>
              {keys.map(([key, text]) => (
                <div key={key}>
                  <dt>
                    {key.split(/\s+/).map((one) => (
                      <kbd key={one}>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{text}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
