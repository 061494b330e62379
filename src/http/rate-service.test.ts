import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rateServiceOf } from './rate-service.ts';
import { routes } from './routes.ts';

/** @source docs/wire/rate-limits.md "What is counted as what" */
test('each route is counted as a service', () => {
  const found = new Map<string, string[]>();
  for (const route of routes) {
    const service = rateServiceOf(route, '127.0.0.1:8350') ?? 'nothing';
    found.set(service, [...(found.get(service) ?? []), `${route.method} ${route.path}`]);
  }
  const of = (service: string) => (found.get(service) ?? []).join('\n');
  assert.match(of('sessiondirectory'), /PUT .*sessions\/\{.*DELETE \/handles\/\{id\}/s);
  assert.match(of('social'), /\/users\/\{owner\}\/people$/m);
  assert.match(of('privacy'), /people\/avoid/);
  assert.match(of('profile'), /POST \/users\/batch\/profile\/settings/);
  assert.match(of('presenceRead'), /POST \/users\/batch$/m);
  assert.match(of('presenceWrite'), /POST \/users\/\{owner\}\/devices/);
  assert.doesNotMatch(of('presenceWrite'), /GET/);
  assert.match(of('activity'), /\/titles\/\{titleId\}\/activities/);
  assert.doesNotMatch(of('nothing'), /sessions|handles|people\b|profile|presence/);
});

test('the host decides where two services have a path', () => {
  const people = routes.find(
    ({ method, path }) => method === 'GET' && path === '/users/{owner}/people',
  );
  assert.ok(people);
  assert.equal(rateServiceOf(people, 'social.xboxlive.com'), 'social');
  assert.equal(rateServiceOf(people, 'PeopleHub.xboxlive.com:443'), 'peoplehub');
  for (let n = 0; n < 200; n += 1) {
    assert.equal(rateServiceOf(people, `host-${n}.example`), 'social');
  }
});

test('searches are counted apart from other handles, by their bodies', () => {
  const byBody = routes.filter(({ rateServiceOf: ofBody }) => ofBody !== undefined);
  const [post, query, ...others] = byBody.map(({ method, path, rateServiceOf: ofBody }) => {
    assert.ok(ofBody);
    return { at: `${method} ${path}`, ofBody };
  });
  assert.deepEqual([post?.at, query?.at, others], ['POST /handles', 'POST /handles/query', []]);
  for (const [route, body, service] of [
    [post, { type: 'search' }, 'searchWrite'],
    [post, { type: 'Search' }, 'searchWrite'],
    [post, { type: 'activity' }, 'sessiondirectory'],
    [post, {}, 'sessiondirectory'],
    [query, { type: 'search' }, 'searchRead'],
    [query, { type: 7 }, 'sessiondirectory'],
  ] as const) {
    assert.equal(route?.ofBody(body), service, JSON.stringify(body));
  }
});
