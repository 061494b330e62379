/** `openmpsd watch users` and `openmpsd watch <xuid>`: who is here, and what they do. */

import type { Xuid } from '../domain/ids.ts';
import type {
  ActivityRow,
  CallerRow,
  ChangeRow,
  LiveEvent,
  UserDetail,
  UserList,
} from '../inspector/api-types.ts';
import { ChangeNews } from './change-news.ts';
import { formatCount } from './count-text.ts';

/** The inspector's API, as this command asks it. */
export type InspectorApi = {
  readonly url: string;
  /** The body of an answer. */
  readonly ask: (path: string) => Promise<unknown>;
  /** Ends when the server ends the stream. */
  readonly events: () => AsyncIterable<LiveEvent>;
};

/** Users that the list at the beginning has. */
const usersMax = 200;

const indent = ' '.repeat(14);

/** Prints where all users are, or one of them, then what they do. Resolves when the server ends the stream. */
export async function watchUsers(
  subject: 'users' | Xuid,
  { url, ask, events }: InspectorApi,
  print: (line: string) => void,
): Promise<void> {
  const news = new ChangeNews(ask, () => true);
  for await (const event of events()) {
    if (event.kind === 'hello') {
      print(`watching    ${subject} of ${url}`);
      // After the stream has begun: nothing between is missed.
      if (subject === 'users')
        printUsers((await ask(`/users?take=${usersMax}`)) as UserList, print);
      else printUser((await ask(`/users/${subject}`)) as UserDetail, print);
    } else if (event.kind === 'activity') {
      printActivity(event.row, subject, print);
    }
    for (const { key, change } of await news.of(event)) printMembers(key, change, subject, print);
  }
}

function printUsers({ users, totalCount }: UserList, print: (line: string) => void): void {
  if (totalCount === 0) print(`${indent}nobody is here yet`);
  for (const { xuid, gamertag, sessionsCount, connectionsCount, ban } of users) {
    const where = `${formatCount(sessionsCount, 'session')}, ${formatCount(connectionsCount, 'connection')}${ban ? ', banned' : ''}`;
    print(`${indent}${nameOf({ xuid, ...(gamertag !== undefined && { gamertag }) })}  ${where}`);
  }
  if (totalCount > users.length) print(`${indent}and ${totalCount - users.length} more`);
}

function printUser(user: UserDetail, print: (line: string) => void): void {
  const { sessions, connections, activities, invites, tickets } = user;
  print(`${indent}${nameOf(user.row)}`);
  const { ban } = user.row;
  if (ban) print(`${indent}banned until ${new Date(ban.untilMs).toISOString()}`);
  for (const { key, status } of sessions) print(`${indent}in ${key}, ${status}`);
  for (const { id, subscriptions } of connections) {
    print(`${indent}connected by ${id}, ${formatCount(subscriptions.length, 'subscription')}`);
  }
  for (const { session } of activities) print(`${indent}activity: ${session.name}`);
  for (const { session, senderXuid = 'a service' } of invites) {
    print(`${indent}invited to ${session.name} by ${senderXuid}`);
  }
  for (const { hopper, status, id } of tickets)
    print(`${indent}ticket ${id}: ${status} in ${hopper}`);
  const lists = [sessions, connections, activities, invites, tickets];
  if (lists.every(({ length }) => length === 0)) print(`${indent}in no session, not connected`);
}

/** Of all users what happens on connections; of one user the requests too. */
function printActivity(
  row: ActivityRow,
  subject: 'users' | Xuid,
  print: (line: string) => void,
): void {
  const { caller } = row;
  if (caller?.xuid === undefined || (subject !== 'users' && caller.xuid !== subject)) return;
  if (row.kind === 'request') {
    if (subject === 'users') return;
    const refusal = row.refusal ? `  ${row.refusal.code}  ${row.refusal.text}` : '';
    print(`${formatClock(row.atMs)}  ${row.method} ${row.target}  ${row.status}${refusal}`);
    return;
  }
  const what = row.text === row.what ? row.what : `${row.what}  ${row.text}`;
  print(`${formatClock(row.atMs)}  ${nameOf(caller)}  ${what}`);
}

/** Who joined, went or changed status. */
function printMembers(
  key: string,
  { atMs, members, cause }: ChangeRow,
  subject: 'users' | Xuid,
  print: (line: string) => void,
): void {
  for (const { xuid, what } of members) {
    if (subject !== 'users' && xuid !== subject) continue;
    print(`${formatClock(atMs)}  ${what}  ${key}  (${cause.sentence})`);
  }
}

function nameOf({ xuid = '', gamertag }: CallerRow): string {
  return gamertag === undefined ? xuid : `${gamertag} (${xuid})`;
}

/** The time of day in UTC. */
export function formatClock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 23);
}
