import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import { until } from '../../../test/until.ts';
import { MillraceError } from '../../errors.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';
import type { Store } from '../../store/store.ts';
import { type CommitCall, isCode, onEveryKindOfStore, withCalls } from './fixture.test.ts';

onEveryKindOfStore('promise 5: timers fire once, or never if cancelled first', ({ testMill, makeStore }) => {
  const Alarm = z.object({ key: z.string(), set: z.number().nullable() });
  const rings = table('rings', { key: 'text', at: 'integer' }, { primaryKey: ['key', 'at'] });
  const alarms = pipeline('alarms', {
    event: Alarm,
    key: ({ key }) => key,
    state: z.object({ rung: z.number() }),
    tables: { rings },
    handle(alarm, _state, turn) {
      if (alarm.set === null) turn.timers.cancel('ring');
      else turn.timers.set('ring', { after: alarm.set, data: { set: alarm.set } });
    },
    timers: {
      ring(state, turn, data) {
        assert.ok((data as { set: number }).set > 0);
        turn.add(rings, { key: turn.key, at: turn.now });
        return { rung: (state?.rung ?? 0) + 1 };
      },
    },
  });

  test('a timer fires once at its moment, at the new moment if replaced, and never if cancelled, even across crashes', async () => {
    for (const crashBeforeCommit of [false, true]) {
      const t = await testMill({ pipelines: [alarms], crashBeforeCommit, startAt: 0 });
      for (const key of ['fires', 'replaced', 'cancelled', 'down']) await t.ingest('alarms', { key, set: 400 });
      await t.advance(300);
      await t.ingest('alarms', { key: 'replaced', set: 400 });
      await t.ingest('alarms', { key: 'cancelled', set: null });
      await t.advance(50);
      if (!crashBeforeCommit) await t.crash();
      await t.advance(1000);
      const rung = (await t.rows(rings)).map(({ key, at }) => `${key} ${at}`).toSorted();
      assert.deepEqual(rung, ['down 400', 'fires 400', 'replaced 700']);
      await t.stop();
    }
  });

  test('a timer that came due while nothing ran fires at the start', async () => {
    const store = makeStore();
    const before = await testMill({ pipelines: [alarms], store, startAt: 0 });
    await before.ingest('alarms', { key: 'a', set: 400 });
    await before.drain();
    await before.stop();
    const after = await testMill({ pipelines: [alarms], store, startAt: 10_000 });
    await after.drain();
    assert.deepEqual(await after.rows(rings), [{ key: 'a', at: 10_000 }]);
    await after.stop();
  });

  test('a timer that fired or was given up does not return after a crash, and its name can be set again', async () => {
    const t = await testMill({ pipelines: [alarms], startAt: 0 });
    await t.ingest('alarms', { key: 'a', set: 400 });
    await t.advance(400);
    await t.crash();
    await t.advance(1000);
    assert.deepEqual(await t.state('alarms', 'a'), { rung: 1 });
    for (const rung of [2, 3]) {
      await t.ingest('alarms', { key: 'a', set: 400 });
      await t.advance(400);
      assert.deepEqual(await t.state('alarms', 'a'), { rung });
    }
    await t.stop();
  });

  const Say = z.object({ key: z.string(), say: z.string(), after: z.number().optional() });
  const said = table('said', { key: 'text', what: 'text' });

  /** Records what happens to a key. `set` sets a timer, `cancel` cancels it; `slow` waits for the gate. */
  function speech(means: { gate?: Promise<void>; breaks?: () => void; ring?: (attempt: number) => void; concurrency?: number } = {}) {
    return pipeline('speech', {
      event: Say,
      key: ({ key }) => key,
      tables: { said },
      retry: { attempts: 3, backoff: '1s' },
      onGiveUp: 'park',
      concurrency: means.concurrency ?? 100,
      handle({ say, after }, _state, turn) {
        const decide = () => {
          turn.add(said, { key: turn.key, what: say });
          if (after !== undefined) turn.timers.set('ring', { after });
          if (say.includes('cancel')) turn.timers.cancel('ring');
          if (say === 'break') means.breaks?.();
          if (say === 'fail' && turn.attempt < 3) throw new Error('not yet');
        };
        return say.includes('slow') && means.gate !== undefined ? means.gate.then(decide) : decide();
      },
      timers: {
        ring(_state, turn) {
          means.ring?.(turn.attempt);
          turn.add(said, { key: turn.key, what: 'ring' });
        },
      },
    });
  }
  /** The records of one key, or of all. */
  const whatWasSaid = async (t: Awaited<ReturnType<typeof testMill>>, key?: string) =>
    (await t.rows(said)).filter((row) => key === undefined || row.key === key).map(({ what }) => what);

  test('a timer follows events that existed when it came due, and precedes later ones', async () => {
    const gate = Promise.withResolvers<void>();
    const t = await testMill({ pipelines: [speech({ gate: gate.promise })] });
    await t.ingest('speech', { key: 'a', say: 'set', after: 400 });
    await t.ingest('speech', { key: 'b', say: 'set', after: 450 });
    for (const say of ['slow', 'before']) await t.ingest('speech', { key: 'a', say });
    await t.advance(500);
    await t.ingest('speech', { key: 'a', say: 'later' });
    const ofA = async () => (await t.rows(said)).filter(({ key }) => key === 'a').map(({ what }) => what);
    assert.deepEqual(await ofA(), ['set']);
    gate.resolve();
    assert.deepEqual(await ofA(), ['set', 'slow', 'before', 'ring', 'later']);
    await t.stop();
  });

  test('a timer follows an event accepted before it was due that still waits for a free place', async () => {
    const gate = Promise.withResolvers<void>();
    const t = await testMill({ pipelines: [speech({ gate: gate.promise, concurrency: 1 })] });
    await t.ingest('speech', { key: 'a', say: 'set', after: 400 });
    await t.drain();
    await t.ingest('speech', { key: 'b', say: 'slow' });
    await t.ingest('speech', { key: 'a', say: 'before' });
    await t.advance(500);
    gate.resolve();
    await t.drain();
    // The slow turn takes the only place of its partition.
    const ofA = (await whatWasSaid(t)).filter((what) => what !== 'slow');
    assert.deepEqual(ofA, ['set', 'before', 'ring']);
    await t.stop();
  });

  test('a timer that came due while its key was parked fires once the key is open again', async () => {
    let broken = true;
    const breaks = () => {
      if (broken) throw new Error('poison');
    };
    const t = await testMill({ pipelines: [speech({ breaks })], limits: { warmKeys: 1 } });
    await t.ingest('speech', { key: 'a', say: 'set', after: 60_000 });
    await t.ingest('speech', { key: 'a', say: 'break' });
    await t.advance('2m');
    assert.equal((await t.key('speech', 'a')).status, 'parked');
    for (let n = 1; n <= 10; n += 1) {
      await t.ingest('speech', { key: `k${n}`, say: 'other' });
      await t.drain();
    }
    broken = false;
    await t.mill.redrive((await t.deadLetters())[0]?.id ?? '');
    await t.drain();
    const ofA = (await t.rows(said)).filter(({ key }) => key === 'a');
    assert.deepEqual(
      ofA.map(({ what }) => what),
      ['set', 'break', 'ring'],
    );
    await t.stop();
  });

  test('a timer follows events that wait for a retry', async () => {
    const t = await testMill({ pipelines: [speech()] });
    await t.ingest('speech', { key: 'a', say: 'set', after: 400 });
    for (const say of ['fail', 'before']) await t.ingest('speech', { key: 'a', say });
    await t.advance(500);
    assert.deepEqual(await whatWasSaid(t), ['set']);
    await t.advance('1m');
    assert.deepEqual(await whatWasSaid(t), ['set', 'fail', 'before', 'ring']);
    await t.stop();
  });

  test('a due timer that is cancelled or replaced before its turn does not fire', async () => {
    const gate = Promise.withResolvers<void>();
    const t = await testMill({ pipelines: [speech({ gate: gate.promise })] });
    for (const key of ['a', 'b']) await t.ingest('speech', { key, say: `${key} set`, after: 400 });
    await t.ingest('speech', { key: 'a', say: 'slow cancel' });
    await t.ingest('speech', { key: 'b', say: 'slow set', after: 5_000 });
    await t.advance(500);
    gate.resolve();
    await t.advance(1_000);
    assert.deepEqual((await whatWasSaid(t)).toSorted(), ['a set', 'b set', 'slow cancel', 'slow set']);
    await t.advance(5_000);
    assert.deepEqual(
      (await t.rows(said)).filter(({ what }) => what === 'ring').map(({ key }) => key),
      ['b'],
    );
    await t.stop();
  });

  test('a timer cancelled while the store looks for due ones does not fire', async () => {
    const base = makeStore();
    let asked: PromiseWithResolvers<void> | undefined;
    const dueCauses: Store['dueCauses'] = async (partition, dueBy, limit) => {
      const due = await base.dueCauses(partition, dueBy, limit);
      if (due.length > 0) await asked?.promise;
      return due;
    };
    const t = await testMill({ pipelines: [speech()], store: withCalls(base, { dueCauses }) });
    await t.ingest('speech', { key: 'a', say: 'set', after: 400 });
    await t.drain();
    asked = Promise.withResolvers();
    t.clock.turnToNextAlarm(t.clock.now() + 400);
    await t.ingest('speech', { key: 'a', say: 'cancel' });
    await until(async () => (await base.query('SELECT what FROM said', [])).some(({ what }) => what === 'cancel'));
    asked.resolve();
    await t.drain();
    assert.deepEqual(await whatWasSaid(t), ['set', 'cancel']);
    await t.stop();
  });

  test('a timer cancelled by a turn on its way to the disk does not fire', async () => {
    const base = makeStore();
    let onDisk = Promise.resolve();
    let commits = 0;
    const commit: CommitCall = (work, lease) => {
      commits += 1;
      return onDisk.then(() => lease.commit(work));
    };
    const t = await testMill({ pipelines: [speech()], store: withCalls(base, { commit }) });
    await t.ingest('speech', { key: 'a', say: 'set', after: 400 });
    await t.drain();
    const disk = Promise.withResolvers<void>();
    onDisk = disk.promise;
    commits = 0;
    await t.ingest('speech', { key: 'a', say: 'cancel' });
    await until(() => commits > 0);
    t.clock.turnToNextAlarm(t.clock.now() + 400);
    await base.dueCauses({ pipeline: 'speech', slice: 0 }, 0, 1);
    for (let turns = 0; turns < 10; turns += 1) await setImmediate();
    disk.resolve();
    await t.drain();
    assert.deepEqual(await whatWasSaid(t), ['set', 'cancel']);
    await t.stop();
  });

  test('a timer that comes due while the store looks for the next one fires', async () => {
    const base = makeStore();
    let asked: PromiseWithResolvers<void> | undefined;
    let asks = 0;
    const nextCauseDue: Store['nextCauseDue'] = async (partition, after) => {
      const next = await base.nextCauseDue(partition, after);
      asks += 1;
      await asked?.promise;
      return next;
    };
    const t = await testMill({ pipelines: [speech()], store: withCalls(base, { nextCauseDue }) });
    await t.ingest('speech', { key: 'a', say: 'a set', after: 400 });
    await t.drain();
    asked = Promise.withResolvers();
    asks = 0;
    t.clock.turnToNextAlarm(t.clock.now() + 400);
    await until(() => asks > 0);
    await t.ingest('speech', { key: 'a', say: 'set again', after: 100 });
    await until(async () => (await base.query('SELECT what FROM said', [])).some(({ what }) => what === 'set again'));
    for (let turns = 0; turns < 10; turns += 1) await setImmediate();
    t.clock.turnToNextAlarm(t.clock.now() + 100);
    asked.resolve();
    await t.advance(100);
    assert.deepEqual(await whatWasSaid(t), ['a set', 'ring', 'set again', 'ring']);
    await t.stop();
  });

  test('a failed timer is retried before anything else of its key, and once given up it is a dead letter', async () => {
    for (const isHopeless of [false, true]) {
      const attempts: number[] = [];
      const ring = (attempt: number) => {
        attempts.push(attempt);
        if (isHopeless || attempt < 3) throw new Error('no bell');
      };
      const t = await testMill({ pipelines: [speech({ ring })] });
      await t.ingest('speech', { key: 'a', say: 'set', after: 400 });
      await t.advance(400);
      await t.ingest('speech', { key: 'a', say: 'later' });
      assert.deepEqual(await whatWasSaid(t), ['set']);
      await t.advance('1m');
      assert.deepEqual(attempts, [1, 2, 3]);
      assert.deepEqual(await whatWasSaid(t), isHopeless ? ['set', 'later'] : ['set', 'ring', 'later']);
      const letters = (await t.deadLetters()).map(({ kind, key, reason, attempts }) => ({ kind, key, reason, attempts }));
      assert.deepEqual(letters, isHopeless ? [{ kind: 'timer', key: 'a', reason: 'timer ring: no bell', attempts: 3 }] : []);
      await t.crash();
      await t.advance('1m');
      assert.deepEqual(attempts, [1, 2, 3]);
      await t.stop();
    }
  });

  test('a failed timer’s changes have no effect', async () => {
    const given: unknown[] = [];
    const careless = pipeline('careless', {
      event: z.object({ key: z.string() }),
      key: ({ key }) => key,
      state: z.object({ said: z.array(z.string()) }),
      retry: { attempts: 3, backoff: '1s' },
      handle(_event, _state, turn) {
        turn.timers.set('ring', { after: 400, data: { bell: 'small' } });
        return { said: ['set'] };
      },
      timers: {
        ring(state, turn, data) {
          given.push(structuredClone({ state, data }));
          state?.said.push('rung');
          (data as { bell: string }).bell = 'broken';
          if (turn.attempt < 3) throw new Error('no bell');
          return state;
        },
      },
    });
    const t = await testMill({ pipelines: [careless] });
    await t.ingest('careless', { key: 'a' });
    await t.advance('1m');
    const blank = { state: { said: ['set'] }, data: { bell: 'small' } };
    assert.deepEqual(given, [blank, blank, blank]);
    assert.deepEqual(await t.state('careless', 'a'), { said: ['set', 'rung'] });
    await t.stop();
  });

  test('a timer’s failed attempts are counted across a crash, and later events keep waiting', async () => {
    const attempts: number[] = [];
    const ring = (attempt: number) => {
      attempts.push(attempt);
      if (attempt < 3) throw new Error('no bell');
    };
    const t = await testMill({ pipelines: [speech({ ring })] });
    await t.ingest('speech', { key: 'a', say: 'set', after: 400 });
    await t.advance(400);
    await t.ingest('speech', { key: 'a', say: 'later' });
    await t.drain();
    await t.crash();
    await t.ingest('speech', { key: 'a', say: 'after the crash' });
    await t.drain();
    assert.deepEqual(attempts, [1], 'not before its pause is over');
    assert.deepEqual(await whatWasSaid(t), ['set']);
    await t.advance('1m');
    assert.deepEqual(attempts, [1, 2, 3]);
    assert.deepEqual(await whatWasSaid(t), ['set', 'ring', 'later', 'after the crash']);
    await t.stop();
  });

  test('a timer that came due while nothing ran precedes events accepted after the start', async () => {
    const t = await testMill({ pipelines: [speech()] });
    for (const key of ['a', 'b']) await t.ingest('speech', { key, say: 'set', after: 400 });
    await t.drain();
    await t.stop();
    while (t.clock.turnToNextAlarm(t.clock.now() + 1_000));
    await t.start();
    await t.ingest('speech', { key: 'a', say: 'cancel' });
    await t.drain();
    assert.deepEqual(await whatWasSaid(t, 'a'), ['set', 'ring', 'cancel']);
    assert.deepEqual(await whatWasSaid(t, 'b'), ['set', 'ring']);
    await t.stop();
  });

  test('events accepted before a timer was due precede it, even if both exist at the start', async () => {
    const base = makeStore();
    let isBroken = false;
    const commit: CommitCall = async (work, lease) => {
      if (isBroken) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the network is down');
      return lease.commit(work);
    };
    const t = await testMill({ pipelines: [speech()], store: withCalls(base, { commit }) });
    await t.ingest('speech', { key: 'a', say: 'set', after: 400 });
    await t.drain();
    isBroken = true;
    await t.ingestBatch(
      'speech',
      ['first', 'second', 'third'].map((say) => ({ key: 'a', say })),
    );
    await t.advance('1m');
    isBroken = false;
    await t.advance('1m');
    await t.ingest('speech', { key: 'a', say: 'late' });
    await t.drain();
    assert.deepEqual(await whatWasSaid(t), ['set', 'first', 'second', 'third', 'ring', 'late']);
    await t.stop();
  });

  test('a given-up timer fires when redriven, unless its key has set it again', async () => {
    let isBroken = true;
    const ring = () => {
      if (isBroken) throw new Error('no bell');
    };
    const t = await testMill({ pipelines: [speech({ ring })] });
    for (const key of ['a', 'b', 'c']) await t.ingest('speech', { key, say: 'set', after: 400 });
    await t.advance('1m');
    const [a, b, c] = await t.deadLetters();
    assert.ok(a?.kind === 'timer' && b && c);
    assert.deepEqual([a.timer.name, a.attempts], ['ring', 3]);
    assert.equal(t.mill.counts().speech?.deadLetters, 3);
    isBroken = false;
    await t.mill.redrive(a.id);
    await t.drain();
    assert.deepEqual(await whatWasSaid(t, a.key), ['set', 'ring']);
    await assert.rejects(t.mill.redrive(a.id), isCode('MILL_NOT_FOUND'));
    await t.ingest('speech', { key: b.key, say: 'set', after: 60_000 });
    await t.drain();
    assert.deepEqual(
      (await t.key('speech', b.key)).timers.map(({ name }) => name),
      ['ring'],
    );
    await assert.rejects(t.mill.redrive(b.id), isCode('MILL_CONFLICT'));
    await t.mill.discard(c.id);
    await t.crash();
    await t.advance('10m');
    assert.deepEqual(await whatWasSaid(t, c.key), ['set']);
    assert.deepEqual(await whatWasSaid(t, b.key), ['set', 'set', 'ring']);
    assert.deepEqual(
      (await t.deadLetters()).map(({ id }) => id),
      [b.id],
    );
    await t.stop();
  });

  test('a start loses no later timer, and fires more due timers than one look takes', async () => {
    const store = makeStore();
    const t = await testMill({ pipelines: [speech()], store });
    for (const from of [0, 800]) {
      await t.ingestBatch(
        'speech',
        Array.from({ length: 800 }, (_, k) => ({ key: `k${from + k}`, say: 'set', after: 60_000 })),
      );
    }
    await t.drain();
    await t.crash();
    await t.advance(59_999);
    assert.equal((await t.rows(said)).length, 1_600);
    await t.advance(1);
    assert.equal((await t.rows(said)).filter(({ what }) => what === 'ring').length, 1_600);
    await t.stop();
  });

  test('a timer already overdue when set precedes an event accepted after it was due', async () => {
    const gate = Promise.withResolvers<void>();
    const t = await testMill({ pipelines: [speech({ gate: gate.promise })] });
    await t.ingest('speech', { key: 'a', say: 'slow set', after: 400 });
    await t.advance(1_000);
    await t.ingest('speech', { key: 'a', say: 'later' });
    gate.resolve();
    await t.drain();
    assert.deepEqual(await whatWasSaid(t), ['slow set', 'ring', 'later']);
    await t.stop();
  });

  test('timers of events without keys fire once each, however slowly the store answers', async () => {
    const base = makeStore();
    const slowly = async <T>(answer: Promise<T>): Promise<T> => {
      const known = await answer;
      for (let turn = 0; turn < 5; turn += 1) await setImmediate();
      return known;
    };
    const store = withCalls(base, {
      commit: (work, lease) => slowly(lease.commit(work)),
      load: (partition, keys) => slowly(base.load(partition, keys)),
      dueCauses: (partition, dueBy, limit) => slowly(base.dueCauses(partition, dueBy, limit)),
    });
    const rung: string[] = [];
    const alarms = pipeline('alarms', {
      event: z.object({}),
      handle(_event, _state, turn) {
        turn.timers.set('first', { after: 10 });
        turn.timers.set('second', { after: 10 });
      },
      timers: {
        first(_state, turn) {
          rung.push(`first of ${turn.key}`);
          turn.timers.set('second', { after: 10 });
        },
        second: (_state, turn) => void rung.push(`second of ${turn.key}`),
      },
    });
    const t = await testMill({ pipelines: [alarms], store });
    for (const id of ['a', 'b', 'c']) await t.ingest('alarms', {}, { id });
    await t.drain();
    await t.advance(100);
    await t.drain();
    assert.deepEqual(
      rung.toSorted(),
      ['first', 'second'].flatMap((name) => ['a', 'b', 'c'].map((key) => `${name} of ${key}`)),
    );
    await t.stop();
  });
});
