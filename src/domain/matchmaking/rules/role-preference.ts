import { attributeValues, parseTexts } from '../attributes.ts';
import type { RoleRule } from '../hopper.ts';
import type { GroupValues, RuleBody } from '../rule.ts';

/** For each player of a ticket the roles that the player would take; the first is liked best. */
type Preferences = readonly (readonly string[])[];

/**
 * Players can be dealt to roles, each to one that the player would take.
 *
 * @source docs/wire/matchmaking.md "Rules"
 */
export function roleRule(rule: RoleRule): RuleBody<Preferences> {
  const { attribute, roles, allowWaiting } = rule;
  const names = Object.keys(roles);
  const places = Object.values(roles).reduce((sum, count) => sum + count, 0);
  const preferencesOf = ({ values, tickets }: GroupValues<Preferences>) =>
    tickets.flatMap((ticket, i): Preferences => values[i] ?? ticket.players.map(() => names));
  return {
    valueOf(ticket) {
      const { ofTicket, ofPlayers, missing } = attributeValues(ticket, attribute, parseTexts);
      if (ofTicket) return ticket.players.map(() => ofTicket);
      if (missing === 0) return ofPlayers;
      if (rule.allowWildcards) {
        if (ofPlayers.length === 0) return undefined;
        return [...ofPlayers, ...Array<readonly string[]>(missing).fill(names)];
      }
      if (rule.defaultValue === undefined) return null;
      return [...ofPlayers, ...Array<readonly string[]>(missing).fill(rule.defaultValue)];
    },
    admitsGroup(group) {
      const preferences = preferencesOf(group);
      if (allowWaiting && group.isComplete && preferences.length < places) return false;
      return canDealRoles(preferences, roles);
    },
    groupProblem(group) {
      const preferences = preferencesOf(group);
      return canDealRoles(preferences, roles)
        ? `${preferences.length} of ${places} roles are filled`
        : `the roles ${names.join(', ')} cannot be filled by ${attribute} of the players`;
    },
    missing: `${attribute} is not given as an array of roles`,
    words: `the players can be dealt to roles by ${attribute}: ${Object.entries(roles)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}${allowWaiting ? '; a match waits until all roles are filled' : ''}`,
  };
}

/** True when each player can have a role of their own that they would take. */
function canDealRoles(preferences: Preferences, roles: RoleRule['roles']): boolean {
  const takenBy = new Map<string, number[]>();
  // The usual search for a matching: a player may move another one to a further role.
  const place = (player: number, tried: Set<string>): boolean => {
    for (const role of preferences[player] ?? []) {
      const count = Object.hasOwn(roles, role) ? (roles[role] ?? 0) : 0;
      if (count === 0 || tried.has(role)) continue;
      tried.add(role);
      const holders = takenBy.get(role) ?? [];
      if (holders.length < count) {
        takenBy.set(role, [...holders, player]);
        return true;
      }
      for (const [i, holder] of holders.entries()) {
        if (!place(holder, tried)) continue;
        const now = takenBy.get(role) ?? [];
        takenBy.set(role, now.with(i, player));
        return true;
      }
    }
    return false;
  };
  return preferences.every((_, player) => place(player, new Set()));
}
