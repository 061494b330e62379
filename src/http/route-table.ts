import { Refusal } from '../domain/refusal.ts';
import type { RefusalWithHeaders, Route } from './route.ts';

/** Finds the route of a request line. */
export type RouteTable = {
  /**
   * The route of this verb on the path of `target`: the path decides first, then the verb. HEAD is
   * answered where GET is. A trailing slash is an empty segment, and no path has one.
   *
   * Refuses: requestMalformed, pathUnknown, verbNotAllowed with `Allow`.
   *
   * @source docs/wire/README.md "Every request"
   */
  find(method: string, target: string): RouteMatch | Refusal | RefusalWithHeaders;
};

export type RouteMatch = {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
  /** What follows the `?`, undecoded. */
  readonly search: string;
};

/** A node in the tree of paths; `verbs` is empty where no path ends. */
type Node = {
  readonly literals: Map<string, Node>;
  parameter?: Node;
  readonly verbs: Map<string, Verb>;
};

type Verb = {
  readonly route: Route;
  /** The parameters of the path, and the segment of each. */
  readonly parameters: readonly { readonly name: string; readonly at: number }[];
};

/** The table of these routes. */
export function buildRouteTable(routes: readonly Route[]): RouteTable {
  const root = newNode();
  for (const route of routes) addRoute(root, route);
  return { find: (method, target) => findRoute(root, method, target) };
}

function newNode(): Node {
  return { literals: new Map(), verbs: new Map() };
}

function addRoute(root: Node, route: Route): void {
  const parameters: { name: string; at: number }[] = [];
  let node = root;
  for (const [at, segment] of segmentsOf(route.path).entries()) {
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (name === undefined) {
      const literal = segment.toLowerCase();
      const next = node.literals.get(literal) ?? newNode();
      node.literals.set(literal, next);
      node = next;
    } else {
      parameters.push({ name, at });
      node.parameter ??= newNode();
      node = node.parameter;
    }
  }
  if (node.verbs.has(route.method)) {
    throw new Error(`two routes answer ${route.method} ${route.path}`);
  }
  node.verbs.set(route.method, { route, parameters });
}

function findRoute(
  root: Node,
  method: string,
  target: string,
): RouteMatch | Refusal | RefusalWithHeaders {
  const { path, search } = parseTarget(target);
  const segments = decodeSegments(path);
  if (segments === undefined) {
    return new Refusal(
      'requestMalformed',
      `The path ${path} is not percent-encoded UTF-8; write each "%" of a name as "%25".`,
    );
  }
  const node = descend(root, segments, 0);
  const verb = node?.verbs.get(method === 'HEAD' ? 'GET' : method);
  if (node === undefined || (verb === undefined && hasOnlyVerb(node))) {
    return new Refusal('pathUnknown', `Nothing is found at ${path}.${adviceOn(segments)}`);
  }
  if (verb === undefined) {
    const allowed = [...node.verbs.keys()]
      .map((one) => (one === 'GET' ? 'GET, HEAD' : one))
      .join(', ');
    return {
      refusal: new Refusal('verbNotAllowed', `${path} answers ${allowed}, not ${method}.`),
      headers: { Allow: allowed },
    };
  }
  const params: Record<string, string> = {};
  for (const { name, at } of verb.parameters) params[name] = segments[at] ?? '';
  return { route: verb.route, params, search };
}

function hasOnlyVerb({ verbs }: Node): boolean {
  return [...verbs.values()].some(({ route }) => route.isOnlyVerb === true);
}

/** A request target in its parts. */
export type Target = {
  readonly path: string;
  /** What follows the `?`, undecoded. */
  readonly search: string;
  /** Whom the request is for, where the target is a whole URL: it goes before `Host`. */
  readonly host: string | undefined;
};

/** The parts of a request target: a path, or a whole URL, as clients send it to a proxy. */
export function parseTarget(target: string): Target {
  const searchAt = target.indexOf('?');
  const place = searchAt < 0 ? target : target.slice(0, searchAt);
  const search = searchAt < 0 ? '' : target.slice(searchAt + 1);
  if (place.startsWith('/')) return { path: place, search, host: undefined };
  const [whole = '', host] = /^(?:https?|wss?):\/\/([^/]*)/i.exec(place) ?? [];
  const path = place.slice(whole.length);
  return { path: path.startsWith('/') ? path : `/${path}`, search, host };
}

function segmentsOf(path: string): string[] {
  return path === '/' ? [] : path.split('/').slice(1);
}

/** Undefined when the percent-encoding is malformed. */
function decodeSegments(path: string): string[] | undefined {
  const segments = segmentsOf(path);
  if (!path.includes('%')) return segments;
  try {
    return segments.map((segment) => decodeURIComponent(segment));
  } catch {
    return undefined;
  }
}

/** The node that `segments` lead to from `node`, which is at depth `at`; literals go first. */
function descend(node: Node, segments: readonly string[], at: number): Node | undefined {
  const segment = segments[at];
  if (segment === undefined) return node.verbs.size > 0 ? node : undefined;
  if (segment === '') return undefined;
  const { literals, parameter } = node;
  // Converted to lower case only where a literal could match in another case.
  const literal =
    literals.size === 0
      ? undefined
      : (literals.get(segment) ?? literals.get(segment.toLowerCase()));
  const found = literal && descend(literal, segments, at + 1);
  if (found !== undefined || parameter === undefined) return found;
  return descend(parameter, segments, at + 1);
}

function adviceOn(segments: readonly string[]): string {
  return segments.includes('')
    ? ' It has an empty segment: a name is missing, or there is a slash too many.'
    : '';
}
