import { type TokenUse, signToken, verifyToken } from '../../auth/token.ts';
import {
  accessLifetimeMs,
  loginLifetimeMs,
  mergeClaims,
  parseAccessRequest,
  parseDeviceRequest,
  parseTitleRequest,
  parseUserRequest,
  userHashOf,
  viewToken,
} from '../../auth/token-chain.ts';
import { textsOf, type TokenClaims } from '../../auth/claims.ts';
import { formatJson, type JsonObject } from '../../domain/json.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Milliseconds } from '../../domain/time.ts';
import type { Context } from '../../directory/context.ts';
import type { Answer, Route, RouteRequest } from '../route.ts';

/**
 * The login chain, played so that unmodified clients can log in: `POST /user/authenticate`,
 * `/device/authenticate`, `/title/authenticate`, `/xsts/authorize`. `key` signs the tokens: that of
 * the dev authenticator, the only one to be used with these routes, since they make anybody of
 * anybody who asks.
 *
 * How an identity is chosen: see auth/token-chain.ts.
 *
 * Members that are not known are accepted here, unlike everywhere else: clients send much.
 *
 * Refuses: requestInvalid; notAuthenticated for a token that is not of this server or has expired.
 *
 * @source docs/wire/callers.md "Callers"
 */
export function tokenChainRoutes({ key }: { readonly key: Uint8Array }): readonly Route[] {
  /** The answer with a token for `claims`, good from now on. */
  async function issue(
    claims: TokenClaims,
    use: TokenUse,
    displayClaims: JsonObject,
    nowMs: Milliseconds,
  ): Promise<Answer> {
    const times = { nowMs, lifetimeMs: use === 'access' ? accessLifetimeMs : loginLifetimeMs };
    const token = await signToken(claims, key, { use, ...times });
    return { status: 200, body: formatJson(viewToken(token, times, displayClaims)) };
  }

  /** The claims of a token of a former step; none when it was left out. */
  async function read(
    token: string | undefined,
    use: TokenUse,
    place: string,
    nowMs: Milliseconds,
  ): Promise<TokenClaims | Refusal> {
    if (token === undefined) return {};
    const verified = await verifyToken(token, key, use, nowMs);
    if (verified instanceof Refusal) {
      return new Refusal(verified.code, `${place}: ${verified.text}`, { detail: place });
    }
    return textsOf(verified.claims);
  }

  return [
    step('/user/authenticate', async ({ body }, { clock }) => {
      const user = parseUserRequest(body);
      if (user instanceof Refusal) return user;
      const xui = [{ uhs: userHashOf(user.xid) }];
      return issue(user, 'user', { xui }, clock.nowMs());
    }),

    step('/device/authenticate', async ({ body }, { clock }) => {
      const device = parseDeviceRequest(body);
      if (device instanceof Refusal) return device;
      return issue(device, 'device', { xdi: device }, clock.nowMs());
    }),

    step('/title/authenticate', async ({ body }, { clock, catalog }) => {
      const [usual] = [...catalog().values()].flatMap(({ titles }) => titles);
      const title = parseTitleRequest(body, usual?.titleId);
      if (title instanceof Refusal) return title;
      return issue(title, 'title', { xti: title }, clock.nowMs());
    }),

    step('/xsts/authorize', async ({ body }, { clock }) => {
      const request = parseAccessRequest(body);
      if (request instanceof Refusal) return request;
      const { userToken, deviceToken, titleToken, sandbox } = request;
      const nowMs = clock.nowMs();
      const user = await read(userToken, 'user', '$.Properties.UserTokens[0]', nowMs);
      if (user instanceof Refusal) return user;
      const device = await read(deviceToken, 'device', '$.Properties.DeviceToken', nowMs);
      if (device instanceof Refusal) return device;
      const title = await read(titleToken, 'title', '$.Properties.TitleToken', nowMs);
      if (title instanceof Refusal) return title;

      const claims = mergeClaims(user, device, title, sandbox);
      const { xid, gtg, agg, prv } = claims;
      const xui = [{ uhs: userHashOf(xid), xid, gtg, agg, prv }];
      return issue(claims, 'access', { xui }, nowMs);
    }),
  ];
}

function step(
  path: string,
  answer: (request: RouteRequest, context: Context) => Promise<Answer | Refusal>,
): Route {
  return { method: 'POST', path, auth: 'none', body: 'object', answer };
}
