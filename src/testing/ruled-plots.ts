/** Histories of sessions with owners and roles, for properties. */

import fc from 'fast-check';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { anyPlot, type Plot } from './arbitraries.ts';
import type { RoleTypes } from '../domain/session/session.ts';

const roleTypes: RoleTypes = {
  squad: {
    mutableRoleSettings: ['max'],
    roles: { leader: { max: 1 }, medic: { max: 2, target: 1 } },
  },
  rank: { ownerManaged: true, roles: { chief: { max: 1 }, private: {} } },
};

const anyRoles: fc.Arbitrary<JsonObject> = fc.record(
  {
    squad: fc.constantFrom<Json>('leader', 'leader', 'leader', 'medic', null),
    rank: fc.constantFrom<Json>('chief', 'private', null),
  },
  { requiredKeys: [] },
);

/** Roles for the own member, at times for others, and at times other settings. */
type RoleWrite = {
  readonly mine: JsonObject | undefined;
  readonly others: Readonly<Record<string, JsonObject | null>>;
  readonly settings: JsonObject | undefined;
};

const anyRoleWrite: fc.Arbitrary<RoleWrite> = fc.record({
  mine: fc.option(anyRoles, { nil: undefined, freq: 5 }),
  others: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    fc.dictionary(
      fc.nat(4).map(String),
      fc.option(
        anyRoles.map((roles) => ({ roles })),
        { nil: null },
      ),
      { maxKeys: 2 },
    ),
  ),
  settings: fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    fc
      .constantFrom<Json>(1, 2, 3, null)
      .map((max) => ({ squad: { roles: { leader: { max }, medic: {} } } })),
  ),
});

/** As `anyPlot`, of a template with role types and mostly with owners. */
export const anyRuledPlot: fc.Arbitrary<Plot> = fc
  .tuple(
    anyPlot,
    fc.constantFrom<JsonObject>(
      {},
      { capabilities: { hasOwners: true } },
      { capabilities: { hasOwners: true }, ownershipPolicies: { migration: 'oldest' } },
      { capabilities: { hasOwners: true }, ownershipPolicies: { migration: 'oldest' } },
    ),
    fc.array(anyRoleWrite, { minLength: 24, maxLength: 24 }),
  )
  .map(([{ template, steps }, rules, roleWrites]) => ({
    template: {
      ...template,
      roleTypes,
      constants: {
        ...template.constants,
        system: {
          ...template.constants.system,
          ...rules,
          capabilities: {
            ...partOf(template.constants.system, 'capabilities'),
            ...partOf(rules, 'capabilities'),
          },
        },
      },
    },
    steps: steps.map((step, i) => {
      const roles = roleWrites[i];
      if (step.body === undefined || roles === undefined) return step;
      return { ...step, body: withRoles(step.body, roles) };
    }),
  }));

function withRoles(body: JsonObject, { mine, others, settings }: RoleWrite): JsonObject {
  const members = partOf(body, 'members');
  const { me } = members;
  return {
    ...body,
    members: {
      ...members,
      ...others,
      ...(isJsonObject(me) && mine && { me: { ...me, roles: mine } }),
    },
    ...(settings && { roleTypes: settings }),
  };
}

function partOf(object: JsonObject, key: string): JsonObject {
  const part = object[key];
  return isJsonObject(part) ? part : {};
}
