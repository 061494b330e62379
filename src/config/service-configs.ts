/**
 * Service config files: what a studio writes of its titles and session templates.
 *
 *   file           = { "serviceConfigs": [ serviceConfig … ] }
 *   serviceConfig  = { "scid", "titles": [ title … ], "sandboxes"?: [ name … ],
 *                      "sessionTemplates": { name: template … }, "hoppers"?, "inviteStrings"? }
 *   title          = { "titleId", "name"?, "gameTypes"?: { platform: { "titleId", "pfn"?, "boundPfns"? } } }
 *   template       = { "contractVersion": 104 | 105 | 107, "constants": { "system"?, "custom"? },
 *                      "properties"?: { "system"?, "custom"? }, "roleTypes"? }
 *
 * @source docs/wire/service-configs.md "Service configs and session templates"
 */

import * as v from 'valibot';
import { isGuid, isTitleId } from '../domain/ids.ts';
import {
  formatJson,
  isDeeperThan,
  isJsonObject,
  type Json,
  type JsonObject,
  parseExactJson,
  plainOutsideCustom,
} from '../domain/json.ts';
import { findJsonFault } from '../domain/json-fault.ts';
import { limits } from '../domain/limits.ts';
import type { Hopper } from '../domain/matchmaking/hopper.ts';
import { isName, nameExpectation } from '../domain/session/reference.ts';
import type { Catalog, ServiceConfig, SessionTemplate } from '../domain/session/template.ts';
import { exactObject, formatStep, text, titleObject } from '../domain/shape.ts';
import { type ConfigProblem, parseOrReport, type Report } from './config-problem.ts';
import { findRepeatedKeys } from './repeated-keys.ts';
import { parseHoppers } from './hoppers.ts';
import { parseSessionTemplate } from './session-templates.ts';

/** What service config files hold, or everything that is to be corrected in them. */
export type ServiceConfigs =
  | { readonly catalog: Catalog; readonly warnings: readonly ConfigProblem[] }
  | { readonly problems: readonly ConfigProblem[] };

/** All service configs of these files, or everything that is to be corrected in them. */
export function parseServiceConfigs(
  files: readonly { readonly file: string; readonly text: string }[],
): ServiceConfigs {
  const problems: ConfigProblem[] = [];
  const warnings: ConfigProblem[] = [];
  const catalog = new Map<string, ServiceConfig>();
  const firstPlaces = new Map<string, string>();
  for (const { file, text } of files) {
    const report: Report = (place, expected, kind = 'problem') =>
      (kind === 'problem' ? problems : warnings).push({ file, place, expected });
    for (const [path, raw] of parseFile(text, report)) {
      const config = parseServiceConfig(raw, path, report);
      const scid = config?.scid.toLowerCase();
      if (config === undefined || scid === undefined) continue;
      const firstPlace = firstPlaces.get(scid);
      if (firstPlace !== undefined) {
        report(`${path}.scid`, `Expected a scid of its own; ${firstPlace} has this one`);
      }
      firstPlaces.set(scid, `${file}: ${path}`);
      catalog.set(scid, config);
    }
  }
  return problems.length > 0 ? { problems } : { catalog, warnings };
}

/** `2 service configs, 3 titles, 9 session templates, 2 hoppers` */
export function summaryOf(catalog: Catalog): string {
  const configs = [...catalog.values()];
  const sum = (count: (config: ServiceConfig) => number): number =>
    configs.reduce((total, config) => total + count(config), 0);
  const hoppersCount = sum(({ hoppers }) => hoppers?.size ?? 0);
  return [
    counted(configs.length, 'service config'),
    counted(
      sum(({ titles }) => titles.length),
      'title',
    ),
    counted(
      sum(({ sessionTemplates }) => sessionTemplates.size),
      'session template',
    ),
    ...(hoppersCount > 0 ? [counted(hoppersCount, 'hopper')] : []),
  ].join(', ');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

const fileShape = exactObject({
  serviceConfigs: v.pipe(
    v.array(v.unknown(), 'Expected an array of service configs'),
    v.minLength(1, 'Expected at least one service config'),
  ),
});

/** The service configs of a file with their paths, unchecked. */
function parseFile(json: string, report: Report): readonly (readonly [string, Json])[] {
  const fault = findJsonFault(json);
  if (fault) {
    report(placeOf(fault), `Expected ${fault.expected}, found ${fault.found}`);
    return [];
  }
  if (isDeeperThan(json, limits.bodyDepthMax)) {
    report('$', `Expected at most ${limits.bodyDepthMax} arrays and objects within each other`);
    return [];
  }
  for (const repeated of findRepeatedKeys(json)) {
    const key = JSON.stringify(repeated.key);
    report(placeOf(repeated), `Expected each key once; ${key} is in this object already`);
  }
  const root = parseExactJson(json);
  parseOrReport(fileShape, root, '$', report);
  const configs = isJsonObject(root) ? root.serviceConfigs : undefined;
  return Array.isArray(configs)
    ? configs.map((raw: Json, i) => [`$.serviceConfigs[${i}]`, raw])
    : [];
}

function placeOf({ line, column }: { readonly line: number; readonly column: number }): string {
  return `line ${line}, column ${column}`;
}

/** Titles are known by numbers; both spellings are common. */
const titleId = v.pipe(
  v.union([v.string(), v.number()], 'Expected a title id (a number from 0 to 4294967295)'),
  v.transform(String),
  v.check(isTitleId, 'Expected a title id (a number from 0 to 4294967295)'),
);

const nonEmpty = (what: string) => text((given) => given !== '', what);

/** @source docs/wire/rta.md "Invites" */
const inviteStringCharactersMax = 100;

const isInviteString = (given: unknown): boolean =>
  typeof given === 'string' && given !== '' && given.length <= inviteStringCharactersMax;

const serviceConfigShape = exactObject({
  scid: text(isGuid, 'a GUID'),
  titles: v.pipe(
    v.array(
      exactObject({
        titleId,
        name: v.optional(nonEmpty('the name of the title')),
        gameTypes: v.optional(
          v.record(
            nonEmpty('the name of a platform'),
            exactObject({
              titleId,
              pfn: v.optional(nonEmpty('a package family name')),
              boundPfns: v.optional(
                v.array(
                  nonEmpty('a package family name'),
                  'Expected an array of package family names',
                ),
              ),
            }),
            'Expected an object of game types by platform',
          ),
        ),
      }),
      'Expected an array of titles',
    ),
    v.minLength(1, 'Expected at least one title'),
  ),
  sandboxes: v.optional(
    v.pipe(
      v.array(nonEmpty('the name of a sandbox'), 'Expected an array of sandboxes'),
      v.minLength(
        1,
        'Expected at least one sandbox; without this member every sandbox may be used',
      ),
    ),
  ),
  sessionTemplates: titleObject,
  hoppers: v.optional(v.custom<JsonObject>(isJsonObject, 'Expected an object of hoppers by name')),
  inviteStrings: v.optional(
    v.custom<JsonObject>(
      (given) =>
        isJsonObject(given) &&
        Object.entries(given).every(([id, value]) => isInviteString(id) && isInviteString(value)),
      `Expected an object of strings by id, each of 1 to ${inviteStringCharactersMax} characters`,
    ),
  ),
});

function parseServiceConfig(raw: Json, path: string, report: Report): ServiceConfig | undefined {
  const parsed = parseOrReport(serviceConfigShape, plainOutsideCustom(raw), path, report);
  // Templates are looked at in any case, so that a problem elsewhere hides none of theirs.
  const templates = isJsonObject(raw) ? raw.sessionTemplates : undefined;
  const sessionTemplates = isJsonObject(templates)
    ? parseSessionTemplates(templates, `${path}.sessionTemplates`, report)
    : new Map<string, SessionTemplate>();
  const rawHoppers = isJsonObject(raw) ? raw.hoppers : undefined;
  const hoppers = isJsonObject(rawHoppers)
    ? parseHoppers(plainNumbers(rawHoppers), sessionTemplates, `${path}.hoppers`, report)
    : new Map<string, Hopper>();
  if (parsed === undefined) return undefined;
  reportRepeatedTitles(parsed.titles, path, report);
  const { scid, titles, sandboxes, inviteStrings } = parsed;
  return {
    scid,
    titles: titles as ServiceConfig['titles'],
    ...(sandboxes && { sandboxes }),
    sessionTemplates,
    ...(parsed.hoppers && { hoppers }),
    ...(inviteStrings && { inviteStrings }),
  };
}

/** With ordinary numbers also under a key named `custom`: a role or a rule may be called so. */
function plainNumbers(value: JsonObject): JsonObject {
  return JSON.parse(formatJson(value));
}

function reportRepeatedTitles(
  titles: readonly { readonly titleId: string }[],
  path: string,
  report: Report,
): void {
  for (const [i, title] of titles.entries()) {
    const first = titles.findIndex((other) => other.titleId === title.titleId);
    if (first === i) continue;
    const place = `${path}.titles[${first}]`;
    report(`${path}.titles[${i}].titleId`, `Expected a title of its own; ${place} has this one`);
  }
}

function parseSessionTemplates(
  templates: JsonObject,
  path: string,
  report: Report,
): ReadonlyMap<string, SessionTemplate> {
  const parsed = new Map<string, SessionTemplate>();
  const firstNames = new Map<string, string>();
  for (const [name, raw] of Object.entries(templates)) {
    const place = `${path}${formatStep(name)}`;
    const first = firstNames.get(name.toLowerCase());
    if (!isName(name)) report(place, `Expected ${nameExpectation}`);
    else if (first !== undefined) {
      report(place, `Expected a name of its own; "${first}" differs in letter case only`);
    }
    firstNames.set(name.toLowerCase(), name);
    const template = parseSessionTemplate(name, raw, place, report);
    if (template) parsed.set(name.toLowerCase(), template);
  }
  return parsed;
}
