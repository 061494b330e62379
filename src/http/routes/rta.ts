import type { Nonces } from '../../auth/nonces.ts';
import { formatJson } from '../../domain/json.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Route } from '../route.ts';

/**
 * The routes of RTA beside the socket: nonces, and an answer for clients that read the socket's
 * path.
 *
 * @source docs/wire/rta.md "Life of a connection"
 */
export function rtaRoutes(nonces: Nonces): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/nonce',
      auth: 'token',
      body: 'none',
      async answer({ caller }, { clock, ids }) {
        const nonce = nonces.issue(caller, clock.nowMs(), ids.guid());
        return { status: 200, body: formatJson({ nonce }) };
      },
    },
    {
      method: 'GET',
      path: '/connect',
      auth: 'token',
      body: 'none',
      async answer() {
        return {
          refusal: new Refusal(
            'upgradeRequired',
            'This is a WebSocket; send "Connection: Upgrade" and "Upgrade: websocket".',
          ),
          headers: { Upgrade: 'websocket', Connection: 'Upgrade' },
        };
      },
    },
    // The real service sends notifications to endpoints; here they go to all subscriptions, so
    // nothing is stored.
    {
      method: 'POST',
      path: '/system/notifications/endpoints',
      auth: 'token',
      body: 'object',
      onlyReads: true,
      async answer(_request, { ids }) {
        return { status: 200, body: formatJson({ endpointId: ids.guid() }) };
      },
    },
    {
      method: 'DELETE',
      path: '/system/notifications/endpoints/{endpointId}',
      auth: 'token',
      body: 'none',
      onlyReads: true,
      async answer() {
        return { status: 204 };
      },
    },
  ];
}
