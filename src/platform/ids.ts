import { randomUUID } from 'node:crypto';
import type { Guid } from '../domain/ids.ts';

/** What the directory asks of chance. */
export interface Ids {
  /** A GUID that was never given before, lower-case. */
  guid(): Guid;
}

/** Random version 4 GUIDs. */
export const randomIds: Ids = { guid: () => randomUUID() };
