/**
 * Every regular expression of the sources: what bounds its input, and that its time grows with its
 * input and not with the square of it.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const src = resolve(import.meta.dirname, '../src');

/** Where the input comes from, and what bounds it. The operator's and our own may take its time. */
const bounds = {
  head: 'the head of a request: 16 KiB, by Node',
  body: 'a body: bodyBytesMax, and what the shape of its place allows',
  frame: 'a frame of a client: frameBytesMax',
  token: 'a token or a ticket within a head or a body',
  capture: 'a recorded request, or a file of them: as heads and bodies, or what its reader allows',
  operator: 'flags, files and addresses that who runs the program wrote',
  server: 'answers of the server that a client chose, or what its program gives it',
  store: 'what the store answers',
  own: 'text of our own',
} as const;

/** Each file that has one. */
const inputs: Readonly<Record<string, keyof typeof bounds>> = {
  'admin/forced-refusals.ts': 'head',
  'admin/request.ts': 'body',
  'auth/admin-access.ts': 'head',
  'auth/authorization.ts': 'head',
  'auth/claim-mapping.ts': 'operator',
  'auth/claims.ts': 'token',
  'auth/development-token.ts': 'token',
  'auth/encrypted-tokens.ts': 'token',
  'auth/issuer-keys.ts': 'operator',
  'auth/key-set.ts': 'operator',
  'auth/login-errors.ts': 'token',
  'auth/open-authenticator.ts': 'operator',
  'auth/outside-users.ts': 'token',
  'auth/token-chain.ts': 'token',
  'capture/capture.ts': 'capture',
  'capture/captured-users.ts': 'capture',
  'capture/compare.ts': 'capture',
  'capture/fiddler-frames.ts': 'capture',
  'capture/har.ts': 'capture',
  'capture/http-message.ts': 'capture',
  'capture/recorder.ts': 'head',
  'capture/replay-line.ts': 'own',
  'capture/replay.ts': 'capture',
  'capture/saz.ts': 'capture',
  'capture/translation.ts': 'capture',
  'capture/write-capture.ts': 'capture',
  'cli/admin.ts': 'operator',
  'cli/exec-environment.ts': 'own',
  'cli/exec.ts': 'operator',
  'cli/play.ts': 'operator',
  'cli/replay.ts': 'operator',
  'cli/serve.ts': 'operator',
  'cli/server-address.ts': 'server',
  'cli/simulate-hopper.ts': 'operator',
  'cli/simulation-chart.ts': 'own',
  'cli/taps.ts': 'server',
  'cli/token.ts': 'operator',
  'cli/trust-guides.ts': 'own',
  'cli/trust.ts': 'operator',
  'cli/watch.ts': 'server',
  'cli/wrap-text.ts': 'own',
  'client/json.ts': 'server',
  'client/multiplayer-service.ts': 'operator',
  'client/reference.ts': 'server',
  'client/retry.ts': 'server',
  'client/search-filter.ts': 'server',
  'config/file-variables.ts': 'operator',
  'config/read-rate-limits.ts': 'operator',
  'config/repeated-keys.ts': 'operator',
  'config/session-templates.ts': 'operator',
  'config/settings.ts': 'operator',
  'domain/activity/sequence-number.ts': 'body',
  'domain/calls/batches.ts': 'capture',
  'domain/calls/call-limits.ts': 'capture',
  'domain/calls/call.ts': 'capture',
  'domain/calls/repeats.ts': 'own',
  'domain/calls/service.ts': 'capture',
  'domain/handle/activity-id.ts': 'body',
  'domain/history/change.ts': 'own',
  'domain/ids.ts': 'body',
  'domain/json-fault.ts': 'body',
  'domain/json.ts': 'body',
  'domain/people/permission-request.ts': 'body',
  'domain/people/request.ts': 'head',
  'domain/printable-text.ts': 'capture',
  'domain/profile/profile.ts': 'head',
  'domain/query/session-query.ts': 'head',
  'domain/search/attributes.ts': 'body',
  'domain/search/candidate.ts': 'body',
  'domain/search/cursor.ts': 'body',
  'domain/search/fields.ts': 'body',
  'domain/search/lexer.ts': 'body',
  'domain/search/order.ts': 'body',
  'domain/search/parser.ts': 'body',
  'domain/session/constants.ts': 'body',
  'domain/session/precondition.ts': 'head',
  'domain/session/reference.ts': 'own',
  'domain/session/request.ts': 'body',
  'domain/session/roles.ts': 'body',
  'domain/shape.ts': 'own',
  'domain/time.ts': 'body',
  'domain/unknown-members.ts': 'own',
  'gateway/authority.ts': 'head',
  'gateway/forward-proxy.ts': 'head',
  'gateway/host-names.ts': 'own',
  'history/history-query.ts': 'body',
  'history/history-routes.ts': 'head',
  'http/answer-early.ts': 'head',
  'http/client-address.ts': 'head',
  'http/escape-html.ts': 'body',
  'http/failure-response.ts': 'own',
  'http/hosts.ts': 'head',
  'http/openapi/document.ts': 'own',
  'http/openapi/reference-page.ts': 'own',
  'http/origins.ts': 'head',
  'http/pipeline.ts': 'head',
  'http/refusal-response.ts': 'body',
  'http/route-table.ts': 'head',
  'http/routes/people-hub.ts': 'head',
  'http/routes/session-elements.ts': 'head',
  'http/routes/sessions.ts': 'head',
  'http/routes/sign-in.ts': 'body',
  'http/send-answer.ts': 'own',
  'http/stated-xuid.ts': 'head',
  'inspector/web/event-stream.ts': 'server',
  'inspector/web/keys.ts': 'own',
  'inspector/web/route.ts': 'operator',
  'inspector/web/visible-text.ts': 'server',
  'main.js': 'own',
  'matchmaking/population.ts': 'operator',
  'neighbours/users.ts': 'head',
  'observe/secret-replacement.ts': 'body',
  'platform/machine-id.ts': 'own',
  'platform/network.ts': 'operator',
  'platform/url-secrets.ts': 'operator',
  'inspector/accepted-rules.ts': 'body',
  'inspector/act.ts': 'body',
  'inspector/page.ts': 'head',
  'inspector/query.ts': 'head',
  'inspector/read-accepted.ts': 'head',
  'inspector/state-shapes.ts': 'body',
  'inspector/view-activity.ts': 'head',
  'rta/resource.ts': 'frame',
  'search/result-texts.ts': 'body',
  'store/record-store.ts': 'own',
  'store/redis/redis-address.ts': 'operator',
  'store/redis/redis-errors.ts': 'store',
  'store/redis/redis-history.ts': 'store',
  'store/redis/redis-keys.ts': 'operator',
  'store/redis/redis-records.ts': 'store',
  'store/redis/redis-shards.ts': 'store',
  'store/redis/redis-topology.ts': 'store',
  'store/redis/server-facts.ts': 'store',
  'store/sqlite/check-data-file.ts': 'store',
  'store/sqlite/unfinished-restore.ts': 'operator',
};

/** What repeats; and what comes after it, so that nothing matches in the end. */
const units = [
  ...['a', 'A', '0', '1', '9', ' ', '\t', '\n', '/', '//', '\\', '.', '..', '-', '_', '%', '%4'],
  ...['"', "'", "''", '""', ',', ':', ';', '=', '(', ')', '[', ']', '{', '}', '<', '@', '~', '\0'],
  ...[
    'a.',
    'a-',
    'a:',
    'a=',
    'a/',
    'a /',
    'a / ',
    '/ a',
    '1.',
    '1e',
    '0.',
    '-1',
    '\\"',
    '\\u',
    'é',
  ],
  ...['eyJ', 'eyJ.', 'Bearer ', 'Bearer+', 'XBL3.0 x', '"a":"', '"a" '],
  ...['serviceconfigs/', 'http://', 'x.y.', 'a\n', '"a"', '[[', ',0', ':0', '1\n', ' \n'],
];
const ends = ['', '!', '\0'];

type Expression = { readonly file: string; readonly expression: RegExp };

/** The regular expressions in TypeScript code: comments, strings and divisions are no such thing. */
function expressionsIn(code: string): readonly RegExp[] {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[dgimsuvy]*|[\w$)\]]+|\s+|./gsu;
  const found: RegExp[] = [];
  let before = '';
  for (const [text] of code.matchAll(token)) {
    if (/^\s/.test(text) || text.startsWith('//') || text.startsWith('/*')) continue;
    const [, source, flags] = /^\/(.+)\/([a-z]*)$/s.exec(text) ?? [];
    const isDivision = /[\w$)\]]$/.test(before) && !/^(return|case|typeof)$/.test(before);
    if (source !== undefined && !isDivision) found.push(new RegExp(source, flags));
    before = text;
  }
  return found;
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => /\.[jt]s$/.test(file) && !/\.test\.ts$|^testing\//.test(file))
  .sort();

const expressions: readonly Expression[] = files.flatMap((file) =>
  expressionsIn(readFileSync(join(src, file), 'utf8')).map((expression) => ({ file, expression })),
);

/** What an expression begins with, so that a text gets as far as to its loops. */
function beginningOf({ source }: RegExp): string {
  const plain = /^\^?((?:\\[^\w]|[\w:"<=@ -])*)/.exec(source)?.[1] ?? '';
  return plain.replaceAll(/\\(.)/g, '$1');
}

/** The least processor time of some runs, in microseconds. */
function microsOf(expression: RegExp, text: string): number {
  const runs = Array.from({ length: 5 }, () => {
    const before = process.threadCpuUsage();
    for (let n = 0; n < 4; n += 1)
      text.replaceAll(new RegExp(expression, globalOf(expression)), '');
    const { user, system } = process.threadCpuUsage(before);
    return user + system;
  });
  return Math.min(...runs);
}

function globalOf({ flags }: RegExp): string {
  return flags.includes('g') ? flags : `${flags}g`;
}

test('every regular expression has a bound on its input', () => {
  assert.ok(expressions.length > 50, 'expressions were found');
  assert.deepEqual([...new Set(expressions.map(({ file }) => file))], Object.keys(inputs).sort());
  const made = files.filter((file) => /new RegExp\(/.test(readFileSync(join(src, file), 'utf8')));
  assert.deepEqual(made, [], 'none is made of a text');
});

// Kills: /\s+$/ and the like, which begin anew at each character of a run.
test('no regular expression on what others send takes more than linear time', () => {
  assert.ok(isSlow(/\s+$/), 'one that does is found');
  const sent = expressions.filter(({ file }) => !['operator', 'own'].includes(inputs[file] ?? ''));
  const slow = sent.flatMap(({ file, expression }) => {
    const text = isSlow(expression);
    return text === undefined
      ? []
      : [`${file}: ${expression} on ${JSON.stringify(text.slice(0, 40))}`];
  });
  assert.deepEqual(slow, []);
});

/** The text on which four times the length takes far more than four times the time. */
function isSlow(expression: RegExp): string | undefined {
  const beginning = beginningOf(expression);
  for (const unit of units) {
    for (const end of ends) {
      const make = (length: number): string =>
        beginning + unit.repeat(Math.ceil(length / unit.length)) + end;
      // Who is quick with 16,000 characters need not be looked at closer.
      const startedMs = performance.now();
      make(16_000).replaceAll(new RegExp(expression, globalOf(expression)), '');
      if (performance.now() - startedMs < 4) continue;
      const [few, many] = [microsOf(expression, make(4_000)), microsOf(expression, make(16_000))];
      if (many > 4_000 && many > 8 * few) return make(60);
    }
  }
  return undefined;
}
