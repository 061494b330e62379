/**
 * Users whom somebody else knows under ids of their own: each gets a xuid and a gamertag here, the same on
 * every node and for good.
 *
 * A xuid belongs to the first who is given it. So an id always leads to the same xuid without a list
 * of ids: its candidates are tried in their order, and the first that is free or its own is taken. The
 * same holds for gamertags, whose owners are xuids.
 */

import type { RecordStore, StoredRecord } from '../store/store.ts';
import { digest, isCanonicalXuid, type Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';

/** A user as an outside issuer names one. */
export type OutsideUser = {
  /** Ids of different issuers are different users. */
  readonly issuer: string;
  /** Compared exactly: ids that differ in case are two users. */
  readonly id: string;
  /** The wanted gamertag, which may be anything. */
  readonly name?: string | undefined;
};

export type KnownUser = { readonly xid: Xuid; readonly gtg: string };

export type OutsideUsers = {
  /**
   * The xuid and the gamertag of an outside user, who gets both the first time. A decimal id is the
   * xuid itself, where it is free. The gamertag follows the wanted one.
   *
   * Refuses: notAuthenticated for an id that cannot be one.
   *
   * Throws StoreUnavailable.
   */
  know(user: OutsideUser): Promise<KnownUser | Refusal>;

  /** The user of a user hash of Xbox Live; undefined while the xuid is not known. Throws StoreUnavailable. */
  knownByHash(userHash: string): Promise<KnownUser | undefined>;

  /**
   * Notes once and for all that this is the xuid of a user hash.
   *
   * Refuses: notAuthenticated when the hash has another xuid, or the xuid another user.
   *
   * Throws StoreUnavailable.
   */
  pin(userHash: string, xuid: Xuid): Promise<KnownUser | Refusal>;
};

const idCharactersMax = 1_024;
/** Far more than can be taken by chance. */
const candidatesMax = 50;
const gamertagCharactersMax = 32;

/** Who owns each xuid; one record in each group, so that users are spread over the store. */
const xuids = 'xuids';
/** Who owns each gamertag. */
const gamertags = 'gamertags';
/** The xuid of each user hash. */
const userHashes = 'user-hashes';
const only = '1';

const xboxLive = 'xboxlive.com';

/** Outside users, kept in `store`. */
export function openOutsideUsers(
  store: Pick<RecordStore, 'record' | 'commitRecords'>,
): OutsideUsers {
  /** The record of this group, which becomes `value` when there is none. */
  async function recordOr(table: string, group: string, value: JsonObject): Promise<StoredRecord> {
    const known = await store.record(table, group, only);
    if (known !== undefined) return known;
    const change = { id: only, expectRevision: 0, value };
    const commit = await store.commitRecords(table, group, [change]);
    if (commit.kind === 'committed') {
      return { id: only, revision: commit.revision, value, dueMs: undefined };
    }
    return commit.current ?? recordOr(table, group, value);
  }

  /** The record of the first candidate that is free or belongs to `owner`. */
  async function acquire(
    table: string,
    owner: string,
    candidates: Iterable<{ readonly group: string; readonly value: JsonObject }>,
  ): Promise<{ readonly group: string; readonly record: StoredRecord }> {
    for (const { group, value } of candidates) {
      const record = await recordOr(table, group, { ...value, owner });
      if (record.value['owner'] === owner) return { group, record };
    }
    throw new Error(`No candidate of ${table} is free for ${owner}.`);
  }

  /**
   * The user of a xuid, with the gamertag that is wanted now. A former one stays the user's: to free it
   * could give it to another while a second node goes back to it.
   */
  async function withGamertag(
    xuid: Xuid,
    record: StoredRecord,
    name: string | undefined,
  ): Promise<KnownUser> {
    const { gamertag, wanted } = record.value;
    const wants = cleanName(name ?? '');
    if (typeof gamertag === 'string' && (name === undefined || wanted === wants)) {
      return { xid: xuid, gtg: gamertag };
    }
    const acquired = await acquire(gamertags, xuid, gamertagCandidates(wants, xuid));
    const chosen = String(acquired.record.value['gamertag']);
    const value = { ...record.value, gamertag: chosen, wanted: wants };
    const change = { id: only, expectRevision: record.revision, value };
    const commit = await store.commitRecords(xuids, xuid, [change]);
    // Another node has met the same user.
    if (commit.kind === 'conflict' && commit.current !== undefined) {
      return withGamertag(xuid, commit.current, name);
    }
    return { xid: xuid, gtg: chosen };
  }

  return {
    async know({ issuer, id, name }) {
      // Two ids with lone surrogates would be the same in UTF-8.
      if (id === '' || id.length > idCharactersMax || !id.isWellFormed()) {
        return new Refusal(
          'notAuthenticated',
          `The token's id of the user must be text of 1 to ${idCharactersMax} characters.`,
        );
      }
      const owner = digest(JSON.stringify([issuer, id]));
      const acquired = await acquire(xuids, owner, xuidCandidates(owner, issuer, id));
      return withGamertag(acquired.group, acquired.record, name);
    },

    async knownByHash(userHash) {
      const known = await store.record(userHashes, digest(userHash), only);
      if (known === undefined) return undefined;
      const xuid = String(known.value['xuid']);
      const record = await store.record(xuids, xuid, only);
      return record && withGamertag(xuid, record, undefined);
    },

    async pin(userHash, xuid) {
      const contradicts = new Refusal(
        'notAuthenticated',
        `The caller says to be user ${xuid}, which contradicts what was learnt before of this user hash or this xuid.`,
      );
      const group = digest(userHash);
      const hash = await store.record(userHashes, group, only);
      if (hash !== undefined && hash.value['xuid'] !== xuid) return contradicts;
      const owner = digest(JSON.stringify([xboxLive, userHash]));
      const record = await recordOr(xuids, xuid, { owner, issuer: xboxLive, id: userHash });
      if (record.value['owner'] !== owner) return contradicts;
      const pinned = hash ?? (await recordOr(userHashes, group, { xuid }));
      return pinned.value['xuid'] === xuid ? withGamertag(xuid, record, undefined) : contradicts;
    },
  };
}

function* xuidCandidates(owner: string, issuer: string, id: string) {
  const value = { issuer, id };
  if (id !== '0' && isCanonicalXuid(id)) yield { group: id, value };
  for (let i = 0; i < candidatesMax; i += 1) yield { group: madeUpXuid(owner, i), value };
}

/** Sixteen digits that begin as those of real users do. */
function madeUpXuid(owner: string, attempt: number): Xuid {
  return `2535${decimalOf(`outside user ${owner} ${attempt}`, 12)}`;
}

/** The wanted gamertag; with a number behind it where another user has it. */
function* gamertagCandidates(wanted: string, xuid: Xuid) {
  const candidate = (gamertag: string) => ({
    group: groupOfGamertag(gamertag),
    value: { gamertag },
  });
  if (wanted !== '') yield candidate(wanted);
  else yield candidate(`Player ${xuid.slice(-4)}`);
  for (let i = 0; i < candidatesMax; i += 1) {
    const digits = i < 10 ? 4 : 8;
    yield candidate(`${wanted || 'Player'}#${decimalOf(`gamertag ${xuid} ${i}`, digits)}`);
  }
}

/** Gamertags that look the same but for case or width are the same. */
function groupOfGamertag(gamertag: string): string {
  return digest(gamertag.normalize('NFKC').toLowerCase());
}

/** What of a name can be shown: without control and format characters, of at most 32. */
function cleanName(name: string): string {
  const shown = name
    .normalize('NFC')
    .replace(/\p{C}/gu, '')
    .replace(/\p{Z}+/gu, ' ')
    .trim();
  return [...shown].slice(0, gamertagCharactersMax).join('').trim();
}

function decimalOf(seed: string, digits: number): string {
  return (BigInt(`0x${digest(seed)}`) % 10n ** BigInt(digits)).toString().padStart(digits, '0');
}
