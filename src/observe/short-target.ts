import { targetWithoutSecrets } from './secrets.ts';

/** Characters of a query that are shown. */
const queryCharactersMax = 60;

/**
 * A request target as short as people can still read it: sessions by template and name, ids by their
 * first eight digits, tokens replaced.
 *
 *     /serviceconfigs/bd6c…/sessionTemplates/deathmatch/sessions/room-1/members/me
 *     deathmatch/room-1/members/me
 */
export function shortTarget(target: string): string {
  const shownTarget = targetWithoutSecrets(target);
  const at = shownTarget.indexOf('?');
  const path = at < 0 ? shownTarget : shownTarget.slice(0, at);
  const query = at < 0 ? '' : shortQuery(shownTarget.slice(at));
  const [empty, first = '', , ...rest] = path.split('/');
  if (empty !== '' || first.toLowerCase() !== 'serviceconfigs' || rest.length === 0) {
    return `${path.split('/').map(shortSegment).join('/')}${query}`;
  }
  const [kind = '', templateName, , ...more] = rest;
  const isOfSession = kind.toLowerCase() === 'sessiontemplates' && more.length > 0;
  const shown = isOfSession ? [templateName ?? '', ...more] : rest;
  return `${shown.map(shortSegment).join('/')}${query}`;
}

/** The same for the key of a session: `deathmatch/room-1`. */
export function shortKey(key: string): string {
  const [, templateName = '', ...name] = key.split('~');
  return `${templateName}/${shortSegment(name.join('~'))}`;
}

/** A GUID is cut to its first part, an activity id to the one that it begins with. */
export function shortSegment(segment: string): string {
  return segment.length >= 36 && segment[8] === '-' && segment[13] === '-' && segment[18] === '-'
    ? `${segment.slice(0, 8)}…`
    : segment;
}

function shortQuery(query: string): string {
  return query.length <= queryCharactersMax ? query : `${query.slice(0, queryCharactersMax)}…`;
}
