import { formatJson, type JsonObject } from '../../domain/json.ts';
import { Refusal } from '../../domain/refusal.ts';
import {
  mayUseServiceConfig,
  mayUseTemplate,
  viewTemplate,
} from '../../domain/session/template.ts';
import type { Answer, Route } from '../route.ts';

/** The names of the session templates of a service config. */
const getTemplates: Route = {
  method: 'GET',
  path: '/serviceconfigs/{scid}/sessiontemplates',
  auth: 'mpsd',
  body: 'none',
  async answer({ params, caller }, { catalog }) {
    const config = mayUseServiceConfig(catalog(), params.scid ?? '', caller);
    if (config instanceof Refusal) return config;
    return answerJson({ results: [...config.sessionTemplates.values()].map(({ name }) => name) });
  },
};

/** One session template. */
const getTemplate: Route = {
  method: 'GET',
  path: '/serviceconfigs/{scid}/sessiontemplates/{templateName}',
  auth: 'mpsd',
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

/** Queries for session templates. @source docs/wire/service-configs.md "Asking for templates" */
export const templateRoutes: readonly Route[] = [getTemplates, getTemplate];
