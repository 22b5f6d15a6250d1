import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MillraceError } from '../errors.ts';
import type { HeldEvent, KeyRecord } from '../store/store.ts';
import { nameInKey, type Waiting } from './cause.ts';
import { Lane, type LaneStatus } from './lane.ts';
import { LaneMemory } from './lane-memory.ts';
import { defaultLimits } from './limits.ts';
import { Memory } from './memory.ts';

const numbers = { by: () => 0, from: 1, pendingMax: 10, jumpMax: 1_000, skipAfterMs: undefined, alarmAfterMs: 60_000 };
const none: KeyRecord = {
  state: null,
  next: null,
  parked: false,
  heldFrom: null,
  heldTo: null,
  held: 0,
  gap: null,
  timers: [],
  outcomes: [],
};

function memoryOf() {
  const memory = new Memory(defaultLimits.memoryBytes);
  return { memory, holdings: new LaneMemory(memory) };
}

function laneOf({ record = none, numbered = false }: { record?: KeyRecord; numbered?: boolean } = {}): Lane {
  return new Lane('k', numbered ? numbers : undefined, memoryOf().holdings, record);
}

function waiting(order: number, more: Partial<Waiting> = {}): Waiting {
  const event = { order, position: order, id: `e${order}`, number: null, acceptedAt: 1_000 + order, body: '{}', traceparent: null };
  return { kind: 'event', ...event, attempts: 0, retryAt: null, held: false, ...more };
}

function held(order: number): HeldEvent {
  const { kind: _, ...event } = waiting(order);
  return { ...event, key: 'k', origin: null };
}

const timer = (name: string, dueAt: number, attempts = 0) =>
  ({ kind: 'timer', key: 'k', name, dueAt, data: null, attempts, retryAt: null }) as const;

const outcome = (id: string, dueAt: number, data = '{}') =>
  ({ kind: 'outcome', key: 'k', endpoint: 'shop', id, dueAt, data, attempts: 0, retryAt: null }) as const;

const dueNow = (lane: Lane) => lane.dueCause && nameInKey(lane.dueCause);

const unexpected = (error: unknown) => error instanceof MillraceError && error.code === 'MILL_INTERNAL';

/** Brings a new lane into each status. */
const waysInto: Readonly<Record<LaneStatus, (lane: Lane) => void>> = {
  open: () => undefined,
  ready: (lane) => lane.queueUp(),
  running: (lane) => lane.beginTurn(waiting(1)),
  reloading: (lane) => lane.beginReload(),
  blocked: (lane) => lane.block(),
  throttled: (lane) => lane.throttle(),
  parked: (lane) => lane.park(),
};

const statuses = Object.keys(waysInto) as LaneStatus[];

function laneIn(status: LaneStatus): Lane {
  const lane = laneOf();
  waysInto[status](lane);
  assert.equal(lane.status, status);
  return lane;
}

/** Each transition, the only status in which it may happen, and the status it leads to. */
const transitions: readonly { readonly name: string; readonly from: LaneStatus; readonly to: LaneStatus; make(lane: Lane): void }[] = [
  { name: 'queueUp', from: 'open', to: 'ready', make: (lane) => lane.queueUp() },
  { name: 'takePlace', from: 'ready', to: 'open', make: (lane) => lane.takePlace() },
  { name: 'beginTurn', from: 'open', to: 'running', make: (lane) => lane.beginTurn(waiting(1)) },
  { name: 'beginCauseTurn', from: 'open', to: 'running', make: (lane) => lane.beginCauseTurn(timer('t', 1)) },
  { name: 'endTurn', from: 'running', to: 'open', make: (lane) => lane.endTurn() },
  { name: 'beginReload', from: 'open', to: 'reloading', make: (lane) => lane.beginReload() },
  { name: 'refill', from: 'reloading', to: 'open', make: (lane) => lane.refill([held(1)], false) },
  { name: 'block', from: 'open', to: 'blocked', make: (lane) => lane.block() },
  { name: 'throttle', from: 'open', to: 'throttled', make: (lane) => lane.throttle() },
  { name: 'findRoom', from: 'throttled', to: 'open', make: (lane) => lane.findRoom() },
  { name: 'park', from: 'open', to: 'parked', make: (lane) => lane.park() },
  { name: 'unpark', from: 'parked', to: 'open', make: (lane) => lane.unpark() },
];

describe('a transition of a lane', () => {
  for (const { name, from, to, make } of transitions) {
    test(`${name} turns ${from} into ${to}`, () => {
      const lane = laneIn(from);
      make(lane);
      assert.equal(lane.status, to);
    });

    for (const status of statuses.filter((other) => other !== from)) {
      test(`${name} throws while it is ${status}, and leaves it unchanged`, () => {
        const lane = laneIn(status);
        const before = { underWay: lane.isUnderWay(1), spilledFrom: lane.spilledFrom, queued: lane.queued, hasLeft: lane.hasLeft };
        assert.throws(() => make(lane), unexpected);
        assert.equal(lane.status, status);
        const after = { underWay: lane.isUnderWay(1), spilledFrom: lane.spilledFrom, queued: lane.queued, hasLeft: lane.hasLeft };
        assert.deepEqual(after, before);
      });
    }
  }

  test('reports the expected and the found status when it throws', () => {
    assert.throws(
      () => laneIn('running').beginTurn(waiting(2)),
      /^MillraceError: lane of key "k": expected it to be open before it is running, found it running$/,
    );
  });

  test('goOn opens a blocked lane, and no other', () => {
    for (const status of statuses) {
      const lane = laneIn(status);
      lane.ring();
      assert.equal(lane.isRung, true);
      lane.goOn();
      assert.deepEqual([lane.isRung, lane.status], [false, status === 'blocked' ? 'open' : status]);
    }
  });
});

test('a lane comes into memory as the store has it', () => {
  const record = {
    ...none,
    state: { json: '{"a":1}', version: 1 },
    next: 4,
    parked: true,
    heldFrom: 5,
    heldTo: 9,
    held: 2,
    timers: [timer('t', 1)],
  };
  const lane = laneOf({ record, numbered: true });
  assert.deepEqual(
    [lane.status, lane.next, lane.nextIsStored, lane.pending, lane.spilledFrom, lane.hasLeft],
    ['parked', 4, true, 2, 5, true],
  );
  assert.deepEqual([laneOf({ numbered: true }).next, laneOf().nextIsStored, laneOf().status], [1, false, 'open']);
});

test('a lane is busy while it has a turn, waits for a place or is read back, and stopped while its first event holds up all others', () => {
  assert.deepEqual(
    statuses.filter((status) => laneIn(status).isBusy),
    ['ready', 'running', 'reloading'],
  );
  assert.deepEqual(
    statuses.filter((status) => laneIn(status).isStopped),
    ['blocked', 'throttled', 'parked'],
  );
});

test('the order under way is that of the turn, until it ends', () => {
  const lane = laneIn('running');
  assert.deepEqual([lane.isUnderWay(1), lane.isUnderWay(2)], [true, false]);
  lane.endTurn();
  assert.equal(lane.isUnderWay(1), false);
});

test('the next number never falls', () => {
  const lane = laneOf({ numbered: true });
  lane.moveTo(5);
  lane.moveTo(5);
  assert.throws(() => lane.moveTo(4), unexpected);
  assert.deepEqual([lane.next, lane.nextIsStored], [5, true]);
});

describe('the queue of a lane in memory', () => {
  test('is sorted, whatever the order of arrival, and has each order once', () => {
    const lane = laneOf();
    assert.deepEqual(
      [3, 1, 2, 3].map((order) => lane.insert(waiting(order))),
      [true, true, true, false],
    );
    assert.deepEqual(
      [lane.takeHead(), lane.takeHead(), lane.takeHead(), lane.takeHead()].map((event) => event?.order),
      [1, 2, 3, undefined],
    );
  });

  test('is only in the store from its first order on, once it is spilled', () => {
    const { memory, holdings } = memoryOf();
    const lane = new Lane('k', undefined, holdings);
    for (const order of [4, 5]) lane.insert(waiting(order));
    assert.ok(memory.waiting.bytes > 0);
    assert.deepEqual(
      lane.spill().map(({ order }) => order),
      [4, 5],
    );
    assert.deepEqual([lane.queued, lane.spilledFrom, lane.spillComesFirst, memory.waiting.bytes], [0, 4, true, 0]);
    lane.spillFrom(7);
    assert.equal(lane.spilledFrom, 4);
    lane.spillFrom(2);
    assert.equal(lane.spilledFrom, 2);
  });

  test('gains the events read back, each once, and continues in the store if the list was cut short', () => {
    const lane = laneOf({ record: { ...none, heldFrom: 1, heldTo: 9, held: 9 } });
    lane.beginReload();
    assert.equal(lane.spilledFrom, Number.POSITIVE_INFINITY);
    lane.insert(waiting(2));
    lane.spillFrom(6);
    lane.refill([held(1), held(2), held(3)], true);
    assert.deepEqual([lane.queued, lane.spilledFrom, lane.head?.held], [3, 4, true]);
    lane.beginReload();
    lane.refill([held(1)], false);
    assert.equal(lane.queued, 3);
    assert.equal(lane.spilledFrom, Number.POSITIVE_INFINITY);
  });
});

test('refuses held events that come back out of order', () => {
  const lane = laneIn('reloading');
  assert.throws(() => lane.refill([held(2), held(1)], true), unexpected);
});

describe('the events that a lane counts', () => {
  test('on their way never number less than zero', () => {
    const lane = laneOf();
    lane.endArrival();
    lane.admit();
    lane.admit(2);
    lane.endArrival();
    assert.equal(lane.arriving, 2);
  });

  test('count once each: those held when it was loaded, and then those delivered by the log', () => {
    const lane = new Lane('k', numbers, memoryOf().holdings, { ...none, heldFrom: 4, heldTo: 10, held: 2 });
    assert.deepEqual(
      [9, 10, 11, 11].map((position) => lane.countArrival({ position })),
      [false, false, true, false],
    );
    assert.equal(lane.pending, 3);
    lane.countSettled({ position: 12 });
    assert.equal(lane.pending, 3, 'it was read back before the log came to it');
    for (const position of [9, 10, 11, 11]) lane.countSettled({ position });
    assert.equal(lane.pending, 0);
    lane.countAgain({ position: 13 });
    assert.equal(lane.pending, 1);
    lane.countSettled({ position: 13 });
    assert.equal(lane.pending, 0);
    lane.countArrival({ position: 14 });
    lane.countNonePending();
    assert.equal(lane.pending, 0);
  });
});

describe('the gap of a lane', () => {
  test('keeps it in memory until it is noted, and leaves a note to be removed only if there may be one', () => {
    const lane = laneOf({ numbered: true });
    assert.deepEqual(lane.beginGap(3, 500), { next: 1, first: 3, since: 500 });
    assert.equal(lane.isForgettable(0), false);
    assert.equal(lane.endGap(), false);
    assert.equal(lane.isForgettable(0), true);
    lane.beginGap(3, 500);
    assert.deepEqual(lane.noteGap(), { next: 1, first: 3, since: 500 });
    assert.equal(lane.isForgettable(0), true);
    assert.equal(lane.endGap(), true);
    assert.equal(lane.endGap(), false);
  });

  test('has a note to be removed once the store has noted it', () => {
    const lane = laneOf({ record: { ...none, gap: { next: 1, first: 2, since: 0 } }, numbered: true });
    assert.equal(lane.endGap(), true);
  });

  test('counts from now at the latest, once the clock was set back', () => {
    const lane = laneOf({ numbered: true });
    lane.beginGap(3, 500);
    assert.equal(lane.turnGapBack(600).since, 500);
    assert.equal(lane.turnGapBack(400).since, 400);
    assert.equal(lane.gap?.since, 400);
    assert.equal(lane.endGap(), true);
  });

  test('does not begin without numbers, and without a gap nothing is noted or restarted', () => {
    assert.throws(() => laneOf().beginGap(3, 500), unexpected);
    assert.throws(() => laneOf({ numbered: true }).noteGap(), unexpected);
    assert.throws(() => laneOf({ numbered: true }).turnGapBack(1), unexpected);
  });
});

test('a lane waits for one alarm at a time, and knows the moment for which it has rung', () => {
  const lane = laneOf();
  const calledOff: number[] = [];
  lane.arm(10, () => calledOff.push(10));
  assert.deepEqual([lane.isArmed, lane.isArmedFor(10), lane.isArmedFor(11), lane.hasAwaited(10)], [true, true, false, false]);
  assert.equal(lane.isForgettable(0), false);
  lane.arm(20, () => calledOff.push(20));
  assert.deepEqual(calledOff, [10]);
  lane.alarmRang();
  assert.deepEqual([lane.isArmed, lane.hasAwaited(20), lane.hasAwaited(10)], [false, true, false]);
  lane.disarm();
  assert.deepEqual([calledOff, lane.hasAwaited(20)], [[10], false]);
});

test('a lane may be forgotten when nothing about it exists only in memory', () => {
  const forgettable = statuses.filter((status) => laneIn(status).isForgettable(0));
  assert.deepEqual(forgettable, ['open', 'parked']);
  const lane = laneOf();
  lane.changeIn(3);
  lane.changeIn(2);
  assert.deepEqual([lane.draft, lane.isForgettable(2), lane.isForgettable(3)], [3, false, true]);
  lane.ring();
  assert.equal(lane.isForgettable(3), false);
  lane.goOn();
  lane.admit();
  assert.equal(lane.isForgettable(3), false);
  lane.endArrival();
  lane.insert(waiting(1));
  assert.equal(lane.isForgettable(3), false);
});

test('a sweep finds a lane warm once per use', () => {
  const lane = laneOf();
  assert.deepEqual([lane.cool(), lane.cool()], [true, false]);
  lane.warm();
  assert.deepEqual([lane.cool(), lane.cool()], [true, false]);
});

describe('the timers of a lane', () => {
  test('have their turns in the order in which they came due, and before events accepted later', () => {
    const lane = laneOf({ record: { ...none, timers: [timer('late', 1_002), timer('early', 1_000)] } });
    for (const name of ['late', 'early']) lane.comeDue(lane.causeOf(timer(name, 0)) ?? timer(name, 0));
    lane.comeDue(timer('late', 1_002));
    lane.insert(waiting(1));
    assert.equal(dueNow(lane), 'early');
    lane.beginCauseTurn(timer('early', 1_000));
    lane.endTurn();
    assert.equal(dueNow(lane), undefined, 'the event was accepted before the other came due');
    lane.takeHead();
    assert.equal(dueNow(lane), 'late');
  });

  test('come first after a failure, whatever came due before', () => {
    const lane = laneOf({ record: { ...none, timers: [timer('a', 1), timer('b', 2)] } });
    lane.comeDue(timer('a', 1));
    lane.retryCause(timer('b', 2, 1));
    lane.insert(waiting(-999));
    assert.equal(dueNow(lane), 'b');
  });

  test('do not come due again during their turn, unless they are set again', () => {
    const lane = laneOf({ record: { ...none, timers: [timer('t', 1)] } });
    lane.comeDue(timer('t', 1));
    lane.beginCauseTurn(timer('t', 1));
    lane.comeDue(timer('t', 1));
    assert.equal(lane.hasDueCause, false);
    lane.comeDue({ ...timer('t', 2), data: '2' });
    assert.equal(lane.hasDueCause, true);
  });

  test('do not fire after being reset or cancelled', () => {
    for (const written of [{ ...timer('t', 9), dueAt: null }, timer('t', 9)]) {
      const lane = laneOf({ record: { ...none, timers: [timer('t', 1)] } });
      lane.comeDue(timer('t', 1));
      lane.writeCause(written);
      assert.deepEqual([lane.dueCause, lane.causeOf(timer('t', 0))?.dueAt], [undefined, written.dueAt ?? undefined]);
    }
  });

  test('that come due while it is parked are left to the store, and handed out once it is open', () => {
    const lane = laneOf({ record: { ...none, timers: [timer('a', 1), timer('b', 2), timer('c', 3)] } });
    lane.comeDue(timer('b', 2));
    lane.park();
    assert.deepEqual([lane.hasDueCause, lane.hasLeft, lane.isForgettable(0)], [false, true, true]);
    assert.equal(lane.comeDue(timer('a', 1)), false);
    assert.deepEqual(lane.takeLeft(), []);
    lane.unpark();
    assert.equal(lane.comeDue(timer('b', 2)), true);
    assert.equal(dueNow(lane), 'a', 'what came due before goes first');
    assert.equal(lane.takeLeft().length, 3);
    assert.equal(lane.hasLeft, false);
  });

  test('that were not asked for yet precede an event accepted after they came due', () => {
    const lane = laneOf({ record: { ...none, timers: [timer('due', 900), timer('after', 1_500), timer('failed', 5_000, 1)] } });
    lane.insert(waiting(1));
    lane.takeOverdue({ now: () => 2_000 });
    assert.equal(dueNow(lane), 'due');
    lane.beginCauseTurn(timer('due', 900));
    lane.endTurn();
    lane.writeCause({ ...timer('due', 0), dueAt: null });
    assert.equal(dueNow(lane), 'failed');
  });
});

describe('the outcomes of a lane', () => {
  test('have their turns among the timers in the order of their moments, and are never confused with a timer of the same name', () => {
    const lane = laneOf({ record: { ...none, outcomes: [outcome('b', 2)], timers: [timer('a', 1), timer('shop', 3), timer('b', 4)] } });
    for (const cause of lane.causes.toReversed()) lane.comeDue(cause);
    const had: string[] = [];
    for (let cause = lane.dueCause; cause !== undefined; cause = lane.dueCause) {
      lane.beginCauseTurn(cause);
      had.push(nameInKey(cause));
      lane.endTurn();
    }
    assert.deepEqual(had, ['a', 'shop/b', 'shop', 'b']);
  });

  test('precede an event accepted after them, even if the clock was set back since; timers do not', () => {
    const lane = laneOf({ record: { ...none, outcomes: [outcome('b', 1_000)], timers: [timer('a', 1_000)] } });
    lane.insert(waiting(1));
    lane.takeOverdue({ now: () => 500 });
    assert.equal(dueNow(lane), 'shop/b');
    lane.writeCause({ ...outcome('b', 0), dueAt: null });
    assert.equal(dueNow(lane), undefined);
  });

  test('keep it busy until it has been notified of all, including a replaced one; timers do not', () => {
    const lane = laneOf({ record: { ...none, outcomes: [outcome('b', 1)], timers: [timer('a', 1)] } });
    lane.writeCause(outcome('b', 2, '{"newer":true}'));
    assert.deepEqual(
      [lane.isAtRest, lane.isReplaced(outcome('b', 1)), lane.isReplaced(outcome('b', 2, '{"newer":true}'))],
      [false, true, false],
    );
    lane.writeCause({ ...outcome('b', 2), dueAt: null });
    assert.equal(lane.isAtRest, true);
  });
});

test('a state is handed to one turn, and memory counts it until the lane is forgotten', () => {
  const { memory, holdings } = memoryOf();
  const lane = new Lane('k', undefined, holdings, {
    ...none,
    timers: [{ ...timer('t', 1), data: '"some data"' }],
    outcomes: [outcome('b', 1)],
  });
  lane.moveState({ a: 1 }, { json: '{"a":1}', version: 1 });
  assert.deepEqual([lane.takeState(), lane.takeState(), lane.stored?.json], [{ a: 1 }, undefined, '{"a":1}']);
  lane.insert(waiting(1));
  assert.ok(memory.states.bytes > 0 && memory.waiting.bytes > 0);
  lane.forget();
  assert.deepEqual([memory.states.bytes, memory.waiting.bytes], [0, 0]);
});
