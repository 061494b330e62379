/**
 * What `POST /handles` and `POST /handles/query` ask for.
 *
 * @source docs/wire/handles.md "POST /handles", docs/wire/handles.md "POST /handles/query"
 */

import * as v from 'valibot';
import { isGuid, isTitleId, isXuid, type Guid, type Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { exactObject, integer, list, parseShape, text, word } from '../shape.ts';
import { dropUnknown, type KnownPart } from '../unknown-members.ts';
import { isName, nameExpectation, type SessionReference } from '../session/reference.ts';
import { searchAttributesShape } from '../search/attributes.ts';
import type { InviteAttributes, SearchAttributes } from './handle.ts';

/** A session reference whose name the server fills in when it is absent. */
export type OpenReference = Omit<SessionReference, 'name'> & { readonly name?: string };

export type HandleRequest =
  | { readonly type: 'activity'; readonly id?: Guid; readonly reference: OpenReference }
  | {
      readonly type: 'invite';
      readonly id?: Guid;
      readonly reference: OpenReference;
      readonly invitedXuid: Xuid;
      /** Absent: the server fills it in. */
      readonly inviteAttributes?: InviteAttributes;
    }
  | {
      readonly type: 'transfer';
      readonly id?: Guid;
      readonly reference: SessionReference;
      readonly origin: SessionReference;
    }
  | {
      readonly type: 'search';
      readonly id?: Guid;
      readonly reference: SessionReference;
      readonly searchAttributes: SearchAttributes;
    };

const name = text(isName, nameExpectation);
const guid = text(isGuid, 'a GUID');
const xuid = text(isXuid, 'a xuid (a string of decimal digits)');

const openReference = exactObject({
  scid: guid,
  templateName: name,
  name: v.optional(name),
});
const reference = exactObject({ scid: guid, templateName: name, name });

const titleId = v.pipe(
  v.union([v.string(), v.number()], 'Expected a title id (decimal, below 2^32)'),
  v.transform(String),
  v.check(isTitleId, 'Expected a title id (decimal, below 2^32)'),
);

const context = text(
  (given) =>
    given.isWellFormed() &&
    encodeURIComponent(given).length <= limits.inviteContextEncodedCharactersMax,
  `a text of at most ${limits.inviteContextEncodedCharactersMax} characters once URI-encoded`,
);

const contextString = text(
  (given) => given.length <= limits.inviteContextStringCharactersMax,
  `a text of at most ${limits.inviteContextStringCharactersMax} characters`,
);

/** Some clients leave the version out, or write null. */
const common = { version: v.nullish(integer(1, 1)), id: v.optional(guid) };

/** The bodies of POST /handles, by type of handle. */
export const handleBodies = {
  activity: exactObject({ ...common, type: v.string(), sessionRef: openReference }),
  invite: exactObject({
    ...common,
    type: v.string(),
    sessionRef: openReference,
    invitedXuid: xuid,
    inviteAttributes: v.nullish(
      exactObject({
        titleId,
        context: v.optional(context),
        contextString: v.optional(contextString),
        senderString: v.optional(contextString),
      }),
    ),
  }),
  transfer: exactObject({
    ...common,
    type: v.string(),
    sessionRef: reference,
    originSessionRef: reference,
  }),
  search: exactObject({
    ...common,
    type: v.string(),
    sessionRef: reference,
    searchAttributes: v.optional(searchAttributesShape),
  }),
};

const handleType = v.object({
  type: word(['activity', 'invite', 'transfer', 'search']),
});

/** The body of a handle without members that nobody knows; one of no known type as it is. */
export function dropUnknownOfHandle(body: JsonObject): KnownPart {
  const typed = parseShape(handleType, body);
  return typed instanceof Refusal
    ? { known: body, names: [] }
    : dropUnknown(handleBodies[typed.type], body);
}

/**
 * The handle that a body asks for. GUIDs given as ids are compared in lower case.
 *
 * Refuses: requestInvalid.
 */
export function parseHandleRequest(body: JsonObject): HandleRequest | Refusal {
  const typed = parseShape(handleType, body);
  if (typed instanceof Refusal) return typed;
  switch (typed.type) {
    case 'activity': {
      const parsed = parseShape(handleBodies.activity, body);
      if (parsed instanceof Refusal) return parsed;
      return { type: 'activity', ...idOf(parsed), reference: referenceOf(parsed.sessionRef) };
    }
    case 'invite': {
      const parsed = parseShape(handleBodies.invite, body);
      if (parsed instanceof Refusal) return parsed;
      const { sessionRef, invitedXuid, inviteAttributes } = parsed;
      return {
        type: 'invite',
        ...idOf(parsed),
        reference: referenceOf(sessionRef),
        invitedXuid,
        ...(inviteAttributes && { inviteAttributes: inviteAttributes as InviteAttributes }),
      };
    }
    case 'transfer': {
      const parsed = parseShape(handleBodies.transfer, body);
      if (parsed instanceof Refusal) return parsed;
      const { sessionRef, originSessionRef } = parsed;
      return { type: 'transfer', ...idOf(parsed), reference: sessionRef, origin: originSessionRef };
    }
    case 'search': {
      const parsed = parseShape(handleBodies.search, body);
      if (parsed instanceof Refusal) return parsed;
      const { sessionRef, searchAttributes = {} } = parsed;
      return { type: 'search', ...idOf(parsed), reference: sessionRef, searchAttributes };
    }
  }
}

function idOf({ id }: { readonly id?: string | undefined }): { readonly id?: Guid } {
  return id === undefined ? {} : { id: id.toLowerCase() };
}

function referenceOf({
  scid,
  templateName,
  name,
}: v.InferOutput<typeof openReference>): OpenReference {
  return { scid, templateName, ...(name !== undefined && { name }) };
}

/** Whose activities a query asks for. */
export type ActivityQuery = { readonly scid?: Guid; readonly owners: PeopleQuery };

/** The users themselves, or the owner of a list of users. */
export type PeopleQuery =
  | { readonly xuids: readonly Xuid[] }
  | { readonly list: 'people' | 'favorites'; readonly ofXuid: Xuid };

const queryType = v.object({ type: word(['activity', 'search']) });

/** What a query is for. Refuses: requestInvalid. */
export function parseQueryType(body: JsonObject): 'activity' | 'search' | Refusal {
  const typed = parseShape(queryType, body);
  return typed instanceof Refusal ? typed : typed.type;
}

/** Members of an object that names people; `peopleOf` reads them. */
export const peopleEntries = {
  xuids: v.optional(
    list(
      xuid,
      { lengthMax: limits.handleQueryXuidsMax },
      `an array of at most ${limits.handleQueryXuidsMax} xuids`,
    ),
  ),
  people: v.optional(
    exactObject({ moniker: word(['people', 'favorites', 'friends']), monikerXuid: xuid }),
  ),
};

const people = exactObject(peopleEntries);
/** The body of a query for activities. */
export const activityQuery = exactObject({
  type: v.string(),
  scid: v.optional(guid),
  owners: people,
});

/** The body of a query for activities without members that nobody knows. */
export function dropUnknownOfActivityQuery(body: JsonObject): KnownPart {
  return dropUnknown(activityQuery, body);
}

/**
 * The query for activities that a body asks for.
 *
 * Refuses: requestInvalid, also when both or neither form of owners is given.
 */
export function parseActivityQuery(body: JsonObject): ActivityQuery | Refusal {
  const parsed = parseShape(activityQuery, body);
  if (parsed instanceof Refusal) return parsed;
  const { scid } = parsed;
  const owners = peopleOf(parsed.owners, '$.owners');
  if (owners instanceof Refusal) return owners;
  return { ...(scid !== undefined && { scid }), owners };
}

/** The people at `path`. Refuses: requestInvalid for both forms, and for neither. */
export function peopleOf(
  { xuids, people: named }: v.InferOutput<typeof people>,
  path: string,
): PeopleQuery | Refusal {
  if (xuids !== undefined && named === undefined) return { xuids };
  if (named !== undefined && xuids === undefined) {
    return {
      list: named.moniker === 'favorites' ? 'favorites' : 'people',
      ofXuid: named.monikerXuid,
    };
  }
  return new Refusal(
    'requestInvalid',
    `${path}: Expected either xuids or people, not both and not neither.`,
    { detail: path },
  );
}

/** What a query wants beside the handles. Unknown names are ignored. @source docs/wire/handles.md "POST /handles/query" */
export type Include = {
  readonly relatedInfo: boolean;
  readonly roleInfo: boolean;
  readonly customProperties: boolean;
};

/** The `include` parameter: a comma list, compared without regard to case. */
export function parseInclude(include: string | null): Include {
  const names = (include ?? '').split(',').map((one) => one.trim().toLowerCase());
  return {
    relatedInfo: names.includes('relatedinfo'),
    roleInfo: names.includes('roleinfo'),
    customProperties: names.includes('customproperties'),
  };
}
