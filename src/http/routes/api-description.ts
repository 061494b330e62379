/** The description of the API for programs, and a page of it for people. */

import { formatJson, type JsonObject } from '../../domain/json.ts';
import { readPackageVersion } from '../../platform/package-version.ts';
import type { Answer, Route } from '../route.ts';

/** Routes that describe `described`. What they need is loaded when one is asked for. */
export function apiDescriptionRoutes(described: readonly Route[]): readonly Route[] {
  let openApi: Promise<JsonObject> | undefined;
  const readOpenApi = (): Promise<JsonObject> => {
    openApi ??= describeRoutes(described);
    return openApi;
  };
  return [
    route('/openapi.json', async () => answerJson(await readOpenApi())),
    route('/asyncapi.json', async () => {
      const { asyncApiDocument } = await import('../openapi/async-document.ts');
      return answerJson(asyncApiDocument(await readPackageVersion()) as JsonObject);
    }),
    route('/reference', async () => {
      const { referencePage } = await import('../openapi/reference-page.ts');
      return referencePage(await readOpenApi());
    }),
  ];
}

async function describeRoutes(described: readonly Route[]): Promise<JsonObject> {
  const { openApiDocument } = await import('../openapi/document.ts');
  return openApiDocument(described, await readPackageVersion()) as JsonObject;
}

function route(path: string, answer: () => Promise<Answer>): Route {
  return { method: 'GET', path, auth: 'none', body: 'none', answer };
}

function answerJson(body: JsonObject): Answer {
  return { status: 200, body: formatJson(body) };
}
