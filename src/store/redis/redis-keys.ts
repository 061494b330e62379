import type { Guid, Xuid } from '../../domain/ids.ts';
import type { SessionKey } from '../../domain/session/reference.ts';
import { hintText } from '../hint-text.ts';
import type { Hint, HistoryName, ListName, NodeId } from '../store.ts';
import { crc16 } from './slots.ts';

/**
 * The names of all keys. What changes in one step has one hash tag, and so one slot:
 *
 *     {p17}       a partition: sessions with their due times, rows and changes; handles; groups of records
 *     {u…}        a user: activities, invites, lists
 *     {h…}        a hint: the sessions that carry it
 *     {n…}        a name in the history: the branches that are found by it
 *     {c…}        a name that was acquired once
 *     {n…}        a count that processes have in common
 *     {nodes}     the leases
 */
export const partitionsCount = 256;

/** A record counts as one; the others are collections, of which the entries count. */
export type CountedKind = 'sessions' | 'handles' | 'joined' | 'reserved' | 'activities';

export type RedisKeys = ReturnType<typeof keysOf>;

/** The names under a prefix, so that stores may share a Redis. */
export function keysOf(prefix: string) {
  const partitions = Array.from({ length: partitionsCount }, (_, n) => {
    const base = `${prefix}:{p${n}}`;
    return {
      base,
      due: `${base}:due`,
      meta: `${base}:meta`,
      search: `${base}:search`,
      searchGone: `${base}:search-gone`,
      pendingTaps: `${base}:owed`,
      pendingTexts: `${base}:owed-texts`,
      expirations: `${base}:expirations`,
      seen: `${base}:seen`,
    };
  });
  const partitionOf = (text: string) => {
    const partition = partitions[crc16(Buffer.from(text)) % partitionsCount];
    if (partition === undefined) throw new Error('there is a partition for every number');
    return partition;
  };
  const user = (xuid: Xuid): string => `${prefix}:{u${xuid}}`;
  const sessionMark = '}:session:';
  const handleMark = '}:handle:';
  const escapedPrefix = prefix.replaceAll(/[\\*?[\]]/g, '\\$&');
  return {
    partitions,
    /** What the names of all session records match, as a pattern of Redis. */
    sessionsPattern: `${escapedPrefix}:{p*${sessionMark}*`,
    /** What all names match, as a pattern of Redis. */
    pattern: `${escapedPrefix}:{*`,
    /** The session whose record has this name; undefined when it only looks like one. */
    sessionOfName: (name: string): SessionKey | undefined => {
      const at = name.indexOf('}', prefix.length);
      return name.startsWith(sessionMark, at) ? name.slice(at + sessionMark.length) : undefined;
    },
    /** What is counted under this name; undefined: nothing is. */
    kindOfName: (name: string): CountedKind | undefined => {
      const at = name.indexOf('}', prefix.length);
      const tag = name.slice(prefix.length + 2, at);
      if (tag.startsWith('hxuid%3A')) return 'joined';
      if (tag.startsWith('hseat%3A')) return 'reserved';
      if (name.startsWith(sessionMark, at)) return 'sessions';
      if (name.startsWith(handleMark, at)) return 'handles';
      return tag.startsWith('u') && name.endsWith('}:activities') ? 'activities' : undefined;
    },
    ofSession: (key: SessionKey) => {
      const partition = partitionOf(key);
      const own = (what: string): string => `${partition.base}:${what}:${key}`;
      return {
        partition,
        session: own('session'),
        hints: own('hints'),
        rows: own('rows'),
        rowsDue: own('rows-due'),
        rowsOrder: own('rows-order'),
        deleter: own('deleter'),
        handles: own('handles'),
        branches: own('branches'),
        changesOf: (branch: Guid) => own(`changes:${branch}`),
      };
    },
    ofHandle: (id: Guid) => {
      const partition = partitionOf(id);
      return { handle: `${partition.base}:handle:${id}`, expirations: partition.expirations };
    },
    ofRecords: (table: string, group: string) => {
      const partition = partitionOf(`${table} ${group}`);
      const own = (what: string): string => `${partition.base}:${what}:${table} ${group}`;
      return { partition, values: own('records'), order: own('records-order') };
    },
    /** Records of a table in a partition that are going to be due. */
    recordsDue: (base: string, table: string) => `${base}:records-due:${table}`,
    /** The mark of a batch of records that was committed. */
    recordCommit: (base: string, commitId: string) => `${base}:records-commit:${commitId}`,
    /** When users were seen: in few keys, so that the users of a minute take few commands. */
    seen: (xuid: Xuid) => partitionOf(xuid).seen,
    activities: (xuid: Xuid) => `${user(xuid)}:activities`,
    invites: (xuid: Xuid) => `${user(xuid)}:invites`,
    list: (xuid: Xuid, list: ListName) => ({
      entries: `${user(xuid)}:${list}`,
      order: `${user(xuid)}:${list}-order`,
    }),
    // Titles choose keywords, and one may hold a brace.
    hint: (hint: Hint) => `${prefix}:{h${encodeURIComponent(hintText(hint))}}`,
    historyName: (name: HistoryName) => `${prefix}:{n${name}}`,
    nodes: `${prefix}:{nodes}`,
    lease: (node: NodeId) => `${prefix}:{nodes}:lease:${node}`,
    claim: (name: string) => `${prefix}:{c${encodeURIComponent(name)}}`,
    count: (name: string) => `${prefix}:{n${encodeURIComponent(name)}}`,
    secret: `${prefix}:{secret}`,
    channel: (topic: string) => `${prefix}:{${topic}}`,
  } as const;
}
