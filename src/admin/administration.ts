import {
  type AdminAct,
  noteAdminAct,
  readAdminActs,
  sweepAdminActs,
} from '../directory/admin-acts.ts';
import { Bans } from '../directory/bans.ts';
import type { Context } from '../directory/context.ts';
import { endSession } from '../directory/end-session.ts';
import { expelMember } from '../directory/expel-member.ts';
import { sessionsOfUser } from '../directory/find-user.ts';
import type { SweepStep } from '../directory/sweep.ts';
import { type Ban, bannedRefusal } from '../domain/ban.ts';
import type { Cause } from '../domain/cause.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import type { Refusal } from '../domain/refusal.ts';
import { formatSessionPath, type SessionReference } from '../domain/session/reference.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { OperatedConnections } from './operated-connections.ts';
import {
  answerSurvey,
  askNodes,
  type Survey,
  type SurveyMessage,
  type SurveyResult,
} from './survey.ts';

/** Who acts, and why. */
export type Act = { readonly by: string; readonly reason?: string | undefined };

/** To all nodes: what an operator has done on one of them. */
type AdminMessage =
  | { readonly kind: 'banned'; readonly ban: Ban }
  | { readonly kind: 'unbanned'; readonly xuid: Xuid }
  | { readonly kind: 'disconnected'; readonly xuid: Xuid }
  | { readonly kind: 'dropped'; readonly connection: Guid }
  | SurveyMessage;

const topic = 'admin:all';

/** How often time is applied: each look costs a shared store a command for each partition. */
const sweepMs: Milliseconds = 60_000;

/** Sessions from which one ban removes a user. */
const sessionsMax = 1_000;

/**
 * What operators do to users, on all nodes of a store. Bans hold on every node, whether it has
 * administrators or not.
 *
 * @source docs/admin.md "Bans"
 */
export class Administration implements AsyncDisposable {
  readonly #context: Context;
  readonly #connections: OperatedConnections;
  readonly #bans: Bans;
  #sweptMs: Milliseconds = Number.NEGATIVE_INFINITY;
  #subscription: AsyncDisposable | undefined;

  private constructor(context: Context, connections: OperatedConnections) {
    this.#context = context;
    this.#connections = connections;
    this.#bans = new Bans(context);
  }

  /** Knows all bans, and follows those of other nodes. Throws StoreUnavailable. */
  static async open(context: Context, connections: OperatedConnections): Promise<Administration> {
    const administration = new Administration(context, connections);
    await administration.#start();
    return administration;
  }

  async #start(): Promise<void> {
    // Before the first reading, so that none is missed between.
    this.#subscription = await this.#context.bus.subscribe(topic, {
      message: (message) => this.#apply(message as AdminMessage),
      gap: () => this.#bans.read().catch(this.#context.failed),
    });
    await this.#bans.read();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#subscription?.[Symbol.asyncDispose]();
  }

  /** Reads all bans again: something else than this class has changed them. Throws StoreUnavailable. */
  readBans(): Promise<void> {
    return this.#bans.read();
  }

  /** Nothing unless this user is banned now. Refuses: banned. */
  refusalOf(xuid: Xuid): Refusal | undefined {
    const ban = this.#bans.of(xuid);
    return ban && bannedRefusal(ban);
  }

  banOf(xuid: Xuid): Ban | undefined {
    return this.#bans.of(xuid);
  }

  bans(): readonly Ban[] {
    return this.#bans.list();
  }

  /**
   * Bans a user: from now on every request is refused, connections end, and the user is removed from all
   * sessions, up to 1,000. How many these were.
   *
   * Throws StoreUnavailable; the user may be banned then, and still in some sessions.
   */
  async ban(xuid: Xuid, forMs: Milliseconds, act: Act): Promise<number> {
    const fromMs = this.#context.clock.nowMs();
    const { by, reason } = act;
    const ban = {
      xuid,
      fromMs,
      untilMs: fromMs + forMs,
      by,
      ...(reason !== undefined && { reason }),
    };
    await this.#note(act, { act: 'ban', xuid, untilMs: ban.untilMs });
    await this.#bans.put(ban);
    this.#tell({ kind: 'banned', ban });
    this.#dropAllOf(xuid);
    let count = 0;
    for (const { session } of await sessionsOfUser(this.#context, xuid, sessionsMax)) {
      const expelled = await this.#expel(session.reference, xuid, act);
      if (expelled === true) count += 1;
    }
    return count;
  }

  /** Ends a ban; false when there was none. Throws StoreUnavailable. */
  async unban(xuid: Xuid, act: Act): Promise<boolean> {
    await this.#note(act, { act: 'unban', xuid });
    const wasBanned = await this.#bans.lift(xuid);
    this.#tell({ kind: 'unbanned', xuid });
    return wasBanned;
  }

  /** As expelMember. */
  async kick(reference: SessionReference, xuid: Xuid, act: Act): Promise<boolean | Refusal> {
    await this.#note(act, { act: 'kick', xuid, session: formatSessionPath(reference) });
    return this.#expel(reference, xuid, act);
  }

  #expel(reference: SessionReference, xuid: Xuid, act: Act): Promise<boolean | Refusal> {
    return expelMember(this.#context, reference, xuid, causeOf(act));
  }

  /** As endSession. */
  async end(reference: SessionReference, act: Act): Promise<boolean | Refusal> {
    await this.#note(act, { act: 'end', session: formatSessionPath(reference) });
    return endSession(this.#context, reference, causeOf(act));
  }

  /** Ends all connections of a user, on every node. How many were here. */
  async disconnect(xuid: Xuid, act: Act): Promise<number> {
    await this.#note(act, { act: 'disconnect', xuid });
    const count = this.#dropAllOf(xuid);
    this.#tell({ kind: 'disconnected', xuid });
    return count;
  }

  /** Ends a connection, on whichever node it is. True when it was here. */
  async drop(connection: Guid, act: Act): Promise<boolean> {
    await this.#note(act, { act: 'disconnect', connection });
    if (this.#connections.drop(connection)) return true;
    this.#tell({ kind: 'dropped', connection });
    return false;
  }

  /** The connections of all nodes. Throws StoreUnavailable. */
  survey(survey: Survey): Promise<SurveyResult> {
    return askNodes(this.#context, survey, this.#answer(survey));
  }

  #answer(survey: Survey) {
    return answerSurvey(this.#context.node.id, this.#connections.list(), survey);
  }

  /** Notes that the node is operated. Throws StoreUnavailable. */
  noteOperation(act: 'reload' | 'drain' | 'undrain', by: Act): Promise<void> {
    return this.#note(by, { act });
  }

  /** What administrators have done from a time on, the oldest first. Throws StoreUnavailable. */
  acts(fromMs: Milliseconds, limit: number): Promise<readonly AdminAct[]> {
    return readAdminActs(this.#context, fromMs, limit);
  }

  /** Before it is done: an act that nobody could find is not done. */
  #note({ by, reason }: Act, act: Omit<AdminAct, 'atMs' | 'by' | 'reason'>): Promise<void> {
    const atMs = this.#context.clock.nowMs();
    return noteAdminAct(this.#context, {
      atMs,
      by,
      ...act,
      ...(reason !== undefined && { reason }),
    });
  }

  /** Once a minute: removes bans that are over and old acts, and reads all bans, if a message was missed. */
  async sweep(share: Parameters<SweepStep>[1]): ReturnType<SweepStep> {
    const nowMs = this.#context.clock.nowMs();
    if (nowMs >= this.#sweptMs && nowMs < this.#sweptMs + sweepMs) return 'done';
    const outcomes = [await this.#bans.sweep(share), await sweepAdminActs(this.#context, share)];
    if (outcomes.includes('more')) return 'more';
    this.#sweptMs = nowMs;
    return 'done';
  }

  #apply(message: AdminMessage): void {
    switch (message.kind) {
      case 'banned':
        this.#bans.note(message.ban.xuid, message.ban);
        this.#dropAllOf(message.ban.xuid);
        return;
      case 'unbanned':
        this.#bans.note(message.xuid, undefined);
        return;
      case 'disconnected':
        this.#dropAllOf(message.xuid);
        return;
      case 'dropped':
        this.#connections.drop(message.connection);
        return;
      case 'asked':
        this.#context.bus
          .publish(`admin:${message.id}`, this.#answer(message.survey))
          .catch(this.#context.failed);
        return;
    }
  }

  #dropAllOf(xuid: Xuid): number {
    const own = this.#connections.list().filter((one) => one.xuid === xuid);
    for (const { id } of own) this.#connections.drop(id);
    return own.length;
  }

  #tell(message: AdminMessage): void {
    this.#context.bus.publish(topic, message).catch(this.#context.failed);
  }
}

function causeOf({ by, reason }: Act): Cause {
  return { kind: 'admin', by, ...(reason !== undefined && { reason }) };
}
