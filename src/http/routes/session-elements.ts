/**
 * Parts of a session under URIs of their own. A write to one is a session write.
 *
 * @source docs/wire/sessions.md "Element URIs"
 */

import { readSession } from '../../directory/read-session.ts';
import { writeSession } from '../../directory/write-session.ts';
import { formatJson, type JsonObject } from '../../domain/json.ts';
import { Refusal } from '../../domain/refusal.ts';
import { etagOf } from '../../domain/session/etag.ts';
import { isName, nameExpectation } from '../../domain/session/reference.ts';
import { matchesTags, parsePreconditions } from '../../domain/session/precondition.ts';
import {
  parseMemberRequest,
  parsePropertiesRequest,
  parseServerRequest,
  type RequestRules,
  type SessionRequest,
} from '../../domain/session/request.ts';
import { memberOf, type Session } from '../../domain/session/session.ts';
import {
  viewConstants,
  viewMemberAt,
  viewMembers,
  viewProperties,
} from '../../domain/session/view.ts';
import { sessionGone } from '../../domain/session/write.ts';
import { xuidOf } from '../../domain/caller.ts';
import type { Xuid } from '../../domain/ids.ts';
import type { Answer, Route, RouteRequest } from '../route.ts';
import { answerWritten } from '../session-answer.ts';
import { isPreview, referenceOf, sessionPath } from './sessions.ts';
import type { Context } from '../../directory/context.ts';

/** What an element is in a session; undefined when the session has no such element. */
type Find = (session: Session, request: RouteRequest) => JsonObject | undefined;

/** The session write of a write to an element. */
type Abbreviates = (
  request: RouteRequest,
  rules: RequestRules,
) => Partial<SessionRequest> | Refusal;

function getElement(path: string, find: Find): Route {
  return {
    method: 'GET',
    path: `${sessionPath}/${path}`,
    auth: 'mpsd',
    body: 'none',
    async answer(request, context) {
      const session = await readExisting(request, context);
      if (session instanceof Refusal) return session;
      const element = find(session, request);
      if (element === undefined) return { status: 204 };
      const headers = { etag: etagOf(session) };
      const { ifNoneMatch } = parsePreconditions(request.headers);
      if (ifNoneMatch && matchesTags(session, ifNoneMatch)) return { status: 304, headers };
      return { status: 200, headers, body: formatJson(element) };
    },
  };
}

function putElement(path: string, abbreviates: Abbreviates): Route {
  return {
    method: 'PUT',
    path: `${sessionPath}/${path}`,
    auth: 'mpsd',
    body: 'object',
    keepsUnknown: true,
    answer: (request, context) =>
      writeElement(request, context, abbreviates(request, context.settings)),
  };
}

function deleteElement(path: string, find: Find, abbreviates: Abbreviates): Route {
  return {
    method: 'DELETE',
    path: `${sessionPath}/${path}`,
    auth: 'mpsd',
    body: 'none',
    async answer(request, context) {
      const session = await readExisting(request, context);
      if (session instanceof Refusal) return session;
      if (find(session, request) === undefined && !namesOther(request)) return { status: 204 };
      return writeElement(request, context, abbreviates(request, context.settings));
    },
  };
}

async function readExisting(request: RouteRequest, context: Context): Promise<Session | Refusal> {
  const reference = referenceOf(request);
  if (reference instanceof Refusal) return reference;
  return (await readSession(context, reference, request.caller)) ?? sessionGone(reference);
}

async function writeElement(
  request: RouteRequest,
  context: Context,
  part: Partial<SessionRequest> | Refusal,
): Promise<Answer | Refusal> {
  if (part instanceof Refusal) return part;
  const reference = referenceOf(request);
  if (reference instanceof Refusal) return reference;
  const written = await writeSession(
    context,
    {
      reference,
      request: { reservations: [], others: [], servers: [], ...part },
      preconditions: parsePreconditions(request.headers),
      caller: request.caller,
      onlyExisting: true,
    },
    { commit: !isPreview(request), cause: request.cause },
  );
  return written instanceof Refusal ? written : answerWritten(written, request);
}

function findMember(session: Session, index: number | undefined): JsonObject | undefined {
  return index === undefined ? undefined : viewMemberAt(session, index);
}

const findMe: Find = (session, { caller }) =>
  findMember(session, memberOf(session, xuidOf(caller))?.index);

/** The xuid of `members/me_{xuid}`, the name that party clients have for `me`. */
function namedXuidOf({ params }: RouteRequest): Xuid | undefined {
  return /^me_([0-9]{1,20})$/.exec(params['index'] ?? '')?.[1];
}

/** True of `members/me_{xuid}` with the caller's own xuid. */
function namesMe(request: RouteRequest): boolean {
  const xuid = namedXuidOf(request);
  return xuid !== undefined && xuid === xuidOf(request.caller);
}

/**
 * True of `members/me_{xuid}` with another user's xuid: the answer is the same whether that user is
 * a member or not.
 */
function namesOther(request: RouteRequest): boolean {
  return namedXuidOf(request) !== undefined && !namesMe(request);
}

const findByIndex: Find = (session, request) =>
  namesMe(request)
    ? findMe(session, request)
    : findMember(session, indexOf(request.params['index']));

const findServer: Find = ({ servers }, { params }) => {
  const name = params['serverName'] ?? '';
  return Object.hasOwn(servers, name) ? (servers[name] as unknown as JsonObject) : undefined;
};

/** A member index as in documents: no sign, no leading zeros. */
function indexOf(text: string | undefined): number | undefined {
  return text !== undefined && /^(0|[1-9][0-9]{0,8})$/.test(text) ? Number(text) : undefined;
}

const removeMe: Abbreviates = () => ({ me: null });

const removeMember: Abbreviates = (request, rules) => {
  const meXuid = namedXuidOf(request);
  if (meXuid !== undefined) return { ...removeMe(request, rules), meXuid };
  const index = indexOf(request.params['index']);
  return { others: index === undefined ? [] : [{ index, request: null }] };
};

function serverWrite(
  { params }: RouteRequest,
  parse: (name: string) => Partial<SessionRequest> | Refusal,
): Partial<SessionRequest> | Refusal {
  const name = params['serverName'] ?? '';
  const write = parse(name);
  return write instanceof Refusal || isName(name)
    ? write
    : new Refusal(
        'nameInvalid',
        `The name of the server is not valid. Expected ${nameExpectation}.`,
        {
          detail: 'serverName',
        },
      );
}

export const sessionElementRoutes: readonly Route[] = [
  getElement('constants', (session, { contractVersion }) =>
    viewConstants(session, contractVersion),
  ),
  getElement('properties', (session, { contractVersion }) =>
    viewProperties(session, contractVersion),
  ),
  putElement('properties', ({ body }, rules) => parsePropertiesRequest(body, rules)),
  getElement('members', viewMembers),
  getElement('members/me', findMe),
  putElement('members/me', ({ body }, rules) => parseMemberRequest(body, rules)),
  deleteElement('members/me', findMe, removeMe),
  getElement('members/{index}', findByIndex),
  deleteElement('members/{index}', findByIndex, removeMember),
  getElement('servers/{serverName}', findServer),
  putElement('servers/{serverName}', (request, rules) =>
    serverWrite(request, (name) => parseServerRequest(request.body, name, rules)),
  ),
  deleteElement('servers/{serverName}', findServer, (request) =>
    serverWrite(request, (name) => ({ servers: [{ name, request: null }] })),
  ),
];
