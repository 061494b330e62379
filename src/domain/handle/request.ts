/**
 * What `POST /handles` and `POST /handles/query` ask for.
 *
 * @source contract 8, 8.1
 */

import * as v from 'valibot';
import { isGuid, isTitleId, isXuid, type Guid, type Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { exactObject, integer, parseShape, text, word } from '../shape.ts';
import { isName, nameExpectation, type SessionReference } from '../session/reference.ts';
import type { InviteAttributes } from './handle.ts';

/** A session reference whose name the server fills in when it is absent. */
export type OpenReference = Omit<SessionReference, 'name'> & { readonly name?: string };

export type HandleRequest =
  | { readonly type: 'activity'; readonly id?: Guid; readonly reference: OpenReference }
  | {
      readonly type: 'invite';
      readonly id?: Guid;
      readonly reference: OpenReference;
      readonly invitedXuid: Xuid;
      readonly inviteAttributes: InviteAttributes;
    }
  | {
      readonly type: 'transfer';
      readonly id?: Guid;
      readonly reference: SessionReference;
      readonly origin: SessionReference;
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

const common = { version: integer(1, 1), id: v.optional(guid) };

const bodies = {
  activity: exactObject({ ...common, type: v.string(), sessionRef: openReference }),
  invite: exactObject({
    ...common,
    type: v.string(),
    sessionRef: openReference,
    invitedXuid: xuid,
    inviteAttributes: exactObject({
      titleId,
      context: v.optional(context),
      contextString: v.optional(contextString),
      senderString: v.optional(contextString),
    }),
  }),
  transfer: exactObject({
    ...common,
    type: v.string(),
    sessionRef: reference,
    originSessionRef: reference,
  }),
};

const handleType = v.object({
  type: word(['activity', 'invite', 'transfer', 'search']),
});

/**
 * The handle that a body asks for. GUIDs given as ids are compared in lower case.
 *
 * Refuses: requestInvalid; notYetSupported for search handles.
 */
export function parseHandleRequest(body: JsonObject): HandleRequest | Refusal {
  const typed = parseShape(handleType, body);
  if (typed instanceof Refusal) return typed;
  switch (typed.type) {
    case 'activity': {
      const parsed = parseShape(bodies.activity, body);
      if (parsed instanceof Refusal) return parsed;
      return { type: 'activity', ...idOf(parsed), reference: referenceOf(parsed.sessionRef) };
    }
    case 'invite': {
      const parsed = parseShape(bodies.invite, body);
      if (parsed instanceof Refusal) return parsed;
      const { sessionRef, invitedXuid, inviteAttributes } = parsed;
      return {
        type: 'invite',
        ...idOf(parsed),
        reference: referenceOf(sessionRef),
        invitedXuid,
        inviteAttributes: inviteAttributes as InviteAttributes,
      };
    }
    case 'transfer': {
      const parsed = parseShape(bodies.transfer, body);
      if (parsed instanceof Refusal) return parsed;
      const { sessionRef, originSessionRef } = parsed;
      return { type: 'transfer', ...idOf(parsed), reference: sessionRef, origin: originSessionRef };
    }
    case 'search':
      return searchNotYetSupported('$.type');
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

function searchNotYetSupported(path: string): Refusal {
  return new Refusal(
    'notYetSupported',
    `${path}: search handles are not yet supported by this server.`,
    {
      detail: path,
    },
  );
}

/** Whose activities a query asks for. */
export type ActivityQuery = {
  readonly scid?: Guid;
  readonly owners:
    | { readonly xuids: readonly Xuid[] }
    | { readonly list: 'people' | 'favorites'; readonly ofXuid: Xuid };
};

const queryType = v.object({ type: word(['activity', 'search']) });

const activityQuery = exactObject({
  type: v.string(),
  scid: v.optional(guid),
  owners: exactObject({
    xuids: v.optional(
      v.pipe(
        v.array(xuid, 'Expected an array of xuids'),
        v.maxLength(
          limits.handleQueryXuidsMax,
          `Expected at most ${limits.handleQueryXuidsMax} xuids`,
        ),
      ),
    ),
    people: v.optional(
      exactObject({ moniker: word(['people', 'favorites', 'friends']), monikerXuid: xuid }),
    ),
  }),
});

/**
 * The query that a body asks for.
 *
 * Refuses: requestInvalid, also when both or neither form of owners is given; notYetSupported for
 * search.
 */
export function parseActivityQuery(body: JsonObject): ActivityQuery | Refusal {
  const typed = parseShape(queryType, body);
  if (typed instanceof Refusal) return typed;
  if (typed.type === 'search') return searchNotYetSupported('$.type');
  const parsed = parseShape(activityQuery, body);
  if (parsed instanceof Refusal) return parsed;
  const { scid, owners } = parsed;
  if ((owners.xuids === undefined) === (owners.people === undefined)) {
    return new Refusal(
      'requestInvalid',
      '$.owners: Expected either xuids or people, not both and not neither.',
      { detail: '$.owners' },
    );
  }
  const { xuids, people } = owners;
  return {
    ...(scid !== undefined && { scid }),
    owners:
      people === undefined
        ? { xuids: xuids ?? [] }
        : {
            list: people.moniker === 'favorites' ? 'favorites' : 'people',
            ofXuid: people.monikerXuid,
          },
  };
}

/** What a query wants beside the handles. Unknown names are ignored. @source contract 8.1 */
export type Include = { readonly relatedInfo: boolean; readonly customProperties: boolean };

/** The `include` parameter: a comma list, compared without regard to case. */
export function parseInclude(include: string | null): Include {
  const names = (include ?? '').split(',').map((one) => one.trim().toLowerCase());
  return {
    relatedInfo: names.includes('relatedinfo'),
    customProperties: names.includes('customproperties'),
  };
}
