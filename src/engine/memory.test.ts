import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { bytesOfValue } from './bytes-of-value.ts';
import { LateAnswers } from './late-answers.ts';
import { Allowance, bytesOfEvent, bytesOfJson, Holding, Memory } from './memory.ts';
import { ReloadGate } from './reload-gate.ts';

test('a holder’s memory is free when the holder ends, and no longer counts', () => {
  const allowance = new Allowance(100);
  const [one, other] = [new Holding(allowance), new Holding(allowance)];
  one.change(60);
  other.change(39);
  assert.deepEqual([allowance.bytes, allowance.isSpent], [99, false]);
  other.change(1);
  assert.equal(allowance.isSpent, true);
  one.close();
  one.change(-60);
  assert.deepEqual([allowance.bytes, allowance.isSpent], [40, false]);
});

test('a value of many empty objects counts for more than its text, and a parsed value for more than an unparsed one', () => {
  const many = Array.from({ length: 10_000 }, () => ({}));
  const text = JSON.stringify(many);
  const plain = 'x'.repeat(text.length - 2);
  assert.ok(bytesOfJson(text, many) > 20 * text.length);
  assert.ok(bytesOfJson(JSON.stringify(plain), plain) < 5 * text.length);
  assert.equal(bytesOfJson(text, undefined), 2 * text.length);
  assert.equal(bytesOfJson('{"a":1}', { a: 1 }), 8 * 7);
  assert.deepEqual([bytesOfEvent({ body: '12' }), bytesOfEvent({ body: '12', bytes: 99 })], [4, 99]);
});

test('a value without a text counts as much as one with it', () => {
  const failing = (): never => {
    throw new Error('read');
  };
  const rows = Array.from({ length: 1_000 }, (_, at) => ({ id: at, name: 'x'.repeat(200), tags: ['a', 'b'] }));
  for (const value of [
    rows,
    Array.from({ length: 10_000 }, () => ({})),
    'x'.repeat(10_000),
    Array.from({ length: 10_000 }, (_, at) => at),
  ]) {
    const share = bytesOfValue(value, Number.POSITIVE_INFINITY) / bytesOfJson(JSON.stringify(value), value);
    assert.ok(share > 0.7 && share < 1.5, `${share} of what it is with its text`);
  }
  const circle: Record<string, unknown> = {};
  circle.own = [circle, circle];
  assert.equal(bytesOfValue(circle, 10_000), 10_000);
  let deep: unknown = 'x'.repeat(1_000);
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  assert.ok(bytesOfValue(deep, Number.POSITIVE_INFINITY) > 64 * 100_000);
  assert.ok(bytesOfValue(new Uint8Array(1_000_000), Number.POSITIVE_INFINITY) > 1_000_000);
  assert.ok(bytesOfValue(new Proxy({}, { ownKeys: failing }), 1_000) < 1_000);
  assert.ok(bytesOfValue(Object.defineProperty({}, 'x', { enumerable: true, get: failing }), 1_000) < 1_000);
});

test('a late answer counts until it arrives, or until nothing is left that could bring it', async () => {
  const allowance = new Allowance(100);
  const late = new LateAnswers(allowance);
  const [one, other] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  late.hold(one.promise, 10);
  late.hold(other.promise, 20);
  let never: Promise<void> | undefined = new Promise(() => undefined);
  late.hold(never, 30);
  assert.equal(allowance.bytes, 60);
  one.resolve();
  other.reject(new Error('late'));
  await setImmediate();
  assert.equal(allowance.bytes, 30);
  assert.ok(never);
  never = undefined;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  while (allowance.bytes > 0) {
    collect();
    await setImmediate();
  }
});

test('the parts of a memory do not exceed the whole', () => {
  const memory = new Memory(1_000_000);
  const parts = [memory.arriving, memory.fed, memory.waiting, memory.running, memory.states];
  assert.ok(parts.reduce((sum, { bytesMax }) => sum + bytesMax, 0) <= 1_000_000);
  assert.ok(new Memory(1).readMax >= 1);
});

test('others are asked to forget when one has nothing left to forget, until there is room', () => {
  const memory = new Memory(800);
  const asked: string[] = [];
  const forgetter = (name: string, frees: number) => () => {
    asked.push(name);
    memory.states.change(-frees);
  };
  const [own, idle, busy] = [forgetter('own', 0), forgetter('idle', 300), forgetter('busy', 0)];
  for (const forget of [own, idle, busy]) memory.addForgetter(forget);
  memory.states.change(500);
  memory.askOthers(own);
  assert.deepEqual(asked, ['idle']);
  memory.removeForgetter(idle);
  memory.states.change(300);
  memory.askOthers(own);
  assert.deepEqual(asked, ['idle', 'busy']);
});

test('lanes are read back concurrently while there is room, otherwise one by one and only when none waits for a place', async () => {
  let [hasRoom, isQuiet] = [true, true];
  const gate = new ReloadGate(
    () => hasRoom,
    () => isQuiet,
  );
  const entered: string[] = [];
  const enter = (name: string) => gate.enter().then(() => entered.push(name));
  await Promise.all([enter('a'), enter('b')]);
  hasRoom = false;
  const [c, d] = [enter('c'), enter('d')];
  gate.leave();
  await Promise.resolve();
  assert.deepEqual(entered, ['a', 'b']);
  isQuiet = false;
  gate.leave();
  await Promise.resolve();
  assert.deepEqual(entered, ['a', 'b']);
  isQuiet = true;
  gate.look();
  await c;
  assert.deepEqual(entered, ['a', 'b', 'c']);
  gate.open();
  await d;
});
