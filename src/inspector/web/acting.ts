/** Acting as development users: who acts, and the requests that the buttons of the page make. */

import { effect, signal } from '@preact/signals';
import type {
  ActAnswer,
  ActingConnection,
  ActingUser,
  ActRequest,
  SessionName,
} from '../api-types.ts';
import type { Json } from '../../domain/json.ts';
import { askJson, pathOf, send } from './api.ts';
import { showNotice } from './notices.ts';
import { onEvent, textOf } from './live.ts';
import { nameOf } from './names.ts';

const key = 'openmpsd.actingUsers';

/** Users to begin with; anybody can be added. */
const firstUsers: readonly ActingUser[] = [
  { xuid: '1001', gamertag: 'Ada' },
  { xuid: '3210', gamertag: 'Ben' },
  { xuid: '77', gamertag: 'Cleo' },
];

function storedUsers(): readonly ActingUser[] {
  try {
    const users: unknown = JSON.parse(localStorage.getItem(key) ?? 'null');
    if (!Array.isArray(users) || users.length === 0) return firstUsers;
    const known = users.filter(
      (user): user is ActingUser => typeof user?.xuid === 'string' && user.xuid !== '',
    );
    return known.length === 0 ? firstUsers : known;
  } catch {
    return firstUsers;
  }
}

export const actingUsers = signal<readonly ActingUser[]>(storedUsers());
export const actingXuid = signal(actingUsers.value[0]?.xuid ?? '1001');

effect(() => localStorage.setItem(key, JSON.stringify(actingUsers.value)));

/** The user as whom the next action is done, by the name that it has: to act renames nobody. */
export function actingUser(): ActingUser {
  const xuid = actingXuid.value;
  return named(actingUsers.value.find((user) => user.xuid === xuid) ?? { xuid });
}

function named(user: ActingUser): ActingUser {
  const name = nameOf(user);
  return name === user.xuid ? user : { ...user, gamertag: name };
}

/** Acts as this user from now on, and offers it next time. */
export function actAs(user: ActingUser): void {
  const others = actingUsers.value.filter(({ xuid }) => xuid !== user.xuid);
  const known = actingUsers.value.find(({ xuid }) => xuid === user.xuid);
  actingUsers.value = [...others, { ...known, ...user }].slice(-12);
  actingXuid.value = user.xuid;
}

/** Why something was not done, and the request that was refused, if one was. */
export type ActProblem = { readonly text: string; readonly requestId?: string };

type ActOutcome = { readonly answer?: ActAnswer; readonly problem?: ActProblem };

async function ask(request: Omit<ActRequest, 'as'>, as: ActingUser): Promise<ActOutcome> {
  try {
    const answer = await askJson<ActAnswer>('/act', { method: 'POST', body: { as, ...request } });
    return answer.status < 400 ? { answer } : { answer, problem: problemOf(answer) };
  } catch (error) {
    return { problem: { text: textOf(error) } };
  }
}

function problemOf({ status, headers, body, requestId }: ActAnswer): ActProblem {
  const code = Object.entries(headers).find(
    ([name]) => name.toLowerCase() === 'x-mpsd-refusal',
  )?.[1];
  return {
    text: `${status}${code === undefined ? '' : ` ${code}`}: ${firstLine(body)}`,
    requestId,
  };
}

function noticeDone(what: string, { method }: Omit<ActRequest, 'as'>, as: ActingUser, status = 0) {
  const title = `${nameOf(as)} · ${what}`;
  showNotice({ tone: 'good', title, text: `${method} answered ${status}.` });
}

/**
 * Makes a request as the acting user and says in a notice what came of it. Comes back with the answer,
 * refused or not; undefined when the inspector itself refused.
 */
export async function act(
  what: string,
  request: Omit<ActRequest, 'as'>,
  as: ActingUser = actingUser(),
): Promise<ActAnswer | undefined> {
  const { answer, problem } = await ask(request, as);
  if (problem === undefined) noticeDone(what, request, as, answer?.status);
  else showNotice({ tone: 'bad', title: `${nameOf(as)} · ${what}`, ...problem });
  return answer;
}

/** The same for a form, which stays and says itself what comes back: why it was not done. */
export async function actInForm(
  what: string,
  request: Omit<ActRequest, 'as'>,
  as: ActingUser = actingUser(),
): Promise<ActProblem | undefined> {
  const { answer, problem } = await ask(request, as);
  if (problem === undefined) noticeDone(what, request, as, answer?.status);
  return problem;
}

/** A body that is a document says nothing in one line. */
function firstLine(body: string): string {
  return body.startsWith('{') ? 'the answer is the document as it is now.' : body.slice(0, 300);
}

/** Connections that this page has opened, by xuid. */
export const actingConnections = signal<ReadonlyMap<string, string>>(new Map());

onEvent((event) => {
  if (event.kind === 'connectionGone') forgetConnection(event.id);
});

/** The id of an RTA connection of the user; opens one when there is none. */
export async function connectionOf(as: ActingUser): Promise<string | undefined> {
  const known = actingConnections.value.get(as.xuid);
  if (known !== undefined) return known;
  try {
    const { id } = await askJson<ActingConnection>('/act/connections', {
      method: 'POST',
      body: { as },
    });
    actingConnections.value = new Map([...actingConnections.value, [as.xuid, id]]);
    return id;
  } catch (error) {
    showNotice({ tone: 'bad', title: `${nameOf(as)} · connect`, text: textOf(error) });
    return undefined;
  }
}

function forgetConnection(id: string): void {
  const left = [...actingConnections.value].filter(([, known]) => known !== id);
  if (left.length !== actingConnections.value.size) actingConnections.value = new Map(left);
}

/** Ends a connection without a close frame, as a cut cable does. */
export async function dropConnection(id: string): Promise<void> {
  try {
    await send('POST', `/control/connections${pathOf(id)}/drop`);
    forgetConnection(id);
    showNotice({ tone: 'good', title: 'Connection cut', text: 'Without a close frame.' });
  } catch (error) {
    showNotice({ tone: 'bad', title: 'Connection not cut', text: textOf(error) });
  }
}

export function sessionTarget({ scid, template, name }: SessionName): string {
  return `/serviceconfigs${pathOf(scid)}/sessionTemplates${pathOf(template)}/sessions${pathOf(name)}`;
}

export const referenceOf = ({ scid, template, name }: SessionName) => ({
  scid,
  templateName: template,
  name,
});

/** Joins with a connection of its own and asks for taps, as game clients do. */
export async function join(session: SessionName, as: ActingUser = actingUser()): Promise<void> {
  await act('join', await joinRequest(session, as), as);
}

/** The same for a form. */
export async function joinInForm(session: SessionName): Promise<ActProblem | undefined> {
  const as = actingUser();
  return actInForm('join', await joinRequest(session, as), as);
}

async function joinRequest(session: SessionName, as: ActingUser): Promise<Omit<ActRequest, 'as'>> {
  const connection = await connectionOf(as);
  return {
    method: 'PUT',
    target: sessionTarget(session),
    body: joinBody(as.xuid, connection),
  };
}

/** The body that joins as this user, with this connection and taps by it if there is one. */
export function joinBody(xuid: string, connection: string | undefined): Json {
  const live =
    connection === undefined
      ? {}
      : { connection, subscription: { id: crypto.randomUUID(), changeTypes: ['everything'] } };
  return {
    members: {
      me: {
        constants: { system: { xuid } },
        properties: { system: { active: true, ...live } },
      },
    },
  };
}
