/**
 * What users may do with each other, in the format of the privacy service.
 *
 * @source docs/wire/neighbours.md "Permissions"
 */

import type { Context } from '../../directory/context.ts';
import type { Xuid } from '../../domain/ids.ts';
import { formatJson } from '../../domain/json.ts';
import { viewPermission } from '../../domain/people/permission.ts';
import {
  dropUnknownOfPermissions,
  parsePermission,
  parsePermissionBatch,
} from '../../domain/people/permission-request.ts';
import { Refusal } from '../../domain/refusal.ts';
import { checkPermissions } from '../../neighbours/permissions.ts';
import { findUser, mayActFor } from '../../neighbours/users.ts';
import { knownPart } from '../known-part.ts';
import type { Route, RouteRequest } from '../route.ts';

const path = '/users/{requestor}/permission/validate';

/** The user who asks. Refuses: userNotYours. */
async function requestorOf(
  { params, caller }: RouteRequest,
  context: Context,
): Promise<Xuid | Refusal> {
  const requestor = await findUser(context, params['requestor'] ?? '', caller);
  return requestor instanceof Refusal ? requestor : (mayActFor(requestor, caller) ?? requestor);
}

const getPermission: Route = {
  method: 'GET',
  path,
  auth: 'token',
  body: 'none',
  async answer(request, context) {
    const requestor = await requestorOf(request, context);
    if (requestor instanceof Refusal) return requestor;
    const query = parsePermission(request.query);
    if (query instanceof Refusal) return query;
    const [checked] = await checkPermissions(context, requestor, query, request.caller);
    return { status: 200, body: formatJson(viewPermission(checked?.reasons[0] ?? [])) };
  },
};

const postPermissions: Route = {
  method: 'POST',
  path,
  auth: 'token',
  body: 'object',
  onlyReads: true,
  async answer(request, context) {
    const requestor = await requestorOf(request, context);
    if (requestor instanceof Refusal) return requestor;
    const query = parsePermissionBatch(knownPart(context, request.body, dropUnknownOfPermissions));
    if (query instanceof Refusal) return query;
    const checked = await checkPermissions(context, requestor, query, request.caller);
    const responses = checked.map(({ target, reasons }) => ({
      user: target,
      permissions: reasons.map(viewPermission),
    }));
    return { status: 200, body: formatJson({ responses }) };
  },
};

export const permissionRoutes: readonly Route[] = [getPermission, postPermissions];
