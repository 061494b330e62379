import { AsyncLocalStorage } from 'node:async_hooks';
import type { Guid } from '../domain/ids.ts';

/** Knows of what is done for which request it is done. */
export type RequestScope = {
  /** The outcome of `work`, which is done for this request, with all that it begins. */
  run<T>(id: Guid, work: () => T): T;
  /** The request that the present work is done for. */
  readonly requestId: () => Guid | undefined;
};

/** For traces alone: to follow each step costs every request time. */
export function openRequestScope(): RequestScope {
  const ids = new AsyncLocalStorage<Guid>();
  return { run: (id, work) => ids.run(id, work), requestId: () => ids.getStore() };
}
