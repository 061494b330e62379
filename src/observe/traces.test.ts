import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startServer } from '../server.ts';
import { joinBody, Kit } from '../testing/kit.ts';
import { openTraces } from './traces.ts';

type Attribute = { readonly key: string; readonly value: Record<string, unknown> };
type Span = {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly Attribute[];
  readonly events: readonly { readonly name: string; readonly attributes: readonly Attribute[] }[];
};

const attributeOf = (attributes: readonly Attribute[], key: string): unknown =>
  Object.values(attributes.find((one) => one.key === key)?.value ?? {})[0];

/** What was sent to a collector, by the time that it was closed. */
async function startCollector() {
  const bodies: string[] = [];
  const paths = new Set<string | undefined>();
  const collector = createServer((incoming, outgoing) => {
    paths.add(incoming.url);
    let text = '';
    incoming.setEncoding('utf8').on('data', (more) => (text += more));
    incoming.on('end', () => {
      bodies.push(text);
      outgoing.setHeader('content-type', 'application/json').end('{}');
    });
  });
  await once(collector.listen(0, '127.0.0.1'), 'listening');
  // A start that fails ends the test.
  collector.unref();
  const { port } = collector.address() as AddressInfo;
  const close = (): void => void collector.close();
  return { bodies, paths, url: `http://127.0.0.1:${port}/`, close };
}

/** The parts of all bodies that each have the attributes of the service and its spans. */
function resourcesOf(bodies: readonly string[]) {
  return bodies.flatMap((body) => {
    const { resourceSpans } = JSON.parse(body) as {
      resourceSpans: {
        resource: { attributes: Attribute[] };
        scopeSpans: { spans: Span[] }[];
      }[];
    };
    return resourceSpans;
  });
}

test('a collector gets a span for each request: where it belongs, what it committed, its calls of the store, no token', async () => {
  const collector = await startCollector();
  const { bodies, paths } = collector;
  await using server = await startServer({
    port: 0,
    store: 'memory',
    tracesUrl: collector.url,
  });
  const kit = new Kit(server.url, undefined);
  const ada = kit.user('ada');
  const reference = kit.reference();
  await ada.putSession(reference, joinBody());
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  await ada.request('GET', '/nowhere?nonce=verysecret', { headers: { traceparent } });
  await kit.request('GET', '/health/live');
  // What was not sent yet is sent at the end.
  await server.close();
  collector.close();

  assert.deepEqual([...paths], ['/v1/traces']);
  assert.ok(!bodies.join().includes('verysecret'));
  const resources = resourcesOf(bodies);
  for (const { resource } of resources) {
    assert.equal(attributeOf(resource.attributes, 'service.name'), 'openmpsd');
  }
  const spans = resources.flatMap(({ scopeSpans }) => scopeSpans.flatMap((one) => one.spans));
  const calls = spans.filter(({ name }) => name.startsWith('store '));
  const [put, get, ...more] = spans.filter(
    (span) => span.name !== 'sweep' && !calls.includes(span),
  );
  assert.deepEqual(more, [], 'health checks have none');
  assert.match(put?.name ?? '', /^PUT \/serviceconfigs\/\{scid\}/);
  assert.equal(attributeOf(put?.attributes ?? [], 'http.response.status_code'), 201);
  assert.equal(attributeOf(put?.attributes ?? [], 'enduser.id'), ada.xuid);
  const [committed] = put?.events ?? [];
  assert.equal(committed?.name, 'session committed');
  assert.match(
    String(attributeOf(committed?.attributes ?? [], 'openmpsd.session')),
    /~deathmatch~/,
  );
  const commit = calls.find(({ name }) => name === 'store commit');
  assert.deepEqual([commit?.traceId, commit?.parentSpanId], [put?.traceId, put?.spanId]);
  assert.equal(attributeOf(commit?.attributes ?? [], 'db.system.name'), 'memory');
  assert.ok(calls.every(({ parentSpanId }) => parentSpanId !== undefined));
  assert.deepEqual([get?.traceId, get?.parentSpanId], [traceId, '00f067aa0ba902b7']);
  assert.equal(attributeOf(get?.attributes ?? [], 'openmpsd.refusal'), 'pathUnknown');
});

// Kills: work after the answer that is remembered for ever, and takes the place of requests at work.
test('what is done after the answer is not remembered', async () => {
  const collector = await startCollector();
  const settings = { url: collector.url, version: '1', store: 'memory', nowMs: () => 1_000 };
  const traces = openTraces(settings);
  const call = (requestId: string): void =>
    traces.observe({
      kind: 'storeCalled',
      call: 'commit',
      durationMs: 1,
      isFailed: false,
      requestId,
    });
  const end = (id: string): void =>
    traces.observe({
      kind: 'request',
      id,
      atMs: 0,
      durationMs: 1,
      method: 'PUT',
      target: '/x',
      route: '/x',
      caller: undefined,
      address: undefined,
      requestHeaders: {},
      requestBody: undefined,
      status: 200,
      refusal: undefined,
      fault: undefined,
      answerHeaders: {},
      answerBody: undefined,
    });
  traces.begin('slow');
  call('slow');
  for (let n = 0; n < 1_500; n += 1) {
    traces.begin(`quick-${n}`);
    end(`quick-${n}`);
    call(`quick-${n}`);
  }
  end('slow');
  await traces[Symbol.asyncDispose]();
  collector.close();
  const spans = resourcesOf(collector.bodies).flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap((one) => one.spans),
  );
  assert.equal(spans.filter(({ name }) => name === 'store commit').length, 1);
});
