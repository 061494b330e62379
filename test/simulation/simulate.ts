/**
 * A directory and its users in a context where only the seed decides what happens when: users act at
 * the same time, calls to the store cross, answers get lost, the node crashes, time jumps.
 */

import { queryActivities } from '../../src/directory/query-handles.ts';
import { createHandle } from '../../src/directory/create-handle.ts';
import { readSession } from '../../src/directory/read-session.ts';
import { sweep } from '../../src/directory/sweep.ts';
import type { Context } from '../../src/directory/context.ts';
import { writeSession } from '../../src/directory/write-session.ts';
import type { UserCaller } from '../../src/domain/caller.ts';
import { parseHandleRequest } from '../../src/domain/handle/request.ts';
import { jsonEquals, type JsonObject } from '../../src/domain/json.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import {
  keyOf,
  type SessionKey,
  type SessionReference,
} from '../../src/domain/session/reference.ts';
import { parseSessionRequest } from '../../src/domain/session/request.ts';
import { acceptedMemberOf, type Session } from '../../src/domain/session/session.ts';
import { nextDueMs } from '../../src/domain/session/timeouts.ts';
import { viewSession } from '../../src/domain/session/view.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { StoreUnavailable, type Batch, type Store } from '../../src/store/store.ts';
import { demoScid } from '../../src/testing/demo.ts';
import { manualClock } from '../../src/testing/manual-clock.ts';
import { seededRandom, type Random } from '../../src/platform/seeded-random.ts';
import { sequentialIds } from '../../src/testing/sequential-ids.ts';
import { openTestContexts } from '../../src/testing/test-context.ts';
import { line, Turns, type LineFaults } from './line.ts';

export type Simulation = {
  readonly seed: number;
  readonly users: number;
  readonly steps: number;
  readonly faults: LineFaults & { readonly crashes: number };
};

/** What the store committed for one session, in order; undefined: it was deleted. */
export type Commits = ReadonlyMap<SessionKey, readonly (Session | undefined)[]>;

/** What a caller was answered, and how much had been committed when it asked and when it heard. */
export type Observation = {
  readonly key: SessionKey;
  readonly session: Session | undefined;
  readonly committedBefore: number;
  readonly committedAfter: number;
};

export type History = {
  readonly commits: Commits;
  readonly observations: readonly Observation[];
  /** Activities that were listed: the owner, and the session that was shown as confirming it. */
  readonly listed: readonly { readonly ownerXuid: string; readonly session: Session }[];
  /** Sessions as they are when all is quiet, a while after the last request. */
  readonly quiet: ReadonlyMap<SessionKey, Session | undefined>;
  readonly quietMs: number;
  readonly counts: { readonly requests: number; readonly lost: number; readonly crashes: number };
};

/** One run of a simulation; the same simulation always gives the same history. */
export async function simulate({ seed, users, steps, faults }: Simulation): Promise<History> {
  const random = seededRandom(seed);
  const turns = new Turns(random);
  const clock = manualClock();
  const ids = sequentialIds();
  const commits = new Map<SessionKey, (Session | undefined)[]>();
  const shared = recording(openMemoryStore(), commits);
  const makeContext = await openTestContexts();
  const open = () => {
    const { store, cut } = line(shared, turns, random, faults);
    return { context: makeContext(store, { clock, ids }), cut };
  };

  const observations: Observation[] = [];
  const listed: { ownerXuid: string; session: Session }[] = [];
  const counts = { requests: 0, lost: 0, crashes: 0 };
  const callers = Array.from(
    { length: users },
    (_, n): UserCaller => ({ kind: 'user', xuid: String(n + 1), sandbox: 'RETAIL' }),
  );
  const references = ['deathmatch', 'deathmatch', 'LobbySession', 'blank'].map(
    (templateName, n): SessionReference => ({ scid: demoScid, templateName, name: `session-${n}` }),
  );

  let node = open();
  const act = async ({ context }: { readonly context: Context }): Promise<void> => {
    const caller = random.pick(callers);
    const reference = random.pick(references);
    const key = keyOf(reference);
    const committedBefore = commits.get(key)?.length ?? 0;
    const hear = (session: Session | undefined): void => {
      observations.push({
        key,
        session,
        committedBefore,
        committedAfter: commits.get(key)?.length ?? 0,
      });
    };
    switch (random.below(8)) {
      case 0: {
        const read = await readSession(context, reference, caller);
        if (!(read instanceof Refusal)) hear(read);
        break;
      }
      case 1: {
        const request = parseHandleRequest({
          version: 1,
          type: 'activity',
          sessionRef: { ...reference },
        });
        if (!(request instanceof Refusal)) await createHandle(context, request, caller);
        break;
      }
      case 2: {
        const xuids = callers.map(({ xuid }) => xuid);
        const results = await queryActivities(context, { owners: { xuids } }, caller);
        if (results instanceof Refusal) break;
        listed.push(
          ...results.map(({ handle, session }) => ({ ownerXuid: handle.ownerXuid, session })),
        );
        break;
      }
      default: {
        const request = parseSessionRequest(anyBody(random), 107);
        if (request instanceof Refusal) throw new Error(request.text);
        const written = await writeSession(context, {
          reference,
          request,
          preconditions: {},
          caller,
          onlyExisting: false,
        });
        if (!(written instanceof Refusal)) hear('session' in written ? written.session : undefined);
      }
    }
  };

  for (let step = 0; step < steps; step += 1) {
    if (random.chance(faults.crashes)) {
      node.cut();
      node = open();
      counts.crashes += 1;
    }
    if (random.chance(0.05)) clock.advance(random.below(120_000));
    const doing = random.chance(0.05) ? sweep(node.context) : act(node);
    counts.requests += 1;
    doing.catch((error) => {
      if (!(error instanceof StoreUnavailable)) throw error;
      counts.lost += 1;
    });
    // Several requests are under way at once; now and then all of them come to their end.
    await letGo(turns, random.chance(0.1) ? Number.POSITIVE_INFINITY : random.below(8));
  }
  await letGo(turns, Number.POSITIVE_INFINITY);

  // Quiet: nobody asks, time passes, and only the sweep looks.
  const sweeper = makeContext(shared, { clock, ids });
  for (let minute = 0; minute < 30; minute += 1) {
    clock.advance(60_000);
    while ((await sweep(sweeper)) === 'more');
  }
  while ((await sweep(sweeper)) === 'more');
  const quiet = new Map<SessionKey, Session | undefined>();
  for (const reference of references) {
    const key = keyOf(reference);
    quiet.set(key, (await shared.session(key))?.session);
  }
  return { commits, observations, listed, quiet, quietMs: clock.nowMs(), counts };
}

/** Lets up to `count` waiting calls go on, each with all that follows from it at once. */
async function letGo(turns: Turns, count: number): Promise<void> {
  await settleMicrotasks();
  for (let turn = 0; turn < count && turns.next(); turn += 1) await settleMicrotasks();
}

/** Everything that can go on without a turn has gone on. */
function settleMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function anyBody(random: Random): JsonObject {
  const connection = `22222222-0000-4000-8000-00000000000${random.below(10)}`;
  const active = { active: true, connection };
  return random.pick<JsonObject>([
    { members: { me: { properties: { system: active } } } },
    { members: { me: { properties: { system: active, custom: { score: random.below(100) } } } } },
    { members: { me: { properties: { system: { ready: true } } } } },
    { members: { me: { properties: { system: { active: false, ready: false } } } } },
    { members: { me: null } },
    { members: { reserve_0: { constants: { system: { xuid: String(1 + random.below(9)) } } } } },
    { properties: { custom: { map: random.below(5) } } },
    { properties: { system: { closed: random.chance(0.3) } } },
    {},
  ]);
}

/** A store that keeps in `commits` what it committed, in its order. */
function recording(store: Store, commits: Map<SessionKey, (Session | undefined)[]>): Store {
  return new Proxy(store, {
    get(target, method) {
      if (method !== 'commit') {
        const member = Reflect.get(target, method);
        return typeof member === 'function' ? member.bind(target) : member;
      }
      return async (batch: Batch) => {
        const outcome = await target.commit(batch);
        if (outcome.kind === 'committed' && batch.session) {
          const { key } = batch.session;
          const session = batch.session.kind === 'put' ? batch.session.session : undefined;
          commits.set(key, [...(commits.get(key) ?? []), session]);
        }
        return outcome;
      };
    },
  });
}

/** The first few breaches of guarantees in a history, each with its name and where. */
export function brokenGuarantees(history: History): readonly string[] {
  return [
    ...checkChain(history),
    ...checkNothingTakenBack(history),
    ...checkNoGhosts(history),
    ...checkNothingOverdue(history),
  ].slice(0, 10);
}

/** Chained: numbers rise by one with each visible change, a new life begins at 1, no index is given twice. */
function checkChain({ commits }: History): readonly string[] {
  const broken: string[] = [];
  for (const [key, chain] of commits) {
    let before: Session | undefined;
    let holders = new Map<number, string>();
    for (const [at, session] of chain.entries()) {
      const where = `chained: ${key} commit ${at}`;
      if (session !== undefined && (before === undefined || before.branch !== session.branch)) {
        if (before !== undefined) broken.push(`${where}: a new life over a living one`);
        if (session.changeNumber !== 1)
          broken.push(`${where}: a life begins at ${session.changeNumber}`);
        holders = new Map();
      } else if (session !== undefined && before !== undefined) {
        const rise = session.changeNumber - before.changeNumber;
        const isSeen = !jsonEquals(viewSession(session, 107), viewSession(before, 107));
        if (rise === 0 && isSeen) broken.push(`${where}: a change without a number`);
        if (rise !== 0 && rise !== 1) broken.push(`${where}: the change number rises by ${rise}`);
      }
      for (const { index, xuid } of session?.members ?? []) {
        if ((holders.get(index) ?? xuid) !== xuid)
          broken.push(`${where}: index ${index} is given twice`);
        holders.set(index, xuid);
      }
      before = session;
    }
  }
  return broken;
}

/** Kept: what a caller was answered had been committed by then, and not overtaken before it asked. */
function checkNothingTakenBack({ commits, observations }: History): readonly string[] {
  return observations.flatMap(({ key, session, committedBefore, committedAfter }) => {
    const chain = commits.get(key) ?? [];
    const possible = [
      committedBefore === 0 ? undefined : chain[committedBefore - 1],
      ...chain.slice(committedBefore, committedAfter),
    ];
    const isKnown = possible.some(
      (one) => one?.branch === session?.branch && one?.changeNumber === session?.changeNumber,
    );
    return isKnown
      ? []
      : [
          `kept: ${key} was answered change ${session?.changeNumber}, which is not among the commits`,
        ];
  });
}

/** No ghosts: a user who is listed is in the session that is shown. */
function checkNoGhosts({ listed }: History): readonly string[] {
  return listed
    .filter(({ ownerXuid, session }) => acceptedMemberOf(session, ownerXuid) === undefined)
    .map(
      ({ ownerXuid, session }) =>
        `no ghosts: ${ownerXuid} is listed in ${session.reference.name} without being there`,
    );
}

/** On time: when all is quiet nothing that was due is left. */
function checkNothingOverdue({ quiet, quietMs }: History): readonly string[] {
  return [...quiet].flatMap(([key, session]) => {
    const dueMs = session && nextDueMs(session);
    return dueMs !== undefined && dueMs <= quietMs ? [`on time: ${key} was due at ${dueMs}`] : [];
  });
}
