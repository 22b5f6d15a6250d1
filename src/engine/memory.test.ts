import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Allowance, bytesOfEvent, bytesOfJson, Holding, Memory } from './memory.ts';
import { ReloadGate } from './reload-gate.ts';

test('what a holder has is free again when the holder ends, and counts no more', () => {
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

test('a value of many empty objects counts for more than its text, one that is at hand for more than one that is not', () => {
  const many = Array.from({ length: 10_000 }, () => ({}));
  const text = JSON.stringify(many);
  const plain = 'x'.repeat(text.length - 2);
  assert.ok(bytesOfJson(text, many) > 20 * text.length);
  assert.ok(bytesOfJson(JSON.stringify(plain), plain) < 5 * text.length);
  assert.equal(bytesOfJson(text, undefined), 2 * text.length);
  assert.equal(bytesOfJson('{"a":1}', { a: 1 }), 8 * 7);
  assert.deepEqual([bytesOfEvent({ body: '12' }), bytesOfEvent({ body: '12', bytes: 99 })], [4, 99]);
});

test('the parts of a memory are no more than the memory', () => {
  const memory = new Memory(1_000_000);
  const parts = [memory.arriving, memory.fed, memory.waiting, memory.running, memory.states];
  assert.ok(parts.reduce((sum, { bytesMax }) => sum + bytesMax, 0) <= 1_000_000);
  assert.ok(new Memory(1).readMax >= 1);
});

test('who forgets is asked when another has nothing left to forget, until there is room', () => {
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

test('lanes read back side by side while there is room, else one by one and only when none waits for a place', async () => {
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
