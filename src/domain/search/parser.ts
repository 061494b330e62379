/**
 * Reads a search filter. Keywords and names in any case; `and` binds tighter than `or`.
 *
 *     filter     = and { "or" and }
 *     and        = not { "and" not }
 *     not        = "not" not | truth
 *     truth      = condition { ("eq" | "ne") ("true" | "false") }
 *     condition  = "(" filter ")"
 *                | list "/any(" variable ":" filter ")"
 *                | tag [ ("eq" | "ne") string ]
 *                | flag
 *                | operand operator operand       one is a name, the other a value
 *     operand    = path | variable | string | number | "tolower(" operand ")"
 *     operator   = "eq" | "ne" | "gt" | "ge" | "lt" | "le"
 *
 * Within any( ), the variable stands for the list as a whole: `d eq 'x'` holds when the list has
 * an x, `d ne 'x'` when it has none, and both compose: `tags/any(d:d eq 'a' and d ne 'b')`.
 * Strings compare in lower case, so `tolower` changes nothing.
 *
 * @source docs/wire/unknowns.md "conditions within any( )", docs/wire/search.md "POST /handles/query"
 */

import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { parseTime } from '../time.ts';
import { pathExpectation, resolvePath, type PathTarget } from './fields.ts';
import { exchanged, operators, type Filter, type Operator } from './filter.ts';
import { filterInvalid, lexFilter, show, type Token } from './lexer.ts';

/**
 * The filter of `text`.
 *
 * Refuses: filterInvalid, with the position and what was expected there; also above
 * filterCharactersMax and filterDepthMax.
 */
export function parseFilter(text: string): Filter | Refusal {
  if (text.length > limits.filterCharactersMax) {
    const expected = `at most ${limits.filterCharactersMax} characters`;
    return filterInvalid(limits.filterCharactersMax, expected, `${text.length} characters`);
  }
  const tokens = lexFilter(text);
  return tokens instanceof Refusal ? tokens : new Parser(tokens).parse();
}

type List = Extract<PathTarget, { kind: 'list' }>;

type Operand = { readonly at: number } & (
  | PathTarget
  | { readonly kind: 'value'; readonly value: string | number }
);

/** The lower-case variables in scope, and their lists. */
type Scope = ReadonlyMap<string, List>;

/** Reads the tokens once, from left to right. Each method returns its part, or the refusal. */
class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Filter | Refusal {
    const filter = this.#filter(new Map());
    if (filter instanceof Refusal) return filter;
    return this.#token.kind === 'end' ? filter : this.#expected('and, or, or the end');
  }

  #filter(scope: Scope): Filter | Refusal {
    return this.#joined('or', () => this.#joined('and', () => this.#not(scope)));
  }

  #joined(kind: 'and' | 'or', part: () => Filter | Refusal): Filter | Refusal {
    const of: Filter[] = [];
    do {
      const read = part();
      if (read instanceof Refusal) return read;
      of.push(read);
    } while (this.#takes(kind));
    const [only] = of;
    return of.length === 1 && only ? only : { kind, of };
  }

  #not(scope: Scope): Filter | Refusal {
    if (!this.#takes('not')) return this.#truth(scope);
    return this.#deeper(() => negated(this.#not(scope)));
  }

  #truth(scope: Scope): Filter | Refusal {
    let condition = this.#condition(scope);
    while (!(condition instanceof Refusal)) {
      const operator = this.#operator();
      if (operator === undefined) return condition;
      if (operator !== 'eq' && operator !== 'ne') {
        return this.#expected('and, or, eq true, or the end', -1);
      }
      const isTrue = this.#takes('true');
      if (!isTrue && !this.#takes('false')) return this.#expected('true or false');
      if (isTrue !== (operator === 'eq')) condition = negated(condition);
    }
    return condition;
  }

  #condition(scope: Scope): Filter | Refusal {
    if (this.#takes('(')) return this.#deeper(() => this.#closed(this.#filter(scope)));
    const any = this.#anyList();
    if (any !== undefined) return this.#any(any, scope);
    const left = this.#operand(scope);
    if (left instanceof Refusal) return left;
    if (left.kind === 'flag') return { kind: 'is', flag: left.field };
    if (left.kind === 'member') return this.#memberCondition(left);
    const operator = this.#operator();
    if (operator === undefined) return this.#expected(`an operator (${operators.join(', ')})`);
    const right = this.#operand(scope);
    if (right instanceof Refusal) return right;
    return left.kind === 'value'
      ? compare(right, exchanged[operator], left)
      : compare(left, operator, right);
  }

  /** The list of a `list/any(`, which it consumes; undefined when the next token is none. */
  #anyList(): List | Refusal | undefined {
    const { kind, text, at } = this.#token;
    const path = /^(.+)\/any$/i.exec(text)?.[1];
    if (kind !== 'path' || path === undefined || this.#tokens[this.#next + 1]?.text !== '(') {
      return undefined;
    }
    const named = resolvePath(path);
    if (named?.kind !== 'list') {
      const expected =
        'a list (tags, achievementIds, session/memberXuids, session/ownerXuids or session/keywords) before /any';
      return filterInvalid(at, expected, show(path));
    }
    this.#next += 2;
    return named;
  }

  #any(list: List | Refusal, scope: Scope): Filter | Refusal {
    if (list instanceof Refusal) return list;
    const { kind, text } = this.#token;
    const variable = text.toLowerCase();
    if (kind !== 'path' || text.includes('/') || isKeyword(variable)) {
      return this.#expected("a variable, as in any(d:d eq 'x')");
    }
    this.#next += 1;
    if (!this.#takes(':')) return this.#expected('":" after the variable');
    const inner = new Map([...scope, [variable, list]]);
    return this.#deeper(() => this.#closed(this.#filter(inner)));
  }

  /** `tags/elite` alone, or compared with any text: true when the tag exists. */
  #memberCondition({ list, value }: Extract<PathTarget, { kind: 'member' }>): Filter | Refusal {
    const has: Filter = { kind: 'has', list, value };
    const start = this.#next;
    const operator = this.#operator();
    if (operator === undefined || this.#token.kind !== 'string') {
      this.#next = start;
      return has;
    }
    if (operator !== 'eq' && operator !== 'ne') return this.#expected('eq or ne', -1);
    this.#next += 1;
    return operator === 'eq' ? has : negated(has);
  }

  #operand(scope: Scope): Operand | Refusal {
    const { kind, text, at } = this.#token;
    const word = text.toLowerCase();
    if (kind === 'path' && word === 'tolower' && this.#tokens[this.#next + 1]?.text === '(') {
      this.#next += 2;
      return this.#deeper(() => this.#lowered(scope));
    }
    if (kind === 'string') {
      this.#next += 1;
      return { kind: 'value', value: text, at };
    }
    if (kind === 'number') {
      const value = Number(text);
      if (!Number.isFinite(value)) return this.#expected('a number below 1.8e308');
      this.#next += 1;
      // Without the sign of zero, which no comparison sees.
      return { kind: 'value', value: value + 0, at };
    }
    const named = kind === 'path' ? (scope.get(word) ?? resolvePath(text)) : undefined;
    if (named === undefined) {
      return this.#expected(
        isKeyword(word) || kind !== 'path'
          ? 'a condition or a value'
          : `${pathExpectation}, or a string in single quotes`,
      );
    }
    if (named.kind === 'list' && !scope.has(word)) {
      return filterInvalid(at, `${text}/any(d:d eq 'x'), since ${text} is a list`, show(text));
    }
    this.#next += 1;
    return { ...named, at };
  }

  #lowered(scope: Scope): Operand | Refusal {
    const at = this.#token.at;
    const inner = this.#operand(scope);
    if (inner instanceof Refusal) return inner;
    const isText =
      inner.kind === 'value'
        ? typeof inner.value === 'string'
        : ['string', 'list', 'member'].includes(inner.kind);
    if (!isText) return filterInvalid(at, 'a string within tolower( )', `a ${inner.kind}`);
    return this.#closed(inner);
  }

  #operator(): Operator | undefined {
    return operators.find((operator) => this.#takes(operator));
  }

  #closed<T>(read: T | Refusal): T | Refusal {
    if (read instanceof Refusal || this.#takes(')')) return read;
    return this.#expected('")"');
  }

  #deeper<T>(read: () => T | Refusal): T | Refusal {
    if (this.#depth === limits.filterDepthMax) {
      return this.#expected(`at most ${limits.filterDepthMax} levels of nesting`, -1);
    }
    this.#depth += 1;
    const inner = read();
    this.#depth -= 1;
    return inner;
  }

  get #token(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: '', at: 0 };
  }

  /** Consumes the keyword or symbol when it is next. */
  #takes(word: string): boolean {
    const { kind, text } = this.#token;
    const isNext = (kind === 'path' || kind === 'symbol') && text.toLowerCase() === word;
    if (isNext) this.#next += 1;
    return isNext;
  }

  /** The refusal with what was expected in place of the next token, or of one before it. */
  #expected(expected: string, offset = 0): Refusal {
    const { kind, text, at } = this.#tokens[this.#next + offset] ?? this.#token;
    return filterInvalid(at, expected, kind === 'string' ? `the string '${text}'` : show(text));
  }
}

const keywords: ReadonlySet<string> = new Set([...operators, 'and', 'or', 'not', 'true', 'false']);

function isKeyword(word: string): boolean {
  return keywords.has(word);
}

function negated(filter: Filter | Refusal): Filter | Refusal {
  return filter instanceof Refusal ? filter : { kind: 'not', of: filter };
}

/** `left operator right`, where the left is a name and the right must be a value of its kind. */
function compare(left: Operand, operator: Operator, right: Operand): Filter | Refusal {
  if (right.kind !== 'value') {
    return filterInvalid(right.at, 'a value: a number, or a string in single quotes', 'a name');
  }
  const { value, at } = right;
  const found = typeof value === 'string' ? `the string '${value}'` : `the number ${value}`;
  switch (left.kind) {
    case 'value':
      return filterInvalid(left.at, `a name to compare with (${pathExpectation})`, 'a value');
    case 'list':
    case 'member': {
      if (typeof value !== 'string') return filterInvalid(at, 'a string in single quotes', found);
      if (operator !== 'eq' && operator !== 'ne') {
        return filterInvalid(left.at, 'eq or ne after it, since a list has no order', operator);
      }
      const has: Filter = {
        kind: 'has',
        list: left.list,
        value: left.kind === 'member' ? left.value : value.toLowerCase(),
      };
      return operator === 'eq' ? has : { kind: 'not', of: has };
    }
    case 'flag':
      return filterInvalid(at, 'true or false', found);
    case 'number':
      if (typeof value === 'number') {
        return { kind: 'compare', field: left.field, operator, value };
      }
      return filterInvalid(at, `a number, since ${left.field} is one`, found);
    case 'string':
      if (typeof value === 'string') {
        return { kind: 'compare', field: left.field, operator, value: value.toLowerCase() };
      }
      return filterInvalid(at, `a string in single quotes, since ${left.field} is one`, found);
    case 'id':
      if (operator === 'eq' || operator === 'ne') {
        return { kind: 'compare', field: left.field, operator, value: String(value) };
      }
      return filterInvalid(
        left.at,
        `eq or ne after it, since ${left.field} has no order`,
        operator,
      );
    case 'time': {
      const timeMs = typeof value === 'string' ? parseTime(value) : undefined;
      if (timeMs === undefined) {
        return filterInvalid(at, "a time such as '2009-06-15T13:45:30.0900000Z'", found);
      }
      return { kind: 'compare', field: left.field, operator, value: timeMs };
    }
  }
}
