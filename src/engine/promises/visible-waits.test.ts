import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '../../errors.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { type LogLine, recordingLogger } from '../logger.fixture.test.ts';
import { type CommitCall, failing, onEveryStore, Step, steps, withCalls } from './fixture.test.ts';

const gap = 'events wait for a number that has not arrived';
const retry = 'events wait for a retry';
const parked = 'events pile up behind a parked key: redrive or discard its dead letter, or resume it';
const more = 'events of further keys wait for a number, a retry or an operator';
const before = 'keys were already waiting at the start: parked ones for an operator, gaps for a number';

interface WaitLine {
  readonly message: string;
  readonly key?: unknown;
  readonly next?: unknown;
  readonly events?: unknown;
  readonly keys?: unknown;
  readonly gaps?: unknown;
  readonly parked?: unknown;
}

/** The lines about waits; each is a warning of the pipeline. */
function waits(lines: readonly LogLine[]): readonly WaitLine[] {
  return lines
    .filter(({ message }) => [gap, retry, parked, more, before].includes(message))
    .map(({ level, message, fields }) => {
      assert.deepEqual([level, fields.pipeline], ['warn', 'steps']);
      return { message, ...fields };
    });
}

onEveryStore('promise 9: waits are visible', ({ testMill, makeStore }) => {
  test('a key with a long wait for a number is one line, with the number, the amount waiting and since when', async () => {
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: [steps({}, { numbered: true })], log });
    for (const n of [1, 3, 4]) await t.ingest('steps', { key: 'a', n });
    await t.advance('29s');
    assert.deepEqual(waits(lines), []);
    await t.advance('31s');
    assert.deepEqual(waits(lines), [{ message: gap, pipeline: 'steps', key: 'a', next: 2, events: 2, since: '2026-01-01T00:00:00.000Z' }]);
    await t.ingest('steps', { key: 'a', n: 5 });
    await t.advance('10m');
    assert.equal(waits(lines).length, 1, 'once for each wait');
    await t.ingest('steps', { key: 'a', n: 2 });
    await t.advance('10m');
    await t.ingest('steps', { key: 'a', n: 8 });
    await t.advance('1m');
    assert.deepEqual(waits(lines).at(-1), {
      message: gap,
      pipeline: 'steps',
      key: 'a',
      next: 6,
      events: 1,
      since: '2026-01-01T00:21:00.000Z',
    });
    assert.equal(waits(lines).length, 2);
    await t.stop();
  });

  test('events that arrive out of order but in time produce no line, however often that happens', async () => {
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: [steps({}, { numbered: true })], log });
    for (let n = 1; n <= 40; n += 2) {
      await t.ingest('steps', { key: 'a', n: n + 1 });
      await t.advance('20s');
      await t.ingest('steps', { key: 'a', n });
      await t.drain();
    }
    assert.deepEqual(waits(lines), []);
    await t.advance('85s');
    assert.equal(t.clock.turnToNextAlarm(t.clock.now() + 50_000), false, 'nothing is followed any more');
    await t.stop();
  });

  test('a key that moves from one gap to the next produces no line, even if something always waits', async () => {
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: [steps({}, { numbered: true })], log });
    for (let n = 1; n <= 40; n += 2) {
      await t.ingest('steps', { key: 'a', n: n + 3 });
      await t.ingest('steps', { key: 'a', n: n + 1 });
      await t.advance('20s');
      await t.ingest('steps', { key: 'a', n });
      await t.drain();
    }
    assert.deepEqual(waits(lines), []);
    await t.advance('1m');
    assert.deepEqual(
      waits(lines).map(({ next, events }) => ({ next, events })),
      [{ next: 41, events: 1 }],
    );
    await t.stop();
  });

  test('a key whose waiting room is half full produces a line at once', async () => {
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: [steps({}, { numbered: true, maxPending: 10 })], log });
    for (const n of [2, 3, 4, 5]) await t.ingest('steps', { key: 'a', n });
    await t.drain();
    assert.deepEqual(waits(lines), []);
    for (const n of [6, 7, 8]) await t.ingest('steps', { key: 'a', n });
    await t.drain();
    assert.deepEqual(
      waits(lines).map(({ message, next, events }) => ({ message, next, events })),
      [{ message: gap, next: 1, events: 5 }],
    );
    await t.stop();
  });

  test('events piling up behind a parked key are one line; a parked key with nothing waiting produces none', async () => {
    const { log, lines } = recordingLogger();
    let isBroken = true;
    const attempt = ({ n }: { n: number }) => {
      if (n === 1 && isBroken) failing();
    };
    const t = await testMill({ pipelines: [steps({ attempt }, { attempts: 1 })], log });
    for (const key of ['lonely', 'a']) await t.ingest('steps', { key, n: 1 });
    await t.advance('5m');
    assert.deepEqual(waits(lines), []);
    await t.ingest('steps', { key: 'a', n: 2 });
    await t.ingest('steps', { key: 'a', n: 3 });
    await t.advance('5m');
    assert.deepEqual(waits(lines), [{ message: parked, pipeline: 'steps', key: 'a', events: 3, since: '2026-01-01T00:05:00.000Z' }]);
    isBroken = false;
    const letter = (await t.deadLetters()).find(({ key }) => key === 'a');
    await t.mill.redrive(letter?.id ?? '');
    await t.advance('5m');
    assert.equal(waits(lines).length, 1);
    await t.stop();
  });

  test('a key with a long wait for a retry is one line, however many attempts fail, and a wait after its success is a new one', async () => {
    const { log, lines } = recordingLogger();
    let isBroken = true;
    const attempt = () => {
      if (isBroken) failing();
    };
    const stubborn = steps({ attempt }, { attempts: 1_000 });
    const t = await testMill({ pipelines: [stubborn], log });
    await t.ingest('steps', { key: 'a', n: 1 });
    await t.ingest('steps', { key: 'a', n: 2 });
    await t.advance('10m');
    assert.deepEqual(waits(lines), [{ message: retry, pipeline: 'steps', key: 'a', events: 2, since: '2026-01-01T00:00:00.000Z' }]);
    isBroken = false;
    await t.advance('1m');
    isBroken = true;
    await t.ingest('steps', { key: 'a', n: 3 });
    await t.advance('1m');
    assert.equal(waits(lines).length, 2);
    await t.stop();
  });

  test('a timer retried for long produces no line until events wait behind it', async () => {
    const { log, lines } = recordingLogger();
    const timed = pipeline('steps', {
      event: Step,
      key: ({ key }) => key,
      retry: { attempts: 1_000, backoff: '1s' },
      timers: { wake: failing },
      handle({ n }, _state, turn) {
        if (n === 1) turn.timers.set('wake', { after: '1s' });
      },
    });
    const t = await testMill({ pipelines: [timed], log });
    await t.ingest('steps', { key: 'a', n: 1 });
    await t.advance('5m');
    assert.deepEqual(waits(lines), []);
    await t.ingest('steps', { key: 'a', n: 2 });
    await t.advance('1m');
    assert.deepEqual(
      waits(lines).map(({ message, key, events }) => ({ message, key, events })),
      [{ message: retry, key: 'a', events: 1 }],
    );
    await t.stop();
  });

  test('many keys that begin to wait at once are a few lines, and the last says how many more there are', async () => {
    const store = makeStore();
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: [steps({}, { numbered: true })], log, store });
    for (let k = 0; k < 500; k += 1) await t.ingest('steps', { key: `k${k}`, n: 2 });
    await t.advance('1m');
    const told = waits(lines);
    const single = told.filter(({ message }) => message === gap);
    const together = told.filter(({ message }) => message === more);
    assert.equal(together.length, store.partitions);
    assert.ok(told.length <= 10 * store.partitions, `${told.length} lines`);
    const inAll = together.reduce((total, { keys }) => total + Number(keys), single.length);
    assert.equal(inAll, 500, 'each is told once');
    await t.advance('1h');
    assert.equal(waits(lines).length, told.length);
    await t.stop();
  });

  test('a series of crowded keys does not fill the log', async () => {
    const store = makeStore();
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: [steps({}, { numbered: true, maxPending: 2 })], log, store });
    for (let k = 0; k < 200; k += 1) await t.ingest('steps', { key: `k${k}`, n: 2 });
    await t.advance('59s');
    assert.ok(waits(lines).length <= 10 * store.partitions, `${waits(lines).length} lines`);
    await t.advance('2m');
    const together = waits(lines).filter(({ message }) => message === more);
    assert.ok(together.length > 0);
    await t.stop();
  });

  test('a start logs in one line how many keys an earlier process left parked and with gaps', async () => {
    const store = makeStore();
    const gaps = steps({}, { numbered: true });
    const first = await testMill({ pipelines: [gaps], store });
    for (let k = 0; k < 700; k += 1) await first.ingest('steps', { key: `k${k}`, n: 2 });
    await first.ingest('steps', { key: 'good', n: 1 });
    await first.stop();
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: [gaps], store, log, limits: { warmKeys: 10 } });
    await t.advance('10m');
    const told = waits(lines);
    assert.ok(told.length <= 11 * store.partitions, `${told.length} lines`);
    const total = told.filter(({ message }) => message === before).reduce((sum, line) => sum + Number(line.gaps) + Number(line.parked), 0);
    assert.equal(total, 700);
    await t.stop();
    const third = await testMill({ pipelines: [gaps], store: makeStore(), log });
    await third.advance('1m');
    assert.equal(waits(lines).length, told.length, 'where nothing waits nothing is said');
    await third.stop();
  });

  test('a start counts all earlier gaps, even of more keys than it tracks', async () => {
    const store = makeStore();
    const gaps = steps({}, { numbered: true });
    const first = await testMill({ pipelines: [gaps], store });
    for (let batch = 0; batch < 11; batch += 1) {
      await first.ingestBatch(
        'steps',
        Array.from({ length: 1_000 }, (_, at) => ({ key: `k${batch}-${at}`, n: 2 })),
      );
    }
    await first.stop();
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: [gaps], store, log });
    await t.advance('1m');
    const total = waits(lines).reduce((sum, line) => sum + Number(line.gaps ?? 0), 0);
    assert.equal(total, 11_000);
    await t.stop();
  });

  test('earlier parked keys are counted too, and a parked key proceeds without a line once it is redriven', async () => {
    const store = makeStore();
    let isBroken = true;
    const attempt = () => {
      if (isBroken) failing();
    };
    const pipelines = [steps({ attempt }, { attempts: 1 })];
    const first = await testMill({ pipelines, store });
    for (const key of ['a', 'b', 'c']) await first.ingest('steps', { key, n: 1 });
    await first.stop();
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines, store, log });
    await t.advance('1m');
    const total = waits(lines).reduce((sum, line) => sum + Number(line.parked), 0);
    assert.equal(total, 3);
    isBroken = false;
    for (const { id } of await t.deadLetters()) await t.mill.redrive(id);
    await t.advance('1m');
    assert.ok(waits(lines).every(({ message }) => message === before));
    await t.stop();
  });

  test('a store failure in between repeats no line', async () => {
    const base = makeStore();
    let failures = 0;
    const commit: CommitCall = async (work, lease) => {
      if (failures === 0) return lease.commit(work);
      failures -= 1;
      throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the network is down');
    };
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: [steps({}, { numbered: true })], store: withCalls(base, { commit }), log });
    await t.ingest('steps', { key: 'a', n: 2 });
    await t.advance('1m');
    failures = 1;
    await t.ingest('steps', { key: 'b', n: 1 });
    await t.ingest('steps', { key: 'a', n: 3 });
    await t.advance('10m');
    assert.deepEqual(
      waits(lines).map(({ message, key }) => ({ message, key })),
      [{ message: gap, key: 'a' }],
    );
    await t.stop();
  });

  test('a gap that is finally skipped is logged, but what follows it is not', async () => {
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: [steps({}, { numbered: true, skipAfter: '5m' })], log });
    await t.ingest('steps', { key: 'a', n: 2 });
    await t.advance('6m');
    await t.ingest('steps', { key: 'a', n: 3 });
    await t.advance('6m');
    assert.deepEqual(
      waits(lines).map(({ message, next }) => ({ message, next })),
      [{ message: gap, next: 1 }],
    );
    await t.stop();
  });
});
