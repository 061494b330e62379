/**
 * SmartMatch: tickets and hoppers.
 *
 * @source docs/wire/matchmaking.md "Tickets"
 */

import { formatJson } from '../../domain/json.ts';
import { parseTicketRequest } from '../../domain/matchmaking/ticket-request.ts';
import { viewStatistics, viewTicket } from '../../domain/matchmaking/ticket-view.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Matchmaker } from '../../matchmaking/matchmaker.ts';
import type { Answer, Route, RouteRequest } from '../route.ts';

const hopperPath = '/serviceconfigs/{scid}/hoppers/{hopper}';
const ticketPath = `${hopperPath}/tickets/{ticketId}`;

/** Clients of SmartMatch send 103. */
const contractVersionMin = 103;

type MatchmakingAnswer = (request: RouteRequest, path: Path) => Promise<Answer | Refusal>;

type Path = { readonly scid: string; readonly hopper: string; readonly ticketId: string };

function route(
  method: Route['method'],
  path: string,
  body: Route['body'],
  answer: MatchmakingAnswer,
): Route {
  return {
    method,
    path,
    auth: 'mpsd',
    contractVersionMin,
    body,
    answer(request) {
      const { scid = '', hopper = '', ticketId = '' } = request.params;
      return answer(request, { scid, hopper, ticketId });
    },
  };
}

/** The routes of the matchmaking service. */
export function matchmakingRoutes(matchmaker: Matchmaker): readonly Route[] {
  const readStatistics: MatchmakingAnswer = async ({ caller }, path) => {
    const found = await matchmaker.readStatistics(path, caller);
    if (found instanceof Refusal) return found;
    return { status: 200, body: formatJson(viewStatistics(found.name, found)) };
  };
  return [
    route('POST', hopperPath, 'object', async ({ body, caller }, path) => {
      // Of a wrong path, what is wrong in the body says nothing.
      const refusal = matchmaker.refusalOfHopper(path, caller);
      if (refusal !== undefined) return refusal;
      const request = parseTicketRequest(body, path);
      if (request instanceof Refusal) return request;
      const made = await matchmaker.createTicket(path, request, caller);
      if (made instanceof Refusal) return made;
      const { ticketId, waitSeconds } = made;
      return { status: 200, body: formatJson({ ticketId, waitTime: waitSeconds }) };
    }),
    route('GET', hopperPath, 'none', readStatistics),
    route('GET', `${hopperPath}/stats`, 'none', readStatistics),
    route('GET', ticketPath, 'none', async ({ caller }, path) => {
      const found = await matchmaker.readTicket(path, caller);
      if (found instanceof Refusal) return found;
      return { status: 200, body: formatJson(viewTicket(found.ticket, found.whyNot)) };
    }),
    route('DELETE', ticketPath, 'none', async ({ caller }, path) => {
      return (await matchmaker.deleteTicket(path, caller)) ?? { status: 204 };
    }),
  ];
}
