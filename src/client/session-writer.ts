/** How sessions are written: what `MultiplayerService` offers, and what a real-time connection needs of it. */

import type { SessionReference } from './reference.ts';
import type {
  AnyTitle,
  ByHandle,
  Guid,
  SessionChanges,
  SessionOutOfSync,
  SessionWriteResult,
  TitleData,
} from './session-document.ts';
import type { CallOptions } from './transport.ts';

/**
 * When a write may happen.
 *
 * | mode                | the session must              | header           |
 * | ------------------- | ----------------------------- | ---------------- |
 * | `updateOrCreateNew` | –                             | –                |
 * | `createNew`         | not exist                     | `If-None-Match: *` |
 * | `updateExisting`    | exist                         | `If-Match: *`    |
 * | `synchronizedUpdate`| be as `etag` says             | `If-Match: etag` |
 *
 * @source docs/wire/sessions.md "Preconditions"
 */
export type WriteMode = 'updateOrCreateNew' | 'createNew' | 'updateExisting' | 'synchronizedUpdate';

export type WriteOptions = CallOptions & {
  /** True: the answer is what the write would do, and nothing is written. */
  readonly preview?: boolean;
} & (
    | {
        readonly mode?: Exclude<WriteMode, 'synchronizedUpdate'>;
        readonly etag?: undefined;
      }
    | {
        readonly mode?: 'synchronizedUpdate';
        /** Of the document that the changes were made for. */
        readonly etag: string;
      }
  );

/** Writes sessions; see `MultiplayerService`. */
export type SessionWriter = {
  writeSession<Title extends TitleData = AnyTitle>(
    reference: SessionReference,
    changes: SessionChanges<Title>,
    options?: WriteOptions,
  ): Promise<SessionWriteResult<Title>>;
  tryWriteSession<Title extends TitleData = AnyTitle>(
    reference: SessionReference,
    changes: SessionChanges<Title>,
    options?: WriteOptions,
  ): Promise<SessionWriteResult<Title> | SessionOutOfSync<Title>>;
  writeSessionByHandle<Title extends TitleData = AnyTitle>(
    handleId: Guid,
    changes: SessionChanges<Title>,
    options?: WriteOptions,
  ): Promise<ByHandle<SessionWriteResult<Title>>>;
};
