import { formatJson, type JsonObject } from '../../domain/json.ts';
import type { Route } from '../route.ts';

/**
 * Which token and which signature each host wants. Clients read it before they sign requests; the
 * same answer serves every title, since all services are here and none checks signatures.
 *
 * @source docs/wire/callers.md "Title endpoints"
 */
const endpoints: JsonObject = {
  EndPoints: ['https', 'http', 'wss'].flatMap((Protocol) =>
    [
      { Host: '*.xboxlive.com', HostType: 'wildcard' },
      { Host: 'xboxlive.com', HostType: 'fqdn' },
    ].map((host) => ({
      Protocol,
      ...host,
      RelyingParty: 'http://xboxlive.com',
      TokenType: 'JWT',
      SignaturePolicyIndex: 0,
    })),
  ),
  SignaturePolicies: [{ Version: 1, SupportedAlgorithms: ['ES256'], MaxBodyBytes: 8192 }],
  Certs: [],
  RootCerts: [],
};

const answer: Route['answer'] = async () => ({ status: 200, body: formatJson(endpoints) });

/** `GET /titles/default/endpoints`, which is open, and that of one title, `current` or an id. */
export const titleEndpointRoutes: readonly Route[] = [
  { method: 'GET', path: '/titles/default/endpoints', auth: 'none', body: 'none', answer },
  { method: 'GET', path: '/titles/{titleId}/endpoints', auth: 'token', body: 'none', answer },
];
