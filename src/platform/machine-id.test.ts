import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machineIdFor } from './machine-id.ts';

const idOf = (id: string | undefined, purpose = 'root'): Promise<string | undefined> =>
  machineIdFor(purpose, async () => id);

test('a machine has the same id each time, another machine or purpose has another', async () => {
  const machine = '4f2b9c6d1e8a47b3a05c9d7e6f123456';
  assert.equal(await idOf(machine), await idOf(`${machine.toUpperCase()}\n`));
  assert.notEqual(await idOf(machine), await idOf('4f2b9c6d1e8a47b3a05c9d7e6f123457'));
  assert.notEqual(await idOf(machine), await idOf(machine, 'leaf'));
  assert.ok(!(await idOf(machine))?.includes(machine));
});

test('a system without an id has none', async () => {
  for (const id of [undefined, '', '\n', 'uninitialized\n'])
    assert.equal(await idOf(id), undefined);
});

test('this machine is asked without an error', async () => {
  assert.equal(await machineIdFor('root'), await machineIdFor('root'));
});
