import { defaultSandbox, textsOf, type TokenClaims } from '../../auth/claims.ts';
import { loginErrors, parseXErr } from '../../auth/login-errors.ts';
import type { LoginPolicy } from '../../auth/login-policy.ts';
import { type TokenUse, signToken, verifyToken } from '../../auth/token.ts';
import {
  accessLifetimeMs,
  type AccessRequest,
  loginLifetimeMs,
  mergeClaims,
  parseAccessRequest,
  parseDeviceRequest,
  parseSisuRequest,
  parseTitleRequest,
  parseUserRequest,
  type UserClaims,
  userHashOf,
  viewAccessUser,
  viewToken,
} from '../../auth/token-chain.ts';
import type { Context } from '../../directory/context.ts';
import type { TitleId } from '../../domain/ids.ts';
import { formatJson, type JsonObject } from '../../domain/json.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Milliseconds } from '../../domain/time.ts';
import { loginRefusal, refusalOfToken } from '../login-refusal.ts';
import type { Answer, Route, RouteRequest } from '../route.ts';

export type TokenChainSettings = {
  /** Signs the tokens of the chain, as the server's authenticator expects it. */
  readonly key: Uint8Array;
  readonly policy: LoginPolicy;
};

/** A token with what is shown of it, as every step answers it. */
type TokenWithView = { readonly token: string; readonly view: JsonObject };

/** The claims of a token that the client sent, and when it ends. */
type ReadToken = {
  readonly claims: TokenClaims & Pick<UserClaims, 'xerr'>;
  readonly expiresMs: Milliseconds;
};

/** What a client that names no device or title token counts as having sent. */
const noToken: ReadToken = { claims: {}, expiresMs: Number.POSITIVE_INFINITY };

/**
 * The login chain, so that unmodified clients can log in: `POST /user/authenticate`,
 * `/device/authenticate`, `/title/authenticate`, `/xsts/authorize`, and `/authorize` of sisu, which is
 * all of them in one.
 *
 * No token outlives the ticket or the token that it was made from. Members that are not known are
 * accepted here, unlike everywhere else: clients send much. `Signature` is not checked.
 *
 * Refuses: requestInvalid; notAuthenticated for a token that is not of this server or has expired, in
 * the shape that clients expect.
 *
 * @source docs/wire/callers.md "The login chain"
 */
export function tokenChainRoutes({ key, policy }: TokenChainSettings): readonly Route[] {
  /** A token for `claims`, good from now on, and not after `endMs`. */
  async function issue(
    claims: TokenClaims,
    use: TokenUse,
    displayClaims: JsonObject,
    nowMs: Milliseconds,
    endMs = Number.POSITIVE_INFINITY,
  ): Promise<TokenWithView> {
    const lifetimeMs = use === 'access' ? accessLifetimeMs : loginLifetimeMs;
    // Tokens are made and end at whole seconds.
    const leftMs = endMs - Math.floor(nowMs / 1000) * 1000;
    const times = { nowMs, lifetimeMs: Math.min(lifetimeMs, leftMs) };
    const token = await signToken(claims, key, { use, ...times });
    return { token, view: viewToken(token, times, displayClaims) };
  }

  const issueDevice = (claims: TokenClaims, nowMs: Milliseconds): Promise<TokenWithView> =>
    issue(claims, 'device', { xdi: { did: claims.did ?? '', dcs: '0' } }, nowMs);

  const issueTitle = (claims: TokenClaims, nowMs: Milliseconds): Promise<TokenWithView> =>
    issue(claims, 'title', { xti: { tid: claims.tid ?? '' } }, nowMs);

  const issueUser = (claims: UserClaims, nowMs: Milliseconds, endMs: Milliseconds) =>
    issue(claims, 'user', { xui: [{ uhs: userHashOf(claims.xid) }] }, nowMs, endMs);

  /** The user of a ticket, or the answer that refuses it. */
  async function userOf(ticket: string, place: string, nowMs: Milliseconds) {
    const user = await policy.userOf(ticket, nowMs);
    if (!(user instanceof Refusal)) return user;
    if (user.code !== 'notAuthenticated') return user;
    return refusalOfToken(user, 'user', place);
  }

  /** The claims of a token of a former step, or the answer that refuses it. */
  async function read(
    token: string | undefined,
    use: 'user' | 'device' | 'title',
    place: string,
    nowMs: Milliseconds,
  ): Promise<ReadToken | Answer> {
    if (token === undefined) return noToken;
    const verified = await verifyToken(token, key, use, nowMs);
    if (verified instanceof Refusal) return refusalOfToken(verified, use, place);
    const texts = textsOf(verified.claims);
    if (texts instanceof Refusal) return refusalOfToken(texts, use, place);
    const { xerr } = verified.claims;
    const claims = { ...texts, ...(typeof xerr === 'string' && { xerr }) };
    return { claims, expiresMs: verified.expiresMs };
  }

  /** The access token of this user on this device, or the answer that refuses it. */
  async function authorize(
    user: ReadToken,
    device: TokenClaims,
    title: TokenClaims,
    { sandbox, asksForModernGamertag }: Pick<AccessRequest, 'sandbox' | 'asksForModernGamertag'>,
    nowMs: Milliseconds,
  ): Promise<TokenWithView | Answer> {
    const { xerr } = user.claims;
    if (xerr !== undefined) {
      const refusal = new Refusal('notAuthenticated', 'The ticket asked for this refusal.');
      return loginRefusal(refusal, Number(parseXErr(xerr)));
    }
    const claims = mergeClaims(
      user.claims,
      device,
      title,
      policy.isSandboxFree ? sandbox : undefined,
    );
    if (sandbox !== undefined && !policy.isSandboxFree && sandbox !== claims.sbx) {
      const text = `The user is not let into sandbox ${sandbox}, only into ${claims.sbx}.`;
      return loginRefusal(new Refusal('notAuthenticated', text), loginErrors.sandboxForbidden);
    }
    const xui = [viewAccessUser(claims, asksForModernGamertag)];
    return issue(claims, 'access', { xui }, nowMs, user.expiresMs);
  }

  return [
    step('/user/authenticate', async ({ body }, { clock }) => {
      const ticket = parseUserRequest(body);
      if (ticket instanceof Refusal) return ticket;
      const nowMs = clock.nowMs();
      const user = await userOf(ticket, '$.Properties.RpsTicket', nowMs);
      if (!('claims' in user)) return user;
      return answerOf(await issueUser(user.claims, nowMs, user.expiresMs));
    }),

    step('/device/authenticate', async ({ body }, { clock }) => {
      const device = parseDeviceRequest(body);
      if (device instanceof Refusal) return device;
      return answerOf(await issueDevice(device, clock.nowMs()));
    }),

    step('/title/authenticate', async ({ body }, { clock, catalog }) => {
      const title = parseTitleRequest(body, usualTitleOf(catalog));
      if (title instanceof Refusal) return title;
      return answerOf(await issueTitle(title, clock.nowMs()));
    }),

    step('/xsts/authorize', async ({ body }, { clock }) => {
      const request = parseAccessRequest(body);
      if (request instanceof Refusal) return request;
      const { userToken, deviceToken, titleToken } = request;
      const nowMs = clock.nowMs();
      const user = await read(userToken, 'user', '$.Properties.UserTokens[0]', nowMs);
      if ('status' in user) return user;
      const device = await read(deviceToken, 'device', '$.Properties.DeviceToken', nowMs);
      if ('status' in device) return device;
      const title = await read(titleToken, 'title', '$.Properties.TitleToken', nowMs);
      if ('status' in title) return title;
      const access = await authorize(user, device.claims, title.claims, request, nowMs);
      return 'status' in access ? access : answerOf(access);
    }),

    step('/authorize', async ({ body }, { clock, catalog, ids }) => {
      const request = parseSisuRequest(body);
      if (request instanceof Refusal) return request;
      const nowMs = clock.nowMs();
      const user = await userOf(request.ticket, '$.AccessToken', nowMs);
      if (!('claims' in user)) return user;
      const device = await read(request.deviceToken, 'device', '$.DeviceToken', nowMs);
      if ('status' in device) return device;
      const titleId = user.claims.tid ?? usualTitleOf(catalog);
      const titleClaims = titleId === undefined ? {} : { tid: titleId };
      const access = await authorize(user, device.claims, titleClaims, request, nowMs);
      const sessionId = request.sessionId ?? ids.guid();
      const headers = { 'X-SessionId': sessionId };
      if ('status' in access) return { ...access, headers: { ...access.headers, ...headers } };
      const [userToken, titleToken] = await Promise.all([
        issueUser(user.claims, nowMs, user.expiresMs),
        issueTitle(titleClaims, nowMs),
      ]);
      const view: JsonObject = {
        ...(request.deviceToken !== undefined && { DeviceToken: request.deviceToken }),
        TitleToken: titleToken.view,
        UserToken: userToken.view,
        AuthorizationToken: access.view,
        WebPage: 'https://sisu.xboxlive.com/',
        Sandbox: request.sandbox ?? user.claims.sbx ?? defaultSandbox,
        UseModernGamertag: request.asksForModernGamertag,
      };
      return { status: 200, headers, body: formatJson(view) };
    }),
  ];
}

function step(
  path: string,
  answer: (request: RouteRequest, context: Context) => Promise<Answer | Refusal>,
): Route {
  return { method: 'POST', path, auth: 'none', body: 'object', answer };
}

function answerOf({ view }: TokenWithView): Answer {
  return { status: 200, body: formatJson(view) };
}

/** The title of clients that do not say theirs: the first of the first service config. */
function usualTitleOf(catalog: Context['catalog']): TitleId | undefined {
  return [...catalog().values()].flatMap(({ titles }) => titles)[0]?.titleId;
}
