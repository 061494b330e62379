/**
 * The login chain as pure shapes: who asks in which words, and what is answered.
 *
 *     RpsTicket ─► POST /user/authenticate   ─► user token   ─┐
 *     Id        ─► POST /device/authenticate ─► device token ─┼─► POST /xsts/authorize ─► token
 *     RpsTicket ─► POST /title/authenticate  ─► title token  ─┘
 *
 *     AccessToken, DeviceToken ─► POST /authorize (sisu) ─► title, user and access token at once
 *
 * Whom a ticket names is for `login-policy.ts`.
 *
 * @source docs/wire/callers.md "The login chain"
 */

import * as v from 'valibot';
import { digest, type TitleId, type Xuid } from '../domain/ids.ts';
import { formatJson, type JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { list, parseShape, text } from '../domain/shape.ts';
import { formatTime, type Milliseconds } from '../domain/time.ts';
import { defaultSandbox, textsOf, type TokenClaims } from './claims.ts';
import {
  nameOfParameter,
  parseDevelopmentToken,
  startsWithParameter,
} from './development-token.ts';
import { parseXErr } from './login-errors.ts';

/** How long the tokens of the chain last; clients keep them and ask for new ones when they end. */
export const loginLifetimeMs: Milliseconds = 14 * 24 * 3_600_000;
export const accessLifetimeMs: Milliseconds = 24 * 3_600_000;

/** The privileges of a user who does not list any: all that are documented. @source docs/wire/people.md "People" */
const allPrivileges =
  '185 189 190 197 198 199 203 205 206 207 208 209 211 214 219 220 224 235 247 249 252 254 255';

const someText = text((given) => given !== '', 'text that is not empty');
/** Left out, null and empty mean the same: clients send what they have. */
const textOrNothing = v.nullish(v.string('Expected text'));

/** An object with these members; others are ignored. */
function tolerantObject<const E extends v.ObjectEntries>(entries: E) {
  return v.object(entries, ({ expected }) =>
    expected === 'Object' ? 'Expected an object' : 'This member is missing',
  );
}

const ticketRequest = tolerantObject({ Properties: tolerantObject({ RpsTicket: someText }) });

const deviceRequest = tolerantObject({
  Properties: tolerantObject({
    Id: textOrNothing,
    RpsTicket: textOrNothing,
    ProofKey: v.optional(v.any()),
  }),
});

const accessRequest = tolerantObject({
  Properties: tolerantObject({
    UserTokens: list(
      someText,
      { lengthMin: 1, lengthMax: 1 },
      'an array of one user token: a token is for one user',
    ),
    DeviceToken: textOrNothing,
    TitleToken: textOrNothing,
    SandboxId: textOrNothing,
    OptionalDisplayClaims: v.nullish(v.array(v.any(), 'Expected an array')),
  }),
});

const sisuRequest = tolerantObject({
  AccessToken: someText,
  DeviceToken: textOrNothing,
  Sandbox: textOrNothing,
  SessionId: textOrNothing,
  UseModernGamertag: v.optional(v.any()),
});

const sisuPageRequest = tolerantObject({
  AppId: textOrNothing,
  RedirectUri: someText,
  Offers: v.nullish(v.array(v.string('Expected text'), 'Expected an array')),
  TokenType: textOrNothing,
  Query: v.nullish(v.record(v.string(), v.string('Expected text'), 'Expected an object of texts')),
});

/** The bodies of the login chain, for its description. */
export const loginBodies = {
  ticket: ticketRequest,
  device: deviceRequest,
  access: accessRequest,
  sisu: sisuRequest,
  sisuPage: sisuPageRequest,
} as const;

/** What a user token is sure to say. */
export type UserClaims = TokenClaims & {
  readonly xid: Xuid;
  readonly gtg: string;
  /** With it `xsts/authorize` refuses, for tests of clients. */
  readonly xerr?: string;
};

/**
 * The ticket of the user who asks for a user token, without its prefix `d=` or `t=`.
 *
 * Refuses: requestInvalid.
 */
export function parseUserRequest(body: JsonObject): string | Refusal {
  const request = parseShape(ticketRequest, body);
  return request instanceof Refusal ? request : withoutPrefix(request.Properties.RpsTicket);
}

/**
 * Whom a ticket of development names: `xid` and `gtg`, and what else it says. `xerr=2148916238` is
 * a user whom `xsts/authorize` refuses with this number.
 *
 * Refuses: requestInvalid.
 *
 * @source docs/wire/unknowns.md "identity in the login chain", docs/wire/callers.md "The login chain"
 */
export function parseUserTicket(ticket: string): UserClaims | Refusal {
  const xErr = /^xerr=(.*)$/i.exec(ticket)?.[1];
  if (xErr !== undefined && parseXErr(xErr) === undefined) {
    return wrongTicket('Expected a number after "xerr=", such as 2148916238 or 0x8015DC0E.');
  }
  const claims = parseTicket(ticket);
  if (claims instanceof Refusal) return claims;
  if (claims.svc !== undefined) {
    return wrongTicket('A game service needs no login: use "openmpsd token --svc <name>".');
  }
  const xid = claims.xid ?? madeUpXuid(ticket);
  const gtg = claims.gtg ?? `User${xid.slice(-8)}`;
  return { ...claims, xid, gtg, ...(xErr !== undefined && { xerr: xErr }) };
}

/**
 * The device that asks for a device token: as its ticket says, or made up from its id or else from
 * its key, always the same for the same.
 *
 * Refuses: requestInvalid.
 */
export function parseDeviceRequest(body: JsonObject): { readonly did: string } | Refusal {
  const request = parseShape(deviceRequest, body);
  if (request instanceof Refusal) return request;
  const { Id, RpsTicket, ProofKey } = request.Properties;
  const claims = RpsTicket ? parseTicket(withoutPrefix(RpsTicket)) : {};
  if (claims instanceof Refusal) return claims;
  if (claims.did !== undefined) return { did: claims.did };
  const seed = Id || RpsTicket || (ProofKey && formatJson(ProofKey));
  if (!seed) {
    return new Refusal('requestInvalid', '$.Properties.Id: This member is missing.', {
      detail: '$.Properties.Id',
    });
  }
  return { did: `F${digest(`device ${seed}`).slice(0, 15).toUpperCase()}` };
}

/**
 * The title that asks for a title token: as its ticket says (`tid=1234`), else `usualTitleId`, since
 * an opaque ticket does not tell.
 *
 * Refuses: requestInvalid.
 */
export function parseTitleRequest(
  body: JsonObject,
  usualTitleId: TitleId | undefined,
): { readonly tid: TitleId } | Refusal {
  const request = parseShape(ticketRequest, body);
  if (request instanceof Refusal) return request;
  const claims = parseTicket(withoutPrefix(request.Properties.RpsTicket));
  if (claims instanceof Refusal) return claims;
  const tid = claims.tid ?? usualTitleId;
  if (tid === undefined) {
    return wrongTicket('Expected "tid=<title id>": no service config of this server has a title.');
  }
  return { tid };
}

/** What `POST /xsts/authorize` is asked: tokens of the former steps, and a sandbox. */
export type AccessRequest = {
  readonly userToken: string;
  readonly deviceToken: string | undefined;
  readonly titleToken: string | undefined;
  readonly sandbox: string | undefined;
  /** Whether the answer shows the parts of the gamertag too. */
  readonly asksForModernGamertag: boolean;
};

/**
 * The tokens to merge and the sandbox to be in.
 *
 * Refuses: requestInvalid.
 */
export function parseAccessRequest(body: JsonObject): AccessRequest | Refusal {
  const request = parseShape(accessRequest, body);
  if (request instanceof Refusal) return request;
  const { UserTokens, DeviceToken, TitleToken, SandboxId, OptionalDisplayClaims } =
    request.Properties;
  return {
    userToken: String(UserTokens[0]),
    deviceToken: DeviceToken || undefined,
    titleToken: TitleToken || undefined,
    sandbox: SandboxId || undefined,
    asksForModernGamertag: ['mgt', 'mgs', 'umg'].some((one) =>
      OptionalDisplayClaims?.includes(one),
    ),
  };
}

/** What `POST /authorize` of sisu is asked. */
export type SisuRequest = {
  /** Without its prefix. */
  readonly ticket: string;
  readonly deviceToken: string | undefined;
  readonly sandbox: string | undefined;
  /** Of the step before, which clients without a browser leave out. */
  readonly sessionId: string | undefined;
  readonly asksForModernGamertag: boolean;
};

/**
 * The whole login in one request.
 *
 * Refuses: requestInvalid.
 */
export function parseSisuRequest(body: JsonObject): SisuRequest | Refusal {
  const request = parseShape(sisuRequest, body);
  if (request instanceof Refusal) return request;
  const { AccessToken, DeviceToken, Sandbox, SessionId, UseModernGamertag } = request;
  return {
    ticket: withoutPrefix(AccessToken),
    deviceToken: DeviceToken || undefined,
    sandbox: Sandbox || undefined,
    sessionId: SessionId || undefined,
    asksForModernGamertag: UseModernGamertag === true,
  };
}

/**
 * The parameters of the page on which a user signs in, for `POST /authenticate` of sisu.
 *
 * Refuses: requestInvalid.
 */
export function parseSisuPageRequest(body: JsonObject): Readonly<Record<string, string>> | Refusal {
  const request = parseShape(sisuPageRequest, body);
  if (request instanceof Refusal) return request;
  const { AppId, RedirectUri, Offers, TokenType, Query } = request;
  return {
    ...Query,
    client_id: AppId ?? '',
    response_type: TokenType || 'code',
    redirect_uri: RedirectUri,
    scope: (Offers ?? []).join(' '),
  };
}

/** What an access token of the chain is sure to say. */
export type AccessClaims = TokenClaims & {
  readonly [name in 'xid' | 'gtg' | 'sbx' | 'prv' | 'agg']: string;
};

/** What the client is shown of the user of an access token. */
export function viewAccessUser(
  { xid, gtg, agg, prv }: AccessClaims,
  asksForModernGamertag: boolean,
): JsonObject {
  const user = { uhs: userHashOf(xid), xid, gtg, agg, prv };
  if (!asksForModernGamertag) return user;
  const [mgt = gtg, mgs = ''] = /^(.+)#([0-9]+)$/.exec(gtg)?.slice(1) ?? [];
  return { ...user, mgt, mgs, umg: gtg };
}

/** The claims of an access token: the user's own words first, then the device's and the title's. */
export function mergeClaims(
  user: TokenClaims,
  device: TokenClaims,
  title: TokenClaims,
  sandbox: string | undefined,
): AccessClaims {
  const { xid, gtg, tid = title.tid, did = device.did } = user;
  if (xid === undefined || gtg === undefined) throw new Error('a user token without its user');
  return {
    xid,
    gtg,
    ...(tid !== undefined && { tid }),
    ...(did !== undefined && { did }),
    sbx: user.sbx ?? sandbox ?? defaultSandbox,
    prv: user.prv ?? allPrivileges,
    agg: user.agg ?? 'Adult',
  };
}

/** The body of every answer of the chain. */
export function viewToken(
  token: string,
  { nowMs, lifetimeMs }: { readonly nowMs: Milliseconds; readonly lifetimeMs: Milliseconds },
  displayClaims: JsonObject,
): JsonObject {
  const issuedMs = Math.floor(nowMs / 1000) * 1000;
  return {
    IssueInstant: formatTime(issuedMs),
    NotAfter: formatTime(issuedMs + lifetimeMs),
    Token: token,
    DisplayClaims: displayClaims,
  };
}

/** The user hash: decimal, the same for a user each time. Nothing checks it. */
export function userHashOf(xuid: Xuid): string {
  return decimalOf(`user hash ${xuid}`, 18);
}

/** Sixteen digits that begin as those of real users do. */
function madeUpXuid(ticket: string): Xuid {
  return `2535${decimalOf(`user ${ticket}`, 12)}`;
}

function decimalOf(seed: string, digits: number): string {
  return (BigInt(`0x${digest(seed)}`) % 10n ** BigInt(digits)).toString().padStart(digits, '0');
}

function withoutPrefix(ticket: string): string {
  return ticket.replace(/^[dt]=/i, '');
}

function parseTicket(ticket: string): TokenClaims | Refusal {
  if (!startsWithParameter(ticket)) return {};
  const claims = parseDevelopmentToken(ticket);
  const texts = claims instanceof Refusal ? claims : textsOf(claims, nameOfParameter);
  return texts instanceof Refusal ? wrongTicket(texts.text) : texts;
}

function wrongTicket(text: string): Refusal {
  return new Refusal('requestInvalid', `$.Properties.RpsTicket: ${text}`, {
    detail: '$.Properties.RpsTicket',
  });
}
