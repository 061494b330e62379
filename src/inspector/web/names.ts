/** Gamertags by xuid, as far as the page has heard them. */

import { activity, sessions, sessionsVersion } from './live.ts';

const known = new Map<string, string>();
let seenVersion = -1;
let seenNumber = -1;

/** The gamertag of a user, or the xuid where no gamertag was heard. */
export function nameOfXuid(xuid: string): string {
  if (seenVersion !== sessionsVersion.value) {
    seenVersion = sessionsVersion.value;
    for (const { people } of sessions.values()) {
      for (const person of people) hear(person.xuid, person.gamertag);
    }
  }
  for (const { number, caller } of activity.value) {
    if (number <= seenNumber) continue;
    seenNumber = number;
    if (caller?.xuid !== undefined) hear(caller.xuid, caller.gamertag);
  }
  return known.get(xuid) ?? xuid;
}

function hear(xuid: string, gamertag: string | undefined): void {
  if (gamertag !== undefined) known.set(xuid, gamertag);
}
