/** The frame around every page: navigation, the state of the server, notices, the palette. */

import { signal } from '@preact/signals';
import { useEffect, useErrorBoundary } from 'preact/hooks';
import { needsToken } from './api.ts';
import { useKeys } from './keys.ts';
import { activity, info, link, linkProblem, nowMs, sessionsTotal, tick } from './live.ts';
import { nameOf } from './names.ts';
import { Head } from './parts/head.tsx';
import { Notices } from './parts/notices.tsx';
import { Icon, type IconName } from './parts/icon.tsx';
import { KeyHelp } from './parts/key-help.tsx';
import { Logo } from './parts/logo.tsx';
import { Palette } from './parts/palette.tsx';
import { CertificationPage } from './pages/certification.tsx';
import { ControlPage } from './pages/control.tsx';
import { HoppersPage } from './pages/hoppers.tsx';
import { RequestsPage } from './pages/requests.tsx';
import { SessionPage } from './pages/session.tsx';
import { SessionsPage } from './pages/sessions.tsx';
import { TokenPage } from './pages/token.tsx';
import { UsersPage } from './pages/users.tsx';
import { go, route } from './route.ts';
import { switchTheme } from './theme.ts';
import { clockText, countText, durationText } from './time-text.ts';
import { visibleText } from './visible-text.ts';

type Place = {
  readonly path: string;
  readonly name: string;
  readonly icon: IconName;
  readonly key: string;
};

const places: readonly Place[] = [
  { path: 'sessions', name: 'Sessions', icon: 'sessions', key: 's' },
  { path: 'users', name: 'Users', icon: 'users', key: 'u' },
  { path: 'requests', name: 'Requests', icon: 'requests', key: 'r' },
  { path: 'hoppers', name: 'Hoppers', icon: 'hoppers', key: 'h' },
  { path: 'certification', name: 'Certification', icon: 'certification', key: 'c' },
  { path: 'control', name: 'Control', icon: 'control', key: 'x' },
];

/** What a tab of the browser is called: the session or user that it shows, else its page. */
function titleOf([first = 'sessions', second, third, ...rest]: readonly string[]): string {
  if (first === 'sessions' && rest.length > 0) return visibleText(rest.join('/'));
  if (first === 'users' && second !== undefined) return visibleText(nameOf({ xuid: second }));
  if (first === 'hoppers' && third !== undefined) return visibleText(third);
  return places.find(({ path }) => path === first)?.name ?? 'Not found';
}

const isPaletteOpen = signal(false);
const isHelpOpen = signal(false);

export function Shell() {
  useKeys({
    ...Object.fromEntries(places.map(({ path, key }) => [`g ${key}`, () => go(`#/${path}`)])),
    'mod k': () => {
      isPaletteOpen.value = true;
    },
    t: switchTheme,
    '?': () => {
      isHelpOpen.value = true;
    },
  });
  const { path } = route.value;
  const place = places.find(({ path: name }) => name === (path[0] ?? 'sessions'));
  useEffect(() => {
    document.title = `${titleOf(path)} · OpenMPSD`;
  }, [path]);
  if (needsToken.value) return <TokenPage />;
  return (
    <div class="frame">
      <button
        type="button"
        class="skip-link"
        onClick={() => document.getElementById('content')?.focus()}
      >
        Skip to the content
      </button>
      <aside class="side">
        <a class="brand" href="#/sessions" aria-label="OpenMPSD inspector">
          <Logo />
          <span>
            OpenMPSD
            <small>inspector</small>
          </span>
        </a>
        <button
          type="button"
          class="find-button"
          onClick={() => {
            isPaletteOpen.value = true;
          }}
        >
          <Icon name="search" size={14} />
          <span>Find or go to</span>
          <kbd>Ctrl K</kbd>
        </button>
        <nav aria-label="Pages">
          {places.map(({ path: name, name: text, icon, key }) => (
            <a
              key={name}
              href={`#/${name}`}
              class="place"
              aria-current={name === place?.path ? 'page' : undefined}
              title={`${text} (g ${key})`}
            >
              <Icon name={icon} />
              <span>{text}</span>
              <PlaceCount name={name} />
            </a>
          ))}
        </nav>
        <ServerState />
      </aside>
      <main id="content" tabIndex={-1}>
        {link.value === 'lost' && (
          <p class="banner bad" role="status">
            <Icon name="plug" size={14} />
            {linkProblem.value ?? 'The server does not answer.'} Trying again. The page shows the
            last known state.
          </p>
        )}
        <Guarded key={path[0] === 'users' ? 'users' : path.join('/')} path={path} />
      </main>
      <Notices />
      {isPaletteOpen.value && (
        <Palette
          onClose={() => {
            isPaletteOpen.value = false;
          }}
        />
      )}
      {isHelpOpen.value && (
        <KeyHelp
          onClose={() => {
            isHelpOpen.value = false;
          }}
        />
      )}
    </div>
  );
}

/** A fault of one page is said there, and leaves the others usable. */
function Guarded({ path }: { readonly path: readonly string[] }) {
  const [error, retry] = useErrorBoundary();
  if (error === undefined) return <Page path={path} />;
  return (
    <div class="page">
      <div class="empty">
        <h2>This page has a fault</h2>
        <pre class="code">{error instanceof Error ? error.message : String(error)}</pre>
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      </div>
    </div>
  );
}

function Page({ path }: { readonly path: readonly string[] }) {
  const [first, second, third, ...rest] = path;
  switch (first) {
    case 'users':
      return <UsersPage xuid={second} />;
    case 'requests':
      return <RequestsPage />;
    case 'hoppers':
      return <HoppersPage scid={second} name={third} />;
    case 'certification':
      return <CertificationPage />;
    case 'control':
      return <ControlPage />;
    case 'sessions': {
      const name = rest.join('/');
      if (second === undefined) return <SessionsPage />;
      if (third === undefined || name === '') return <NotFound path={path} />;
      return (
        <SessionPage
          key={`${second} ${third} ${name}`}
          session={{ scid: second, template: third, name }}
        />
      );
    }
    case undefined:
      return <SessionsPage />;
    default:
      return <NotFound path={path} />;
  }
}

/** An address that leads to no page: it may be mistyped, or of another version. */
function NotFound({ path }: { readonly path: readonly string[] }) {
  return (
    <div class="page">
      <Head title="Not found" />
      <div class="empty">
        <h2>The inspector has no page of this address</h2>
        <pre class="code">{visibleText(`#/${path.join('/')}`)}</pre>
        <nav class="buttons" aria-label="Pages that there are">
          {places.map(({ path: name, name: text, icon }) => (
            <a key={name} class="button" href={`#/${name}`}>
              <Icon name={icon} size={13} /> {text}
            </a>
          ))}
        </nav>
      </div>
    </div>
  );
}

function PlaceCount({ name }: { readonly name: string }) {
  if (name === 'sessions' && sessionsTotal.value > 0) {
    return <span class="place-count number">{countText(sessionsTotal.value)}</span>;
  }
  if (name !== 'requests') return null;
  const refused = activity.value.filter(
    (row) => row.kind === 'request' && row.status >= 400,
  ).length;
  if (refused === 0) return null;
  return (
    <span
      class="place-count bad number"
      role="img"
      aria-label={`${countText(refused)} refused`}
      title={`${countText(refused)} refused of the requests in the log`}
    >
      {countText(refused)}
    </span>
  );
}

function ServerState() {
  // Read so that the clock goes on.
  tick.value;
  const server = info.value;
  const now = nowMs();
  const text = { connecting: 'connecting', live: 'live', lost: 'no answer' }[link.value];
  return (
    <div class="server-state">
      <p class="server-link">
        <i class={`dot ${link.value}`} />
        <span>{text}</span>
        {server !== undefined && (
          <a
            class={server.clock.isFrozen ? 'clock frozen number' : 'clock number'}
            href="#/control"
            title="The clock of the server"
          >
            {server.clock.isFrozen && <Icon name="pause" size={11} />}
            {clockText(now)}
          </a>
        )}
      </p>
      {server !== undefined && (
        <p class="server-facts faint">
          <span title={`Node ${server.nodeId}, up ${durationText(now - server.startedMs)}`}>
            {server.store} · {server.auth}
            {server.mayControl ? ' · control' : ''}
          </span>
          <button type="button" class="plain" title="Dark or light (t)" onClick={switchTheme}>
            <Icon name="theme" size={14} />
          </button>
        </p>
      )}
    </div>
  );
}
