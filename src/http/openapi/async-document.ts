/** The description of RTA, in AsyncAPI 3.0. @source docs/wire/rta.md "Frames" */

import { toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import { dataShapes, frameShapes } from './frame-shapes.ts';

type Schema = Readonly<Record<string, unknown>>;

/** @param version of the package */
export function asyncApiDocument(version: string): Schema {
  const frames = Object.entries(frameShapes);
  const sentBy = (sender: 'client' | 'server') =>
    frames
      .filter(([, { from }]) => from === sender)
      .map(([name]) => ({ $ref: `#/channels/rta/messages/${name}` }));
  return {
    asyncapi: '3.0.0',
    info: { title: 'OpenMPSD RTA', version, license: { name: 'MIT' } },
    channels: {
      rta: {
        address: '/connect',
        title: 'Live notifications over a WebSocket',
        messages: Object.fromEntries(
          frames.map(([name]) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
        bindings: { ws: { method: 'GET', query: nonceQuery } },
      },
    },
    operations: {
      listen: {
        action: 'receive',
        channel: { $ref: '#/channels/rta' },
        messages: sentBy('client'),
      },
      notify: { action: 'send', channel: { $ref: '#/channels/rta' }, messages: sentBy('server') },
    },
    components: {
      messages: Object.fromEntries(
        frames.map(([name, { summary, shape }]) => [
          name,
          { name, summary, contentType: 'application/json', payload: schemaOf(shape, dataShapes) },
        ]),
      ),
      schemas: Object.fromEntries(
        Object.entries(dataShapes).map(([name, shape]) => [name, schemaOf(shape)]),
      ),
    },
  };
}

const nonceQuery = {
  type: 'object',
  properties: {
    nonce: { type: 'string', description: 'Of GET /nonce, in place of Authorization' },
  },
};

/** In draft 07 of JSON Schema, which AsyncAPI has. `named` are referred to. */
function schemaOf(shape: GenericSchema, named: Record<string, GenericSchema> = {}): Schema {
  const { $schema, $defs, ...schema } = toJsonSchema(shape, {
    target: 'draft-07',
    definitions: named,
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  });
  return schema;
}
