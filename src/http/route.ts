import type { Writable } from 'node:stream';
import type { Caller } from '../domain/caller.ts';
import type { RequestCause } from '../domain/cause.ts';
import type { JsonObject } from '../domain/json.ts';
import type { RateService } from '../domain/rate-limits/rate-limits.ts';
import type { Refusal } from '../domain/refusal.ts';
import type { Context } from '../directory/context.ts';

/** One line of the API: a verb on a path, and what it answers. */
export type Route = {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /**
   * Literals match without regard to case; `{name}` stands for one segment that is not empty. Where
   * two paths fit, a literal goes before a parameter, whatever the verbs: a verb that the more
   * literal path lacks is a 405.
   */
  readonly path: string;
  /** True where the path is unknown to every other verb: 404, not 405. */
  readonly isOnlyVerb?: boolean;
  /**
   * What the caller must send: `mpsd`, a token and a contract version; `token`, only a token; `admin`, the
   * token of an administrator. A server without administrators has no routes with `admin`.
   */
  readonly auth: 'mpsd' | 'token' | 'admin' | 'none';
  /**
   * True of another verb that changes nothing, as of a POST that asks for much; or with which queries that is so.
   * A GET never changes anything.
   */
  readonly onlyReads?: boolean | ((query: URLSearchParams) => boolean);
  /** As what a request is counted, where its body says that. By host and path when absent. */
  readonly rateServiceOf?: (body: JsonObject) => RateService;
  /** The oldest contract version that is answered, where `auth` is `mpsd`; 104 when absent. */
  readonly contractVersionMin?: number;
  /**
   * Whether the body is read: a JSON object that must be there, `exact` with every number as it was
   * written; a form (`a=1&b=2`); any text, which is the member `text`; or none, whatever was sent.
   */
  readonly body: 'object' | 'exact' | 'form' | 'text' | 'none';
  /** Bytes of a body; the setting when absent. */
  readonly bodyBytesMax?: number;
  /**
   * True where members that nobody knows may be kept: all numbers of the body are exact then, if the
   * policy is to keep them.
   */
  readonly keepsUnknown?: boolean;
  /**
   * False: answers no page of another origin, whatever origins are allowed. True when absent, but false
   * where `auth` is `admin`.
   */
  readonly isForPages?: boolean;
  readonly answer: (
    request: RouteRequest,
    context: Context,
  ) => Promise<Answer | Refusal | RefusalWithHeaders>;
};

/** True of a route that changes nothing with this query. Without a query: that never changes anything. */
export function isReading(
  { method, onlyReads = false }: Pick<Route, 'method' | 'onlyReads'>,
  query?: URLSearchParams,
): boolean {
  if (typeof onlyReads === 'boolean') return method === 'GET' || onlyReads;
  return query !== undefined && onlyReads(query);
}

export type RouteRequest = {
  /** Path parameters, percent-decoded, in the caller's case. */
  readonly params: Readonly<Record<string, string>>;
  /** Never changed: requests without a query share one. */
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /**
   * Numbers under a key named `custom` exact, or all by `keepsUnknown`; texts of a form; `{}` where it
   * reads none.
   */
  readonly body: JsonObject;
  /** Undefined only where `auth` is `none`. */
  readonly caller: Caller;
  /** What changes that the route makes are caused by. */
  readonly cause: RequestCause;
  /** 104 to 107; 107 where the route asks for none. */
  readonly contractVersion: number;
};

/** The answer. A text body is sent as it is. */
export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Writes the body and ends it, in place of `body`; it may take as long as the client stays. */
  readonly stream?: (outgoing: Writable) => void;
  /** Of the body; `application/json` when absent. */
  readonly contentType?: string;
  /** True for a session document, which clients may revalidate. */
  readonly isSession?: boolean;
  /** The refusal that this answer says, for observers. */
  readonly refusal?: Refusal;
};

/** A refusal with own headers, such as a `Content-Location`. */
export type RefusalWithHeaders = {
  readonly refusal: Refusal;
  readonly headers: Readonly<Record<string, string>>;
};
