import { startServer } from '../../src/server.ts';
import { codeBlock, codeCell, escapeText } from './markdown.ts';
import { type Schema, typeText } from './schema-text.ts';

type ApiDocument = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

type Operation = {
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Response>>;
};

type Parameter = { readonly name: string; readonly in: string; readonly required?: boolean };
type Body = { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
type Response = {
  readonly description: string;
  readonly content?: Body['content'];
  readonly headers?: Readonly<Record<string, { readonly schema?: { readonly enum?: string[] } }>>;
};

/** Every route, as the API description of a running server says it. */
export async function apiPage(): Promise<string> {
  await using server = await startServer({
    port: 0,
    store: 'memory',
    control: true,
    adminToken: 'only-to-have-its-routes',
  });
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as ApiDocument;
  const byTag = new Map<string, string[]>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const [tag = ''] = operation.tags;
      byTag.set(tag, [...(byTag.get(tag) ?? []), section(method.toUpperCase(), path, operation)]);
    }
  }
  const tags = [...byTag].map(([tag, sections]) => `## ${tag}\n\n${sections.join('\n')}`);
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]) => `### ${name}\n\n${shapeOf(schema)}`,
  );
  return `---
outline: [2, 2]
---

# HTTP API

Every route of a server. A running server has the same as \`/openapi.json\` (OpenAPI 3.1), for programs, and as
\`/reference\`; \`/asyncapi.json\` describes [RTA](/wire/rta.md). What the routes mean: [the protocol](/wire/index.md). The
codes of refusals are in the header \`X-Mpsd-Refusal\`: [refusals](/wire/refusals.md).

${tags.join('\n')}
## Shapes of answers

${schemas.join('\n')}`;
}

function section(method: string, path: string, operation: Operation): string {
  const { summary, parameters = [], requestBody, responses } = operation;
  const [body] = Object.values(requestBody?.content ?? {});
  const rows = Object.entries(responses).map(([status, response]) => {
    const codes = response.headers?.['X-Mpsd-Refusal']?.schema?.enum ?? [];
    const named = codes.map((code) => `\`${code}\``).join(', ');
    const [answer] = Object.values(response.content ?? {});
    const shape = answer?.schema.$ref?.split('/').at(-1);
    const says = shape === undefined ? '' : `[${shape}](#${shape.toLowerCase()})`;
    return `| ${status} | ${named || says || escapeText(response.description)} |`;
  });
  const list = parameters
    .filter((one) => one.in !== 'path')
    .map((one) => `${codeCell(one.name)} (${one.in}${one.required ? ', needed' : ''})`);
  return [
    `### ${method} ${escapeText(path)}`,
    '',
    ...(summary === path ? [] : [`${escapeText(summary)}.`, '']),
    ...(list.length === 0 ? [] : [`Also takes ${list.join(', ')}.`, '']),
    ...(body === undefined
      ? []
      : [`::: details The shape of the body\n${shapeOf(body.schema)}:::`, '']),
    '| status | answer |',
    '| --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function shapeOf(schema: Schema): string {
  return codeBlock('ts', typeText(schema));
}
