import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../domain/json.ts';
import { StoreUnavailable } from '../store.ts';
import { openProcessBus } from './process-bus.ts';

const gap = () => assert.fail('one process misses nothing');

test('who listens is handed the value itself before publish resolves, and others are not', async () => {
  await using bus = openProcessBus();
  const heard: JsonObject[] = [];
  const listen = () => bus.subscribe('user:1', { message: (one) => heard.push(one), gap });
  await listen();
  await listen();
  const message = { kind: 'friends', xuids: ['2'] };
  await bus.publish('user:1', message);
  await bus.publish('user:2', message);
  assert.equal(heard.length, 2);
  for (const one of heard) assert.equal(one, message);
});

test('a topic is heard from the first who listens to it until the last has left', async () => {
  await using bus = openProcessBus();
  assert.equal(bus.isHeard('node:0000000a'), false);
  const listen = () => bus.subscribe('node:0000000a', { message: () => undefined, gap });
  const [one, other] = [await listen(), await listen()];
  assert.deepEqual([bus.isHeard('node:0000000a'), bus.isHeard('node:0000000b')], [true, false]);
  await one[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
  assert.equal(bus.isHeard('node:0000000a'), true);
  await other[Symbol.asyncDispose]();
  assert.equal(bus.isHeard('node:0000000a'), false);
});

test('nobody listening is no error; a bus that was closed throws', async () => {
  const bus = openProcessBus();
  await bus.publish('node:0000000a', {});
  await bus[Symbol.asyncDispose]();
  await assert.rejects(bus.publish('node:0000000a', {}), StoreUnavailable);
  await assert.rejects(
    bus.subscribe('node:0000000a', { message: () => undefined, gap }),
    StoreUnavailable,
  );
});
