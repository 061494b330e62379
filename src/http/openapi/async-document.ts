/** The description of RTA, in AsyncAPI 3.0. @source docs/wire/rta.md "Frames" */

type Schema = Readonly<Record<string, unknown>>;

const sequence = { type: 'integer', description: 'Chosen by the client; the answer has it again' };
const subscriptionId = { type: 'integer', description: 'Counted from 0 on each connection' };
const uri = { type: 'string', description: 'A resource', format: 'uri' };
const code = { type: 'integer', description: '0 done, else why not: docs/wire/rta.md' };

/** Each frame is an array of these parts. */
const frames = {
  subscribe: {
    summary: 'Subscribe to a resource',
    from: 'client',
    parts: [{ const: 1 }, sequence, uri],
  },
  subscribed: {
    summary: 'The answer to subscribe',
    from: 'server',
    parts: [{ const: 1 }, sequence, { const: 0 }, subscriptionId, {}],
  },
  notSubscribed: {
    summary: 'Subscribe is refused',
    from: 'server',
    parts: [{ const: 1 }, sequence, code, { type: 'string' }, { type: 'null' }],
  },
  unsubscribe: {
    summary: 'End a subscription',
    from: 'client',
    parts: [{ const: 2 }, sequence, subscriptionId],
  },
  unsubscribed: {
    summary: 'The answer to unsubscribe',
    from: 'server',
    parts: [{ const: 2 }, sequence, code],
  },
  event: {
    summary: 'An event of a subscription, such as taps',
    from: 'server',
    parts: [{ const: 3 }, subscriptionId, {}],
  },
  resync: {
    summary: 'Something may be missing: read what is followed again',
    from: 'server',
    parts: [{ const: 4 }],
  },
} as const;

const taps: Schema = {
  type: 'object',
  required: ['ncid', 'shoulderTaps'],
  properties: {
    ncid: { type: 'string', format: 'uuid' },
    shoulderTaps: {
      type: 'array',
      items: {
        type: 'object',
        required: ['timestamp', 'subscription', 'resourceType', 'resource', 'branch'],
        properties: {
          timestamp: { type: 'string' },
          subscription: { type: 'string' },
          resourceType: { const: 'mpsd/session' },
          resource: { type: 'string', description: '<scid>~<template>~<session>, lower-case' },
          branch: { type: 'string', format: 'uuid' },
          changeNumber: { type: 'integer', description: 'Absent: the session has ended' },
        },
      },
    },
  },
};

/** @param version of the package */
export function asyncApiDocument(version: string): Schema {
  const names = Object.keys(frames) as (keyof typeof frames)[];
  const sentBy = (from: 'client' | 'server') =>
    names
      .filter((name) => frames[name].from === from)
      .map((name) => ({ $ref: `#/channels/rta/messages/${name}` }));
  return {
    asyncapi: '3.0.0',
    info: { title: 'OpenMPSD RTA', version, license: { name: 'MIT' } },
    channels: {
      rta: {
        address: '/connect',
        title: 'Live notifications over a WebSocket',
        messages: Object.fromEntries(
          names.map((name) => [name, { $ref: `#/components/messages/${name}` }]),
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
        names.map((name) => [
          name,
          {
            name,
            summary: frames[name].summary,
            contentType: 'application/json',
            payload: frameSchema(frames[name].parts),
          },
        ]),
      ),
      schemas: { Taps: taps },
    },
  };
}

const nonceQuery = {
  type: 'object',
  properties: {
    nonce: { type: 'string', description: 'Of GET /nonce, in place of Authorization' },
  },
};

function frameSchema(parts: readonly Schema[]): Schema {
  return { type: 'array', prefixItems: parts, items: false, minItems: parts.length };
}
