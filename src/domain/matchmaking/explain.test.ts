import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleHopper, sampleTicket } from '../../testing/match-samples.ts';
import { explainTicket } from './explain.ts';
import type { Rule } from './hopper.ts';
import { candidateOf, hopperRules } from './hopper-rules.ts';

const skill: Rule = {
  name: 'skill',
  type: 'should',
  weight: 1,
  dataType: 'number',
  attribute: 'skill',
  allowWildcards: false,
  maxDiff: 20,
  expansionDelta: 10,
  flatten: 'minMax',
};
const mode: Rule = {
  name: 'mode',
  type: 'must',
  weight: 1,
  dataType: 'string',
  attribute: 'mode',
  allowWildcards: false,
};
const rules = hopperRules(sampleHopper({ rules: [skill, mode], expansionCycles: 3 }));
const candidate = (skillOf: number, modeOf: string, sinceMs = 0) =>
  candidateOf(rules, sampleTicket({ skill: skillOf, mode: modeOf }, { sinceMs }));

test('the reason names the rule, what it allows now and when it allows enough', () => {
  const ticket = candidate(100, 'duel');
  const near = candidate(131, 'duel');
  const far = candidate(500, 'duel');
  const elsewhere = candidate(100, 'race');

  const why = explainTicket(rules, ticket, [ticket, near, far, elsewhere], 1_000);

  assert.equal(why.compatiblePlayers, 1);
  assert.deepEqual(why.keptBy, [
    { rule: 'skill', tickets: 2 },
    { rule: 'mode', tickets: 1 },
  ]);
  assert.deepEqual(
    new Map(why.nearest.map(({ ticketId, because }) => [ticketId, because])),
    new Map([
      [near.ticket.id, ['skill differs by 31, allowed 20 now, 40 in 9 s']],
      [far.ticket.id, ['skill differs by 400, allowed 20 now, no longer asked in 19 s']],
      [elsewhere.ticket.id, ['mode is "duel" and "race"']],
    ]),
  );
  assert.match(why.text, /^1 of 2 players\. skill keeps 2 of 3 tickets apart\./);
});

test('alone, or with enough others', () => {
  const ticket = candidate(100, 'duel');
  assert.equal(
    explainTicket(rules, ticket, [ticket], 0).text,
    'No other ticket waits in this hopper.',
  );
  assert.match(
    explainTicket(rules, ticket, [candidate(101, 'duel')], 0).text,
    /^2 players go with this ticket, needed 2/,
  );
});

test('a ticket that lacks what a rule asks for hears so', () => {
  const ticket = candidateOf(rules, sampleTicket({ skill: 1 }));
  const [nearest] = explainTicket(rules, ticket, [candidate(1, 'duel')], 0).nearest;
  assert.deepEqual(nearest?.because, ['mode is not given as one text for all its players']);
});

test('a ticket hears that another one has the same player', () => {
  const own = sampleTicket({ skill: 1, mode: 'duel' });
  const twin = sampleTicket({ skill: 1, mode: 'duel' }, { players: own.players });
  const pool = [candidateOf(rules, twin)];
  const why = explainTicket(rules, candidateOf(rules, own), pool, 0);
  assert.deepEqual(why.keptBy, [{ rule: 'a player is in both', tickets: 1 }]);
  assert.equal(why.compatiblePlayers, 1);
});
