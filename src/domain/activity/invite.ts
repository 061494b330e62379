import type { Guid, TitleId, Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { Milliseconds } from '../time.ts';
import { formatTime } from '../time.ts';
import { gamertagParts } from '../profile/profile.ts';

/** An invite into the activity of a title, as it waits for the invited user. */
export type ActivityInvite = {
  readonly id: Guid;
  readonly titleId: TitleId;
  readonly sender: Xuid;
  readonly senderGamertag: string;
  readonly connectionString: string;
  readonly expirationMs: Milliseconds;
};

/**
 * What the connections of the invited user receive. Texts that this server has none of are empty:
 * some clients demand them.
 *
 * @source docs/wire/activity.md "Invites"
 */
export function viewActivityInvite(
  { sender, senderGamertag, connectionString, expirationMs }: ActivityInvite,
  invitedUser: Xuid,
  titleName: string,
): JsonObject {
  const { modernGamertag, modernGamertagSuffix, uniqueModernGamertag } =
    gamertagParts(senderGamertag);
  return {
    notificationData: {
      sender: {
        xuid: sender,
        gamertag: senderGamertag,
        modernGamertag,
        modernGamertagSuffix,
        uniqueModernGamertag,
        imageUrl: '',
      },
      invitedUser,
      titleName,
      titleImageUrl: '',
      connectionString,
      expirationTime: formatTime(expirationMs),
    },
  };
}
