import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../domain/refusal.ts';
import { sampleRoute, sampleRoutes } from '../testing/sample-app.ts';
import { buildRouteTable } from './route-table.ts';

const table = buildRouteTable([...sampleRoutes, sampleRoute('POST', '/posts')]);

function find(method: string, target: string): unknown {
  const match = table.find(method, target);
  if (match instanceof Refusal) return match.code;
  if ('refusal' in match) return [match.refusal.code, match.headers['Allow']];
  const { route, params, search } = match;
  return [route.path, params, search];
}

const seats = '/rooms/{room}/Seats/{Seat}';
const seat = (room: string, Seat: string, search = '') => [seats, { room, Seat }, search];
const seatVerbs = 'GET, HEAD, PUT, DELETE';

const cases: readonly (readonly [method: string, target: string, found: unknown])[] = [
  ['GET', '/rooms/a/seats/b', seat('a', 'b')],
  ['GET', '/ROOMS/Ab/sEATs/Cd', seat('Ab', 'Cd')],
  ['PUT', '/rooms/a/seats/b?nocommit=true&x=%zz', seat('a', 'b', 'nocommit=true&x=%zz')],
  ['GET', '/rooms/a/seats/b?', seat('a', 'b')],
  // Parameters keep what was encoded; a literal may be encoded as well.
  ['GET', '/rooms/%61%2Fb/seats/%25%3F', seat('a/b', '%?')],
  ['GET', '/%72ooms/a/seats/b', seat('a', 'b')],
  ['GET', '/rooms/%C4%B0zmir/seats/%C4%B0', seat('İzmir', 'İ')],
  ['GET', '/rooms/a+b/seats/..', seat('a+b', '..')],
  // Malformed percent-encoding, and bytes that are not UTF-8.
  ['GET', '/rooms/%/seats/b', 'requestMalformed'],
  ['GET', '/rooms/%zz/seats/b', 'requestMalformed'],
  ['GET', '/rooms/%ff/seats/b', 'requestMalformed'],
  ['GET', '/nowhere/%ed%a0%80', 'requestMalformed'],
  // Unknown paths: too short, too long, empty segments, a trailing slash.
  ['GET', '/rooms', 'pathUnknown'],
  ['GET', '/rooms/a/seats/b/c', 'pathUnknown'],
  ['GET', '/rooms//seats/b', 'pathUnknown'],
  ['GET', '/rooms/a/seats/', 'pathUnknown'],
  ['GET', '/rooms/a/seats/b/', 'pathUnknown'],
  ['GET', '//rooms/a/seats/b', 'pathUnknown'],
  ['PATCH', '/nowhere', 'pathUnknown'],
  ['OPTIONS', '*', 'pathUnknown'],
  ['GET', '/', ['/', {}, '']],
  ['GET', '/?a', ['/', {}, 'a']],
  // The path decides before the verb.
  ['HEAD', '/rooms/a/seats/b', seat('a', 'b')],
  ['HEAD', '/posts', ['verbNotAllowed', 'POST']],
  ['PROPFIND', '/rooms/a/seats/b', ['verbNotAllowed', seatVerbs]],
  ['get', '/rooms/a/seats/b', ['verbNotAllowed', seatVerbs]],
  ['GET', '/rooms/a/seats/mine', ['/rooms/{room}/Seats/mine', { room: 'a' }, '']],
  ['PUT', '/rooms/a/seats/MINE', ['verbNotAllowed', 'GET, HEAD']],
  // A literal that leads nowhere does not hide a parameter that leads somewhere.
  ['GET', '/rooms/all/seats/b', seat('all', 'b')],
  ['GET', '/rooms/all/doors', ['/rooms/all/doors', {}, '']],
  ['GET', '/rooms/some/doors', 'pathUnknown'],
  // The form in which proxies are asked.
  ['GET', 'http://xboxlive.com/rooms/a/seats/b?c', seat('a', 'b', 'c')],
  ['GET', 'http://xboxlive.com', ['/', {}, '']],
  ['GET', 'http://xboxlive.com?a=//b', ['/', {}, 'a=//b']],
  ['GET', 'wss://xboxlive.com/rooms/a/seats/b', seat('a', 'b')],
  ['GET', 'HTTPS://xboxlive.com:443/rooms/a/seats/b', seat('a', 'b')],
];

for (const [method, target, found] of cases) {
  test(`${method} ${target} finds ${JSON.stringify(found)}`, () => {
    assert.deepEqual(find(method, target), found);
  });
}

// @source docs/wire/unknowns.md "a session reached by a bad path name"
test('an unknown path with an empty segment is answered that a name is missing', () => {
  const refusal = table.find('PUT', '/serviceconfigs//sessionTemplates//sessions/');
  assert.ok(refusal instanceof Refusal);
  assert.match(refusal.text, /empty segment: a name is missing, or there is a slash too many/);
});

test('two routes with one verb and one path are a fault of the program', () => {
  const twice = [sampleRoute('GET', '/rooms/{a}'), sampleRoute('GET', '/Rooms/{b}')];
  assert.throws(() => buildRouteTable(twice), /two routes answer GET/);
});
