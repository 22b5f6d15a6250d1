import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Machine, SystemClock } from './clock.ts';

const hourMs = 3_600_000;
const startAt = Date.UTC(2026, 0, 1);

/** A machine whose two clocks the test moves. A wait counts elapsed time, as a Node.js timer does. */
class TestMachine implements Machine {
  #elapsedMs = 1_000.25;
  #leadMs = startAt - 1_000.25;
  #waits: { readonly at: number; readonly ring: () => void }[] = [];
  /** Total number of waits so far. */
  waited = 0;

  now(): number {
    return Math.floor(this.#elapsedMs + this.#leadMs);
  }

  elapsedMs(): number {
    return this.#elapsedMs;
  }

  wait(ms: number, ring: () => void): () => void {
    assert.ok(ms >= 0 && ms < 2 ** 31, `a wait of ${ms} ms`);
    const wait = { at: this.#elapsedMs + ms, ring };
    this.#waits.push(wait);
    this.waited += 1;
    return () => {
      this.#waits = this.#waits.filter((other) => other !== wait);
    };
  }

  get waits(): number {
    return this.#waits.length;
  }

  /** Advances both clocks; due alarms ring on the way. */
  pass(ms: number): void {
    const until = this.#elapsedMs + ms;
    for (;;) {
      const next = this.#waits.toSorted((one, other) => one.at - other.at)[0];
      if (next === undefined || next.at > until) break;
      this.#waits = this.#waits.filter((other) => other !== next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.at);
      next.ring();
    }
    this.#elapsedMs = until;
  }

  /** Moves the wall clock alone, as when somebody sets it or the machine sleeps. */
  jump(ms: number): void {
    this.#leadMs += ms;
  }
}

function clockOn(machine: TestMachine) {
  const clock = new SystemClock(machine);
  const rung: string[] = [];
  const ring = (name: string) => () => void rung.push(name);
  return { clock, rung, ring };
}

test('an alarm rings once its moment has come, not before, and not if it was cancelled', () => {
  const machine = new TestMachine();
  const { clock, rung, ring } = clockOn(machine);
  clock.alarm(startAt + 5_000, ring('five'));
  const callOff = clock.alarm(startAt + 5_000, ring('called off'));
  clock.alarm(startAt - 5_000, ring('past'));
  callOff();
  assert.deepEqual(rung, [], 'not within the call');
  machine.pass(0);
  assert.deepEqual(rung, ['past']);
  machine.pass(4_998);
  assert.deepEqual(rung, ['past']);
  machine.pass(2);
  assert.deepEqual(rung, ['past', 'five']);
});

test('after a sleep an overdue alarm rings within a second', () => {
  const machine = new TestMachine();
  const { clock, rung, ring } = clockOn(machine);
  clock.alarm(startAt + hourMs / 2, ring('half an hour'));
  clock.alarm(startAt + 2 * hourMs, ring('two hours'));
  machine.pass(500);
  machine.jump(hourMs);
  machine.pass(1_000);
  assert.deepEqual(rung, ['half an hour']);
  machine.pass(hourMs - 1_600);
  assert.deepEqual(rung, ['half an hour']);
  machine.pass(1_100);
  assert.deepEqual(rung, ['half an hour', 'two hours']);
});

test('if the clock is set back an alarm waits for its moment', () => {
  const machine = new TestMachine();
  const { clock, rung, ring } = clockOn(machine);
  clock.alarm(startAt + 5_000, ring('moment'));
  machine.jump(-hourMs);
  machine.pass(hourMs);
  assert.deepEqual(rung, []);
  machine.pass(5_001);
  assert.deepEqual(rung, ['moment']);
});

test('an alarm with a maximum wait rings at that time, whatever the wall clock says', () => {
  const machine = new TestMachine();
  const { clock, rung, ring } = clockOn(machine);
  clock.alarm(startAt + 5_000, ring('bounded'), 5_000);
  clock.alarm(startAt + 2 * hourMs, ring('far'), 7_000);
  machine.pass(2_000);
  machine.jump(-hourMs);
  machine.pass(3_000);
  assert.deepEqual(rung, ['bounded']);
  machine.pass(2_000);
  assert.deepEqual(rung, ['bounded', 'far']);
});

test('an alarm after a span rings after it, through jumps in both directions', () => {
  for (const jumpMs of [hourMs, -hourMs]) {
    const machine = new TestMachine();
    const { clock, rung, ring } = clockOn(machine);
    clock.after(5_000, ring('span'));
    machine.jump(jumpMs);
    machine.pass(4_999);
    assert.deepEqual(rung, []);
    machine.pass(1);
    assert.deepEqual(rung, ['span']);
  }
});

test('a span or a moment beyond Node.js’s longest timer is waited for in parts', () => {
  const machine = new TestMachine();
  const { clock, rung, ring } = clockOn(machine);
  const farMs = 2.5 * 2 ** 31;
  clock.after(farMs, ring('span'));
  machine.pass(farMs - 1);
  assert.deepEqual(rung, []);
  machine.pass(1);
  assert.deepEqual(rung, ['span']);
  clock.alarm(clock.now() + farMs, ring('moment'))();
});

test('a slightly slow or fast wall clock rings no alarm early and delays none', () => {
  const machine = new TestMachine();
  const { clock, rung, ring } = clockOn(machine);
  const dayMs = 24 * hourMs;
  clock.alarm(startAt + dayMs, ring('day'));
  for (let second = 0; second < dayMs / 1_000 - 60; second += 1) {
    machine.pass(1_000);
    machine.jump(-0.5);
  }
  assert.deepEqual(rung, []);
  machine.pass(startAt + dayMs - clock.now() - 1);
  assert.deepEqual(rung, []);
  machine.pass(2);
  assert.deepEqual(rung, ['day']);
  clock.alarm(startAt + 2 * dayMs, ring('next day'));
  while (clock.now() < startAt + 2 * dayMs) {
    machine.pass(1_000);
    machine.jump(0.5);
  }
  machine.pass(1_000);
  assert.deepEqual(rung, ['day', 'next day']);
});

test('a listener hears once that the clock was set back, and nothing about sleep or after unsubscribing', () => {
  const machine = new TestMachine();
  const { clock, rung, ring } = clockOn(machine);
  const end = clock.whenTurnedBack(ring('set back'));
  clock.alarm(startAt + 10 * hourMs, ring('far'));
  machine.pass(500);
  machine.jump(hourMs);
  machine.pass(5_000);
  assert.deepEqual(rung, []);
  machine.jump(-hourMs);
  machine.pass(5_000);
  assert.deepEqual(rung, ['set back']);
  end();
  machine.jump(-hourMs);
  machine.pass(5_000);
  assert.deepEqual(rung, ['set back']);
});

test('there is one check for all alarms, and none while no alarm is waiting', () => {
  const machine = new TestMachine();
  const { clock, ring } = clockOn(machine);
  clock.after(10 * hourMs, ring('span'));
  assert.equal(machine.waits, 1);
  const callOffs = Array.from({ length: 100 }, () => clock.alarm(startAt + hourMs, ring('moment')));
  assert.equal(machine.waits, 102);
  const before = machine.waited;
  machine.pass(10_000);
  assert.equal(machine.waited - before, 10, 'no alarm is armed anew while the clock does not jump');
  for (const callOff of callOffs) callOff();
  machine.pass(1_000);
  assert.equal(machine.waits, 1);
});
