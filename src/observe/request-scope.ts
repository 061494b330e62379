import { AsyncLocalStorage } from 'node:async_hooks';
import type { Guid } from '../domain/ids.ts';

/** Knows to which request work belongs. */
export type RequestScope = {
  /** The outcome of `work`, which belongs to this request with all that it begins. */
  run<T>(id: Guid, work: () => T): T;
  /** The request that the present work belongs to. */
  readonly requestId: () => Guid | undefined;
};

/**
 * For traces alone: to follow each step costs every request time. `began` is called with each request
 * before its work.
 */
export function openRequestScope(began: (id: Guid) => void): RequestScope {
  const ids = new AsyncLocalStorage<Guid>();
  return {
    run(id, work) {
      began(id);
      return ids.run(id, work);
    },
    requestId: () => ids.getStore(),
  };
}
