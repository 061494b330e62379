import assert from 'node:assert/strict';
import { test } from 'node:test';
import { override } from './override.ts';

class Counter {
  #count = 0;
  readonly name = 'counter';

  add(by: number): number {
    this.#count += by;
    return this.#count;
  }

  async double(): Promise<number> {
    return this.add(this.#count);
  }
}

test('a member that is given stands in place of that of the target, the others act on it', async () => {
  const inner = new Counter();
  const outer = override(inner, { add: () => -1 });
  assert.equal(outer.add(1), -1);
  assert.equal(outer.name, 'counter');
  inner.add(2);
  // Within the target nothing is overridden.
  assert.equal(await outer.double(), 4);
  assert.equal(outer.double, outer.double);
});
