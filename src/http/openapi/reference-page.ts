/** The API description as a page: it needs no script, and nothing from elsewhere. */

import type { JsonObject } from '../../domain/json.ts';
import { escapeHtml } from '../escape-html.ts';
import type { Answer } from '../route.ts';

type ApiDocument = {
  readonly info: { readonly title: string; readonly version: string; readonly summary: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
};

type DescribedOperation = {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
  }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: unknown }>>;
  };
  readonly responses: Readonly<Record<string, DescribedAnswer>>;
};

type DescribedAnswer = {
  readonly description: string;
  readonly content?: unknown;
  readonly headers?: {
    readonly 'X-Mpsd-Refusal': { readonly schema: { readonly enum: string[] } };
  };
};

type Entry = DescribedOperation & { readonly method: string; readonly path: string };

const style = `
:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 14%,transparent);--soft:color-mix(in srgb,currentColor 62%,transparent);--fill:color-mix(in srgb,currentColor 5%,transparent);--accent:#107c10}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;margin:0;display:grid;grid-template-columns:15rem minmax(0,56rem);gap:3rem;padding:0 2rem}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:2rem 0;font-size:14px}
nav a{display:block;padding:.2rem 0;color:inherit;text-decoration:none}nav a:hover{color:var(--accent)}
nav strong{font-size:17px}nav small{color:var(--soft);display:block;margin-bottom:1.2rem}
main{padding:2rem 0 6rem}h2{margin:2.6rem 0 .6rem;font-size:20px}h2:first-child{margin-top:0}
details.op{border-top:1px solid var(--line)}details.op:last-of-type{border-bottom:1px solid var(--line)}
summary{cursor:pointer;padding:.55rem 0;display:grid;grid-template-columns:4.4rem minmax(0,1fr);gap:.2rem .6rem;list-style:none}
summary::-webkit-details-marker{display:none}summary:hover code{color:var(--accent)}
summary span{grid-column:2;color:var(--soft);font-size:14px}
b.m{font:600 12px/1.9 ui-monospace,monospace;letter-spacing:.03em;color:var(--accent)}b.PUT,b.POST{color:#0b61c4}b.DELETE{color:#c42b1c}
code,pre{font:13px/1.5 ui-monospace,SFMono-Regular,Consolas,monospace}code{overflow-wrap:anywhere;min-width:0}
.in{padding:.2rem 0 1.2rem 5rem}h3{font-size:13px;margin:1rem 0 .3rem;color:var(--soft);font-weight:600}
table{border-collapse:collapse;width:100%;font-size:14px}td{padding:.3rem .8rem .3rem 0;vertical-align:top;border-top:1px solid var(--line)}td:first-child{width:6rem}
pre{background:var(--fill);padding:.8rem;border-radius:6px;overflow:auto;max-height:26rem;margin:.3rem 0}
.code{display:inline-block;margin:0 .5rem .1rem 0;white-space:nowrap}
@media(prefers-color-scheme:dark){body{background:#14171a;color:#e4e7ea}:root{--accent:#6ccb5f}b.PUT,b.POST{color:#6fb1f5}b.DELETE{color:#f1707b}}
@media(max-width:60rem){body{display:block;padding:0 1rem}nav{position:static;height:auto;columns:2}.in{padding-left:0}.code{white-space:normal}}
`;

/** @param document as `openApiDocument` makes it */
export function referencePage(document: JsonObject): Answer {
  const { info, paths, components } = document as unknown as ApiDocument;
  const byTag = new Map<string, Entry[]>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const [tag = ''] = operation.tags;
      byTag.set(tag, [
        ...(byTag.get(tag) ?? []),
        { ...operation, method: method.toUpperCase(), path },
      ]);
    }
  }
  const sections = [...byTag].map(
    ([tag, entries]) =>
      `<h2 id="${escapeHtml(tag)}">${escapeHtml(tag)}</h2>${entries.map(operationHtml).join('')}`,
  );
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<details class="op" id="schema-${name}"><summary><b class="m"></b><code>${name}</code></summary><div class="in">${jsonHtml(schema)}</div></details>`,
  );
  const links = [...byTag.keys(), 'Schemas'].map(
    (tag) => `<a href="#${escapeHtml(tag)}">${escapeHtml(tag)}</a>`,
  );
  return {
    status: 200,
    contentType: 'text/html; charset=utf-8',
    headers: {
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
      'X-Content-Type-Options': 'nosniff',
    },
    body: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${info.title} API</title>
<style>${style}</style>
<nav><strong>${info.title}</strong><small>${escapeHtml(info.version)} · <a style="display:inline" href="/openapi.json">openapi.json</a> · <a style="display:inline" href="/asyncapi.json">asyncapi.json</a></small>${links.join('')}</nav>
<main>${sections.join('')}<h2 id="Schemas">Schemas</h2>${schemas.join('')}</main>
`,
  };
}

function operationHtml(entry: Entry): string {
  const { method, path, summary, parameters, requestBody, responses } = entry;
  const body = Object.values(requestBody?.content ?? {})[0]?.schema;
  const rows = parameters.map(
    ({ name, in: place, required }) =>
      `<tr><td>${place}</td><td><code>${escapeHtml(name)}</code>${required ? '' : ' (optional)'}</td></tr>`,
  );
  const answers = Object.entries(responses).map(
    ([status, answer]) => `<tr><td>${status}</td><td>${answerHtml(answer)}</td></tr>`,
  );
  return `<details class="op" id="${entry.operationId}"><summary><b class="m ${method}">${method}</b><code>${escapeHtml(path)}</code><span>${escapeHtml(summary)}</span></summary><div class="in">${
    rows.length > 0 ? `<h3>Parameters</h3><table>${rows.join('')}</table>` : ''
  }${body === undefined ? '' : `<h3>Body</h3>${jsonHtml(body)}`}<h3>Answers</h3><table>${answers.join('')}</table></div></details>`;
}

function answerHtml({ description, content, headers }: DescribedAnswer): string {
  const codes = headers?.['X-Mpsd-Refusal'].schema.enum;
  if (codes !== undefined) {
    return codes.map((code) => `<code class="code">${code}</code>`).join('');
  }
  return content === undefined
    ? escapeHtml(description)
    : `<a href="#schema-${description}">${description}</a>`;
}

function jsonHtml(value: unknown): string {
  return `<pre>${escapeHtml(JSON.stringify(value, undefined, 2))}</pre>`;
}
