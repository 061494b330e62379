/** The API description, in OpenAPI 3.1: made of the route table and of the schemas that check bodies. */

import { toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import { titleObject } from '../../domain/shape.ts';
import type { RefusalCode } from '../../domain/refusal.ts';
import { statusOf } from '../refusal-response.ts';
import type { Route } from '../route.ts';
import { type AnswerShape, answerShapes } from './answer-shapes.ts';
import type { Operation, PlainAnswer } from './operation.ts';
import { operations } from './operations.ts';
import { commonRefusals, ownRefusals } from './refusals.ts';

type Schema = Readonly<Record<string, unknown>>;

/**
 * The document for these routes, which do not include the login steps that a server lacks. Those without
 * an operation are left out: the inspector, whose API docs/inspector.md describes, and what answers that a
 * service of Xbox Live is not there.
 *
 * @param version of the package
 */
export function openApiDocument(routes: readonly Route[], version: string): Schema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const operation = operations[keyOf(route)];
    if (operation === undefined) continue;
    paths[route.path] = {
      ...paths[route.path],
      [route.method.toLowerCase()]: describe(route, operation),
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'OpenMPSD',
      version,
      summary: 'A self-hostable, wire-compatible Multiplayer Session Directory',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths,
    components: {
      schemas: Object.fromEntries(
        Object.entries(answerShapes).map(([name, shape]) => [name, schemaOf(shape)]),
      ),
      securitySchemes: {
        token: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description:
            'XBL3.0 x=<user hash>;<token>, or Bearer <token>. With --auth dev: XBL3.0 x=-;xuid=1001&gtg=Ada',
        },
        admin: { type: 'http', scheme: 'bearer', description: 'The token of an administrator' },
      },
    },
  };
}

/** As operations and refusals are found: `GET /handles/{id}`. */
export function keyOf({ method, path }: Pick<Route, 'method' | 'path'>): string {
  return `${method} ${path}`;
}

function describe(route: Route, operation: Operation): Schema {
  const { tag, summary, body, query = [], answers } = operation;
  return {
    operationId: operationIdOf(route),
    tags: [tag],
    summary,
    security: route.auth === 'none' ? [] : [{ [route.auth === 'admin' ? 'admin' : 'token']: [] }],
    parameters: [
      ...(route.path.match(/(?<=\{)\w+/g) ?? []).map((name) => ({
        name,
        in: 'path',
        required: true,
        schema: { type: 'string' },
      })),
      ...query.map((name) => ({ name, in: 'query', schema: { type: 'string' } })),
      ...(route.auth === 'mpsd' ? [contractVersion(route)] : []),
    ],
    ...(body && {
      requestBody: {
        required: true,
        content: { [bodyTypeOf(route)]: { schema: schemaOf(body) } },
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, shape]) => [status, answerOf(shape)]),
      ),
      ...refusalAnswers(route, tag),
    },
  };
}

function contractVersion({ contractVersionMin = 104 }: Route): Schema {
  return {
    name: 'X-Xbl-Contract-Version',
    in: 'header',
    required: true,
    schema: { type: 'integer', minimum: contractVersionMin },
  };
}

function operationIdOf({ method, path }: Route): string {
  const words = path.match(/\w+/g) ?? [];
  return [
    method.toLowerCase(),
    ...words.map((word) => word[0]?.toUpperCase() + word.slice(1)),
  ].join('');
}

function bodyTypeOf({ body }: Route): string {
  return body === 'form' ? 'application/x-www-form-urlencoded' : 'application/json';
}

function answerOf(shape: AnswerShape | PlainAnswer): Schema {
  switch (shape) {
    case 'none':
      return { description: 'No body' };
    case 'text':
      return { description: 'Text', content: { 'text/plain': { schema: { type: 'string' } } } };
    case 'page':
      return { description: 'A page', content: { 'text/html': { schema: { type: 'string' } } } };
    default:
      return {
        description: shape,
        content: { 'application/json': { schema: { $ref: `#/components/schemas/${shape}` } } },
      };
  }
}

/** The statuses of a route's refusals, each with the rules that refuse with it. */
export function refusalsByStatus(
  route: Route,
  tag: string,
): ReadonlyMap<number, ReadonlySet<RefusalCode>> {
  const byStatus = new Map<number, Set<RefusalCode>>();
  const add = (status: number, code: RefusalCode): void => {
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  };
  for (const code of commonRefusals(route)) add(statusOf[code], code);
  // That service has one status for all its rules.
  for (const code of ownRefusals(route, tag))
    add(tag === 'Activities' ? 400 : statusOf[code], code);
  // A full session refuses a join by handle in another way than one by its path.
  if (keyOf(route) === 'PUT /handles/{id}/session') add(403, 'sessionFull');
  return byStatus;
}

function refusalAnswers(route: Route, tag: string): Schema {
  return Object.fromEntries(
    [...refusalsByStatus(route, tag)].map(([status, codes]) => [
      String(status),
      {
        description: `Refused: ${[...codes].join(', ')}`,
        headers: {
          'X-Mpsd-Refusal': {
            description: 'The rule that refuses',
            schema: { type: 'string', enum: [...codes] },
          },
        },
      },
    ]),
  );
}

function schemaOf(shape: GenericSchema): Schema {
  const { $schema: _, ...schema } = toJsonSchema(shape, {
    errorMode: 'ignore',
    overrideSchema: ({ valibotSchema, jsonSchema }) =>
      valibotSchema === titleObject ? { ...jsonSchema, type: 'object' } : undefined,
  });
  return schema;
}
