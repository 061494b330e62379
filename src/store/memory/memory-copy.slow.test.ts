import { testStoreContract } from '../../testing/store-contract.ts';
import type { Store } from '../store.ts';
import { copyMemoryStore, openMemoryStore } from './memory-store.ts';

// Kills: a part of the store that a copy lacks, or shares with its original.
testStoreContract('memory, copied before each call', async () => copiedBeforeEachCall());

/** A store whose every call goes to a copy of what was there before. */
function copiedBeforeEachCall(): Store {
  const first = openMemoryStore();
  let store = first;
  let isOpen = true;
  return new Proxy(first, {
    get(_target, name: keyof Store) {
      const value = store[name];
      if (typeof value !== 'function') return value;
      return (...args: readonly unknown[]) => {
        if (isOpen) store = copyMemoryStore(store);
        isOpen &&= name !== Symbol.asyncDispose;
        return (store[name] as (...given: readonly unknown[]) => unknown)(...args);
      };
    },
  });
}
