import type { Guid, TitleId } from '../ids.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { Caller } from '../caller.ts';
import type { Hopper } from '../matchmaking/hopper.ts';
import { Refusal } from '../refusal.ts';
import { downgradeConstantsSystem, hasOlderNames, templateDefaults } from './contract-version.ts';
import type { Session, RoleTypes } from './session.ts';

/**
 * Named constants and defaults of sessions, in the shape of contract 107 whatever version the file
 * was written in.
 *
 * @source docs/wire/service-configs.md "Service configs and session templates"
 */
export type SessionTemplate = {
  readonly name: string;
  /** The contract version of the file: 104, 105 or 107. */
  readonly contractVersion: number;
  /** `system` as written, nulls included: they unset. */
  readonly constants: { readonly system: JsonObject; readonly custom: JsonObject };
  /** The properties of a new session. */
  readonly properties: Session['properties'];
  readonly roleTypes?: RoleTypes;
};

/** A title's configuration. */
export type ServiceConfig = {
  readonly scid: Guid;
  readonly titles: readonly Title[];
  /** Absent: every sandbox may use it. */
  readonly sandboxes?: readonly string[];
  /** By lower-case template name. */
  readonly sessionTemplates: ReadonlyMap<string, SessionTemplate>;
  /** By lower-case name. */
  readonly hoppers?: ReadonlyMap<string, Hopper>;
  readonly inviteStrings?: JsonObject;
};

export type Title = {
  readonly titleId: TitleId;
  /** As users know it. */
  readonly name?: string;
  /** By platform; answered in handles. */
  readonly gameTypes?: JsonObject;
};

/** All service configs, by lower-case scid. */
export type Catalog = ReadonlyMap<string, ServiceConfig>;

/** How users know a title of these service configs; `Title 1234` where nobody has named it. */
export function titleNameOf(catalog: Catalog): (titleId: TitleId) => string {
  return (titleId) => {
    for (const { titles } of catalog.values()) {
      const name = titles.find((title) => title.titleId === titleId)?.name;
      if (name !== undefined) return name;
    }
    return `Title ${titleId}`;
  };
}

/**
 * The service config of this scid, when the caller's title and sandbox may use it. A caller without
 * a title passes.
 *
 * Refuses: serviceConfigUnknown, serviceConfigForbidden.
 *
 * @source docs/wire/unknowns.md "token without a title", docs/wire/README.md "Every request"
 */
export function mayUseServiceConfig(
  catalog: Catalog,
  scid: Guid,
  caller: Caller,
): ServiceConfig | Refusal {
  const config = catalog.get(scid.toLowerCase());
  if (config === undefined) {
    return new Refusal(
      'serviceConfigUnknown',
      `Service config ${scid} is not configured on this server.`,
      { detail: scid },
    );
  }
  const { titleId, sandbox } = caller;
  if (titleId !== undefined && !config.titles.some((title) => title.titleId === titleId)) {
    return new Refusal(
      'serviceConfigForbidden',
      `Service config ${scid} is not for title ${titleId}; the token must name one of its titles.`,
      { detail: `title ${titleId}` },
    );
  }
  if (config.sandboxes !== undefined && !config.sandboxes.includes(sandbox)) {
    return new Refusal(
      'serviceConfigForbidden',
      `Service config ${scid} is not for sandbox ${sandbox}; the token must name one of its sandboxes.`,
      { detail: `sandbox ${sandbox}` },
    );
  }
  return config;
}

/**
 * The template that a session of this reference is made from, and its service config, when the
 * caller may use them.
 *
 * Refuses: serviceConfigUnknown, serviceConfigForbidden, templateUnknown.
 */
export function mayUseTemplate(
  catalog: Catalog,
  { scid, templateName }: { readonly scid: Guid; readonly templateName: string },
  caller: Caller,
): { readonly config: ServiceConfig; readonly template: SessionTemplate } | Refusal {
  const config = mayUseServiceConfig(catalog, scid, caller);
  if (config instanceof Refusal) return config;
  const template = findTemplate(config, templateName);
  return template instanceof Refusal ? template : { config, template };
}

/**
 * The template of this name, compared without regard to case.
 *
 * Refuses: templateUnknown.
 */
export function findTemplate(
  config: ServiceConfig,
  templateName: string,
): SessionTemplate | Refusal {
  return (
    config.sessionTemplates.get(templateName.toLowerCase()) ??
    new Refusal(
      'templateUnknown',
      `Service config ${config.scid} has no session template "${templateName}".`,
      { detail: templateName },
    )
  );
}

/**
 * The template as a document of `contractVersion`: as a file of that version it would make the same
 * sessions. Where the versions differ in a default, the document writes it out.
 *
 * @source docs/wire/unknowns.md "the document of a template", docs/wire/service-configs.md "Service configs and session templates"
 */
export function viewTemplate(template: SessionTemplate, contractVersion: number): JsonObject {
  const { constants, properties, roleTypes } = template;
  const keepsDefaults = hasOlderNames(template.contractVersion) === hasOlderNames(contractVersion);
  const system = keepsDefaults ? constants.system : withDefaults(template);
  return {
    contractVersion,
    constants: {
      system: downgradeConstantsSystem(system, contractVersion),
      custom: constants.custom,
    },
    properties: properties,
    ...(roleTypes && { roleTypes }),
  };
}

function withDefaults({ constants: { system }, contractVersion }: SessionTemplate): JsonObject {
  const { memberInitialization, ...defaults } = templateDefaults(contractVersion);
  const initialization = system.memberInitialization;
  return {
    ...defaults,
    ...system,
    ...(isJsonObject(initialization) && {
      memberInitialization: { ...memberInitialization, ...initialization },
    }),
  };
}
