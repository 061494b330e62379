import { openObservers, type Observers } from '../observe/observers.ts';

/** Nobody at first; an observer that throws is a fault of the test. */
export function testObservers(): Observers {
  return openObservers((error) => {
    throw error;
  });
}
