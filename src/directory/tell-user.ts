import type { Xuid } from '../domain/ids.ts';
import type { UserMessage } from './bus-message.ts';
import type { Context } from './context.ts';

/**
 * Sends a message to the connections of this user, whichever nodes hold them. Nobody waits for it,
 * and a message that is lost is no outage: clients ask again when they connect.
 */
export function tellUser({ bus, failed }: Context, xuid: Xuid, message: UserMessage): void {
  bus.publish(`user:${xuid}`, message).catch(failed);
}
