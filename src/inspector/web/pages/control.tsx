/** Actions on the server: users, clock, faults, the whole state as a file. */

import { useEffect, useState } from 'preact/hooks';
import { type Json, parseExactJson } from '../../../domain/json.ts';
import type { LoadedState } from '../../api-types.ts';
import { type ActProblem, dropConnection, joinInForm } from '../acting.ts';
import { ApiRefusal, ask, askJson, pathOf, send } from '../api.ts';
import { info, nowMs, onEvent, textOf, tick } from '../live.ts';
import { showNotice } from '../notices.ts';
import { ActingSelect } from '../parts/acting-select.tsx';
import { ProblemText } from '../parts/dialog.tsx';
import { Card, Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { UserLink } from '../parts/user-link.tsx';
import { go, sessionHref } from '../route.ts';
import { countedText, countText, dateText } from '../time-text.ts';
import { useAnswer } from '../use-answer.ts';

/** Does something of the server, and says what came of it under the title for that. */
async function attempt(
  titles: { readonly done?: string; readonly failed: string },
  run: () => Promise<string | undefined>,
): Promise<void> {
  try {
    const text = await run();
    if (text !== undefined) showNotice({ tone: 'good', title: titles.done ?? 'Done', text });
  } catch (error) {
    showNotice({ tone: 'bad', title: titles.failed, text: textOf(error) });
  }
}

export function ControlPage() {
  const server = info.value;
  if (server === undefined) return <div class="page" />;
  if (!server.mayControl) {
    return (
      <div class="page">
        <Head title="Control" />
        <div class="empty">
          <h2>This server is read-only</h2>
          <p class="muted">
            Start it with <code>--control</code> to act as development users, move the clock, cause
            faults, and save and load its state.
          </p>
          <pre class="code">npm start -- --control</pre>
        </div>
      </div>
    );
  }
  return (
    <div class="page">
      <Head title="Control" />
      <div class="session-columns control-page">
        <div class="column-left">
          {server.mayAct && <CreateCard />}
          <ClockCard />
          <StateCard />
        </div>
        <div class="column-right">
          <FaultsCard />
          <ConnectionsCard />
        </div>
      </div>
    </div>
  );
}

function CreateCard() {
  const configs = info.value?.serviceConfigs ?? [];
  const [scid, setScid] = useState(configs[0]?.scid ?? '');
  const templates = configs.find((config) => config.scid === scid)?.templates ?? [];
  const [template, setTemplate] = useState('');
  const [name, setName] = useState(() => `try-${Math.random().toString(36).slice(2, 6)}`);
  const [problem, setProblem] = useState<ActProblem>();
  const chosen = templates.find((one) => one.name === template)?.name ?? templates[0]?.name ?? '';
  return (
    <Card title="Create a session">
      <form
        class="form"
        onSubmit={async (event) => {
          event.preventDefault();
          const session = { scid, template: chosen, name };
          setProblem(undefined);
          const found = await joinInForm(session);
          setProblem(found);
          if (found === undefined) go(sessionHref(session));
        }}
      >
        <ActingSelect />
        {configs.length > 1 && (
          <label>
            <span>Service config</span>
            <select
              class="input mono"
              value={scid}
              onChange={({ currentTarget }) => setScid(currentTarget.value)}
            >
              {configs.map((config) => (
                <option key={config.scid} value={config.scid}>
                  {config.scid}
                </option>
              ))}
            </select>
          </label>
        )}
        <label>
          <span>Template</span>
          <select
            class="input"
            value={chosen}
            onChange={({ currentTarget }) => setTemplate(currentTarget.value)}
          >
            {templates.map((one) => (
              <option key={one.name} value={one.name}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Name</span>
          <input
            class="input mono"
            required
            maxLength={100}
            value={name}
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
        </label>
        {problem !== undefined && <ProblemText problem={problem} />}
        <button type="submit" class="button strong">
          <Icon name="plus" size={13} /> Create and join
        </button>
      </form>
    </Card>
  );
}

const steps: readonly (readonly [string, number])[] = [
  ['1 s', 1_000],
  ['10 s', 10_000],
  ['30 s', 30_000],
  ['1 min', 60_000],
  ['5 min', 300_000],
  ['1 h', 3_600_000],
];

function ClockCard() {
  // Read so that the clock goes on.
  tick.value;
  const isFrozen = info.value?.clock.isFrozen === true;
  const change = (body: object): void => {
    void attempt({ failed: 'The clock was not changed' }, async () => {
      await send('POST', '/control/clock', body);
      return undefined;
    });
  };
  return (
    <Card title="Clock">
      <div class="clock-card">
        <p class={isFrozen ? 'clock-face number frozen' : 'clock-face number'}>
          {dateText(nowMs())}
        </p>
        <p class="muted">
          {isFrozen
            ? 'It stands still. Timeouts wait until it moves.'
            : 'Moving it forward makes timeouts happen now.'}
        </p>
        <div class="buttons">
          <button
            type="button"
            class="button"
            aria-pressed={isFrozen}
            onClick={() => change({ freeze: !isFrozen })}
          >
            <Icon name={isFrozen ? 'play' : 'pause'} size={13} />
            {isFrozen ? 'Resume' : 'Freeze'}
          </button>
          <span class="button-group">
            {steps.map(([text, advanceMs]) => (
              <button key={text} type="button" class="button" onClick={() => change({ advanceMs })}>
                +{text}
              </button>
            ))}
          </span>
        </div>
      </div>
    </Card>
  );
}

/** As the control API names them: docs/control.md. */
type ForcedRefusal = {
  readonly method?: string;
  readonly path: string;
  readonly xuid?: string;
  readonly status: number;
  readonly code?: string;
  readonly times?: number;
};

const anyMethod = 'any';
const methods = [anyMethod, 'GET', 'PUT', 'POST', 'DELETE'] as const;

function FaultsCard() {
  const { answer, reload } = useAnswer<{ refusals: readonly ForcedRefusal[] }>('/control');
  const [method, setMethod] = useState<string>(anyMethod);
  const [path, setPath] = useState('/handles*');
  const [xuid, setXuid] = useState('');
  const [code, setCode] = useState('');
  const [status, setStatus] = useState(503);
  const [times, setTimes] = useState(1);
  const refusals = answer?.refusals ?? [];
  return (
    <Card title="Refuse requests" count={refusals.length}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(
            { done: 'Requests will be refused', failed: 'The refusal was not added' },
            async () => {
              await send('POST', '/control/refusals', {
                path,
                status,
                times,
                ...(method !== anyMethod && { method }),
                ...(xuid !== '' && { xuid }),
                ...(code !== '' && { code }),
              });
              reload();
              return `The next ${times === 1 ? 'request' : `${times} requests`} of ${path} will get ${status}.`;
            },
          );
        }}
      >
        <label>
          <span>Path</span>
          <input
            class="input mono"
            required
            value={path}
            onInput={({ currentTarget }) => setPath(currentTarget.value)}
          />
        </label>
        <div class="form-row">
          <label>
            <span>Method</span>
            <select
              class="input"
              value={method}
              onChange={({ currentTarget }) => setMethod(currentTarget.value)}
            >
              {methods.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </label>
          <label>
            <span>Xuid of the caller</span>
            <input
              class="input mono"
              inputMode="numeric"
              pattern="\d{1,20}"
              placeholder="anybody"
              value={xuid}
              onInput={({ currentTarget }) => setXuid(currentTarget.value)}
            />
          </label>
          <label>
            <span>Status</span>
            <input
              class="input mono"
              type="number"
              min={400}
              max={599}
              value={status}
              onInput={({ currentTarget }) => setStatus(Number(currentTarget.value))}
            />
          </label>
          <label>
            <span>Code</span>
            <input
              class="input mono"
              pattern="\w{1,64}"
              placeholder="none"
              value={code}
              onInput={({ currentTarget }) => setCode(currentTarget.value)}
            />
          </label>
          <label>
            <span>Times</span>
            <input
              class="input mono"
              type="number"
              min={1}
              value={times}
              onInput={({ currentTarget }) => setTimes(Number(currentTarget.value))}
            />
          </label>
        </div>
        <div class="buttons">
          <button type="submit" class="button strong">
            Refuse
          </button>
          {refusals.length > 0 && (
            <button
              type="button"
              class="button"
              onClick={() =>
                void attempt(
                  { done: 'All refusals have ended', failed: 'The refusals have not ended' },
                  async () => {
                    await send('DELETE', '/control/refusals');
                    reload();
                    return 'No more requests are refused.';
                  },
                )
              }
            >
              End all
            </button>
          )}
        </div>
      </form>
      {refusals.length > 0 && (
        <ul class="rows">
          {refusals.map((refusal, at) => (
            <li key={at}>
              <span class="label red">{refusal.status}</span>
              <span class="grow mono cut">
                {refusal.method ?? ''} {refusal.path} {refusal.code ?? ''}
              </span>
              {refusal.xuid !== undefined && <span class="mono">{refusal.xuid}</span>}
              <span class="faint number">{countText(refusal.times ?? 1)}×</span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

type ControlledConnection = {
  readonly id: string;
  readonly xuid: string;
  readonly taps: { readonly delayMs: number; readonly drop: boolean };
};

/** What becomes of the taps of a connection. */
const tapFaults = [
  ['On time', { delayMs: 0, drop: false }],
  ['5 s late', { delayMs: 5_000, drop: false }],
  ['Lost', { delayMs: 0, drop: true }],
] as const;

function ConnectionsCard() {
  const { answer, reload } = useAnswer<{ connections: readonly ControlledConnection[] }>(
    '/control',
  );
  useEffect(
    () =>
      onEvent(({ kind }) => {
        if (kind === 'connection' || kind === 'connectionGone') reload();
      }),
    [reload],
  );
  const connections = answer?.connections ?? [];
  return (
    <Card title="Connections" count={connections.length}>
      {connections.length === 0 && (
        <p class="empty-line faint">No open connections. Their taps can be late or lost here.</p>
      )}
      <ul class="rows connection-faults">
        {connections.map(({ id, xuid, taps }) => (
          <li key={id} class="connection-fault">
            <span class="grow cut">
              <UserLink xuid={xuid} /> <small class="faint mono">{id.slice(-8)}</small>
            </span>
            <span class="switch">
              {tapFaults.map(([text, fault]) => (
                <button
                  key={text}
                  type="button"
                  title={`Taps: ${text}`}
                  aria-pressed={taps.drop === fault.drop && taps.delayMs === fault.delayMs}
                  onClick={() =>
                    void attempt({ failed: 'The taps were not changed' }, async () => {
                      await send('POST', `/control/connections${pathOf(id)}/taps`, fault);
                      reload();
                      return undefined;
                    })
                  }
                >
                  {text}
                </button>
              ))}
            </span>
            <button
              type="button"
              class="button small danger"
              onClick={() => void dropConnection(id)}
            >
              Cut
            </button>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** One line for each place that a refusal names. */
function placeLines(text: string): string {
  return text.replaceAll(/ (?=\$[^ ]*: |And \d+ more\.$)/g, '\n');
}

function StateCard() {
  const save = async (): Promise<undefined> => {
    const answer = await ask('/state');
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await answer.blob());
    link.download = `openmpsd-${dateText(nowMs()).replace(/[ :]/g, '-')}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
    return undefined;
  };
  const load = async (file: File): Promise<string | undefined> => {
    const refuse = (text: string): undefined => {
      const title = `${file.name} is no saved state; nothing was changed`;
      showNotice({ tone: 'bad', title, text });
    };
    const content = await file.text();
    let state: Json;
    try {
      state = parseExactJson(content);
    } catch (error) {
      return refuse(`The file is not JSON: ${textOf(error)}`);
    }
    let loaded: LoadedState;
    try {
      loaded = await askJson<LoadedState>('/state', { method: 'PUT', body: state });
    } catch (error) {
      const isRefused = error instanceof ApiRefusal && error.code === 'requestInvalid';
      if (!isRefused) throw error;
      return refuse(placeLines(error.message));
    }
    return `Loaded: ${countedText(loaded.sessionsCount, 'session')}, ${countedText(loaded.handlesCount, 'handle')}, ${countedText(loaded.recordsCount, 'record')}. Removed: ${countedText(loaded.removedSessionsCount, 'other session')}.`;
  };
  return (
    <Card title="Saved state">
      <div class="form">
        <p class="muted">
          All sessions, handles, people, tickets, activities and bans as one file that you can read
          and change. Loading replaces what is there.
        </p>
        <div class="buttons">
          <button
            type="button"
            class="button"
            onClick={() => void attempt({ failed: 'The state was not saved' }, save)}
          >
            <Icon name="download" size={13} /> Save
          </button>
          <label class="button file-button">
            <Icon name="upload" size={13} /> Load…
            <input
              type="file"
              accept="application/json,.json"
              onChange={({ currentTarget }) => {
                const file = currentTarget.files?.[0];
                currentTarget.value = '';
                if (file !== undefined)
                  void attempt(
                    { done: 'The state is loaded', failed: 'The state was not loaded' },
                    () => load(file),
                  );
              }}
            />
          </label>
        </div>
      </div>
    </Card>
  );
}
