import { formatJson, type JsonObject } from '../../domain/json.ts';
import { Refusal } from '../../domain/refusal.ts';
import {
  mayUseServiceConfig,
  mayUseTemplate,
  type SessionTemplate,
  viewTemplate,
} from '../../domain/session/template.ts';
import type { Answer, Route } from '../route.ts';

/** The session templates of a service config, each with its name. */
const getTemplates: Route = {
  method: 'GET',
  path: '/serviceconfigs/{scid}/sessiontemplates',
  door: 'sessionDirectory',
  body: 'none',
  async answer({ params, caller, contractVersion }, { catalog }) {
    const config = mayUseServiceConfig(catalog(), params.scid ?? '', caller);
    if (config instanceof Refusal) return config;
    const viewNamed = (template: SessionTemplate): JsonObject => ({
      templateName: template.name,
      ...viewTemplate(template, contractVersion),
    });
    return answerJson({ results: [...config.sessionTemplates.values()].map(viewNamed) });
  },
};

/** One session template. */
const getTemplate: Route = {
  method: 'GET',
  path: '/serviceconfigs/{scid}/sessiontemplates/{templateName}',
  door: 'sessionDirectory',
  body: 'none',
  async answer({ params, caller, contractVersion }, { catalog }) {
    const { scid = '', templateName = '' } = params;
    const found = mayUseTemplate(catalog(), { scid, templateName }, caller);
    return found instanceof Refusal
      ? found
      : answerJson(viewTemplate(found.template, contractVersion));
  },
};

function answerJson(body: JsonObject): Answer {
  return { status: 200, body: formatJson(body) };
}

/** Queries for session templates. @source contract 3 */
export const templateRoutes: readonly Route[] = [getTemplates, getTemplate];
