/** Calls for one user where one call could ask for many, and writes that come faster than advised. */

import type { Milliseconds } from '../time.ts';
import { type Call, callsByUser, endpointOf, groupCalls } from './call.ts';
import { type Finding, findingOf, isFilled } from './finding.ts';

/** Calls within this time of each other could have been one. */
const batchWithinMs = 2_000;
const singlesMin = 3;
const batchedUsersMin = 2;

/** What can be asked for one user, and for many. */
type Batch = {
  readonly service: string;
  /** The call for one: whom it is about, as a key; undefined when it is another call. */
  single(call: Call): string | undefined;
  /** The call for many, in words. */
  readonly call: string;
  /** How many users a call for many names; undefined when it is another call. */
  users(call: Call): number | undefined;
};

const batches: readonly Batch[] = [
  {
    service: 'profile',
    single: userIn(/^\/users\/([^/]+)\/profile\/settings\/?$/i),
    call: 'POST /users/batch/profile/settings',
    users: listIn(/^\/users\/batch\/profile\/settings\/?$/i, 'userIds'),
  },
  {
    service: 'userpresence',
    single: userIn(/^\/users\/([^/]+)\/?$/i),
    call: 'POST /users/batch',
    users: listIn(/^\/users\/batch\/?$/i, 'users'),
  },
  {
    service: 'userstats',
    single: userIn(/^\/users\/([^/]+)\/scids\//i),
    call: 'POST /batch',
    users: listIn(/^\/batch\/?$/i, 'requestedusers'),
  },
  {
    service: 'peoplehub',
    single: userIn(/^\/users\/[^/]+\/people\/xuids\((\d+)\)/i),
    call: 'GET /users/{owner}/people/xuids(1,2)',
    users: () => undefined,
  },
  {
    service: 'privacy',
    single: ({ verb, path, query }) =>
      verb === 'GET' && /^\/users\/[^/]+\/permission\/validate\/?$/i.test(path) ? query : undefined,
    call: 'POST /users/me/permission/validate',
    users: listIn(/^\/users\/[^/]+\/permission\/validate\/?$/i, 'users'),
  },
  {
    service: 'sessiondirectory',
    single: ({ verb, path, query }) =>
      verb === 'GET' && /^\/serviceconfigs\/[^/]+\/(?:.*\/)?sessions\/?$/i.test(path)
        ? /(?:^|&)xuid=(\d+)/i.exec(query)?.[1]
        : undefined,
    call: 'POST /serviceconfigs/{scid}/batch',
    users: listIn(/^\/serviceconfigs\/[^/]+\/(?:.*\/)?batch\/?$/i, 'xuids'),
  },
];

/** Where a user asked for several users one by one, for one by the call for many, or for many in parts. */
export function findUnbatchedCalls(calls: readonly Call[]): readonly Finding[] {
  return callsByUser(calls).flatMap((ofUser) =>
    batches.flatMap((batch) => {
      const ofService = ofUser.filter(({ service }) => service === batch.service);
      return [
        ...singleFindings(ofService, batch),
        ...smallFindings(ofService, batch),
        ...splitFindings(ofService, batch),
      ];
    }),
  );
}

function singleFindings(calls: readonly Call[], batch: Batch): readonly Finding[] {
  const singles = calls.filter((call) => batch.single(call) !== undefined);
  return closeCalls(singles)
    .filter((close) => new Set(close.map((call) => batch.single(call))).size >= singlesMin)
    .map((close) =>
      findingOf(close, {
        rule: 'singles',
        severity: 'warning',
        sentence: `${close.length} calls for one user each, within ${batchWithinMs / 1000} s of each other.`,
        advice: `One call asks for all: ${batch.call}.`,
        windowMs: batchWithinMs,
      }),
    );
}

function smallFindings(calls: readonly Call[], batch: Batch): readonly Finding[] {
  const small = calls.filter((call) => (batch.users(call) ?? batchedUsersMin) < batchedUsersMin);
  return groupCalls(small, endpointOf).flatMap((group) =>
    isFilled(group)
      ? [
          findingOf(group, {
            rule: 'smallBatch',
            severity: 'warning',
            sentence: `${group.length === 1 ? 'A call' : `${group.length} calls`} for many users with fewer than ${batchedUsersMin}.`,
            advice: 'Gather users, and ask for all of them at once.',
            limit: batchedUsersMin,
          }),
        ]
      : [],
  );
}

function splitFindings(calls: readonly Call[], batch: Batch): readonly Finding[] {
  return closeCalls(calls.filter((call) => batch.users(call) !== undefined)).map((close) => {
    const users = close.reduce((sum, call) => sum + (batch.users(call) ?? 0), 0);
    return findingOf(close, {
      rule: 'splitBatch',
      severity: 'warning',
      sentence: `${close.length} calls for ${users} users in all, within ${batchWithinMs / 1000} s of each other.`,
      advice: 'One call could have asked for all of them.',
      windowMs: batchWithinMs,
    });
  });
}

/** Calls, two or more, of which each comes soon after the one before. */
function closeCalls(calls: readonly Call[]): readonly (readonly [Call, ...Call[]])[] {
  const found: [Call, ...Call[]][] = [];
  let last: Call | undefined;
  for (const call of calls) {
    const open = found.at(-1);
    if (open !== undefined && last !== undefined && call.atMs - last.atMs <= batchWithinMs) {
      open.push(call);
    } else found.push([call]);
    last = call;
  }
  return found.filter(({ length }) => length > 1);
}

/** More writes of one session in a second than Microsoft advises for large sessions. */
const sessionWritesPerSecond = 10;

/** Where one session was written more than ten times in a second, by any users. */
export function findSessionWrites(calls: readonly Call[]): readonly Finding[] {
  const isWrite = ({ service, verb }: Call): boolean =>
    service === 'sessiondirectory' && (verb === 'PUT' || verb === 'DELETE' || verb === 'PATCH');
  const sessionOf = ({ path }: Call): string | undefined =>
    /^\/serviceconfigs\/[^/]+\/sessiontemplates\/[^/]+\/sessions\/[^/]+/i
      .exec(path)?.[0]
      .toLowerCase();
  return groupCalls(calls.filter(isWrite), sessionOf).flatMap((writes) => {
    const heaps = writes.filter((_write, at) => isOfHeap(writes, at));
    if (!isFilled(heaps)) return [];
    return [
      findingOf(heaps, {
        rule: 'sessionWrites',
        severity: 'warning',
        sentence: `Session ${nameOf(heaps[0].path)} was written more than ${sessionWritesPerSecond} times within a second.`,
        advice:
          'Write what changes often over the game itself; the session is for what others look for.',
        limit: sessionWritesPerSecond,
        windowMs: secondMs,
      }),
    ];
  });
}

/** True of a write that is one of more than ten within a second. */
function isOfHeap(writes: readonly Call[], at: number): boolean {
  for (let first = Math.max(0, at - sessionWritesPerSecond); first <= at; first += 1) {
    const [begin, end] = [writes[first], writes[first + sessionWritesPerSecond]];
    if (begin !== undefined && end !== undefined && end.atMs - begin.atMs < secondMs) return true;
  }
  return false;
}

/** The template and the name in the path of a session. */
function nameOf(path: string): string {
  const [, , , , template = '', , name = ''] = path.split('/');
  return `${template}/${name}`;
}

const secondMs: Milliseconds = 1_000;

/** The user that a GET is about: the part of the path in parentheses. */
function userIn(path: RegExp): Batch['single'] {
  return (call) => {
    const user = call.verb === 'GET' ? path.exec(call.path)?.[1]?.toLowerCase() : undefined;
    return user === 'me' || user === 'batch' ? undefined : user;
  };
}

/** How long the list `member` of the body is, of POSTs to `path`. */
function listIn(path: RegExp, member: string): Batch['users'] {
  return (call) => {
    if (call.verb !== 'POST' || !path.test(call.path)) return undefined;
    try {
      const body: unknown = JSON.parse(call.body);
      const list = (body as Readonly<Record<string, unknown>> | null)?.[member];
      return Array.isArray(list) ? list.length : undefined;
    } catch {
      return undefined;
    }
  };
}
