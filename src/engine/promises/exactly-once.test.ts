import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import { until } from '../../../test/until.ts';
import { MillraceError } from '../../errors.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';
import type { Store } from '../../store/store.ts';
import { sliceOf } from '../identify.ts';
import { type CommitCall, failing, isCode, onEveryKindOfStore, Step, Steps, steps, stepsOf, upTo, withCalls } from './fixture.test.ts';

onEveryKindOfStore('promise 2: exactly once, inside', ({ testMill, makeStore }) => {
  for (const numbered of [false, true]) {
    test(`every turn takes effect once even if each commit fails at first (${numbered ? 'numbered' : 'arrival order'})`, async () => {
      const t = await testMill({ pipelines: [steps({}, { numbered })], crashBeforeCommit: true });
      for (let n = 1; n <= 10; n += 1) for (const key of ['a', 'b', 'c']) await t.ingest('steps', { key, n });
      await t.drain();
      for (const key of ['a', 'b', 'c']) assert.deepEqual(await stepsOf(t, key), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      assert.equal(t.mill.counts().steps?.processed, 30);
      await t.stop();
    });
  }

  test('events that arrive twice take effect once', async () => {
    const t = await testMill({ pipelines: [steps({}, { numbered: true })], duplicateEverything: true });
    for (const n of [3, 1, 2]) await t.ingest('steps', { key: 'a', n });
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3]);
    await t.stop();
  });

  test('a crash between finished and unfinished turns repeats only the unfinished ones', async () => {
    const slow = Promise.withResolvers<void>();
    const attempts: string[] = [];
    const attempt = ({ key, n }: { key: string; n: number }) => {
      attempts.push(`${key}${n}`);
      return key === 'slow' ? slow.promise : undefined;
    };
    const t = await testMill({ pipelines: [steps({ attempt })] });
    await t.ingest('steps', { key: 'slow', n: 1 });
    await t.ingest('steps', { key: 'fast', n: 1 });
    await t.ingest('steps', { key: 'slow', n: 2 });
    await t.ingest('steps', { key: 'fast', n: 2 });
    assert.deepEqual(await stepsOf(t, 'fast'), [1, 2]);
    await t.crash();
    slow.resolve();
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'fast'), [1, 2]);
    assert.deepEqual(await stepsOf(t, 'slow'), [1, 2]);
    assert.deepEqual(
      attempts.filter((name) => name.startsWith('fast')),
      ['fast1', 'fast2'],
    );
    await t.stop();
  });

  test('a send arrives once, however often its turn runs', async () => {
    const relay = pipeline('relay', {
      event: Step,
      key: ({ key }) => key,
      handle: (step, _state, turn) => turn.send(target, step),
    });
    const target = steps();
    const t = await testMill({ pipelines: [relay, target], crashBeforeCommit: true });
    for (let n = 1; n <= 5; n += 1) await t.ingest('relay', { key: 'a', n });
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3, 4, 5]);
    await t.stop();
  });

  test('the requests and changes of a failed attempt have no effect', async () => {
    const target = steps();
    const notes = table('notes', { key: 'text', n: 'integer', attempt: 'integer' });
    const given: unknown[] = [];
    const careless = pipeline('careless', {
      event: z.object({ key: z.string(), n: z.int(), tags: z.array(z.string()) }),
      key: ({ key }) => key,
      state: Steps,
      tables: { notes },
      retry: { attempts: 3, backoff: '1s' },
      handle(event, state, turn) {
        if (turn.attempt > 1) given.push(structuredClone({ event, state }));
        state?.steps.push(event.n);
        event.tags.push('touched');
        turn.add(notes, { key: turn.key, n: event.n, attempt: turn.attempt });
        turn.send(target, { key: 'sent', n: event.n * 10 + turn.attempt });
        if (turn.attempt === 1) turn.timers.set('ring', { after: 1 });
        if (event.n === 2 && turn.attempt < 3) throw new Error('not yet');
        if (event.n === 1) turn.timers.cancel('ring');
        return state ?? { steps: [event.n] };
      },
      timers: { ring: (_state, turn) => turn.add(notes, { key: turn.key, n: -1, attempt: turn.attempt }) },
    });
    const t = await testMill({ pipelines: [careless, target] });
    for (const n of [1, 2]) await t.ingest('careless', { key: 'a', n, tags: [] });
    await t.advance('1m');
    const blank = { event: { key: 'a', n: 2, tags: [] }, state: { steps: [1] } };
    assert.deepEqual(given, [blank, blank]);
    assert.deepEqual(await t.state('careless', 'a'), { steps: [1, 2] });
    assert.deepEqual(await t.rows(notes), [
      { key: 'a', n: 1, attempt: 1 },
      { key: 'a', n: 2, attempt: 3 },
    ]);
    assert.deepEqual(await stepsOf(t, 'sent'), [11, 23]);
    await t.stop();
  });

  test('no commit begins during another one, so none takes effect without the previous one', async () => {
    const base = makeStore();
    const gate = Promise.withResolvers<void>();
    let commits = 0;
    const commit: CommitCall = async (work, lease) => {
      commits += 1;
      if (commits > 1) return lease.commit(work);
      await gate.promise;
      throw new MillraceError('MILL_STORE_UNAVAILABLE', 'not now');
    };
    let attempts = 0;
    const attempt = () => {
      attempts += 1;
    };
    const t = await testMill({ pipelines: [steps({ attempt })], store: withCalls(base, { commit }) });
    for (const n of [1, 2, 3]) {
      await t.ingest('steps', { key: 'a', n });
      await until(() => attempts >= n);
      for (let turn = 0; turn < 10; turn += 1) await setImmediate();
      assert.equal(commits, 1);
    }
    gate.resolve();
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3]);
    await t.stop();
  });

  test('a turn under way when the store fails ends before its event has another', async () => {
    const base = makeStore();
    let isFailing = false;
    const append: Store['append'] = async (events) => {
      if (!isFailing) return base.append(events);
      isFailing = false;
      throw new MillraceError('MILL_STORE_UNAVAILABLE', 'not now');
    };
    const signals: AbortSignal[] = [];
    const gate = Promise.withResolvers<void>();
    const patient = pipeline('patient', {
      event: Step,
      key: ({ key }) => key,
      async handle(_step, _state, turn) {
        assert.ok(signals.every(({ aborted }) => aborted));
        signals.push(turn.signal);
        await gate.promise;
      },
    });
    const t = await testMill({ pipelines: [patient], store: withCalls(base, { append }) });
    await t.ingest('patient', { key: 'a', n: 1 });
    await until(() => signals.length > 0);
    isFailing = true;
    await assert.rejects(t.ingest('patient', { key: 'a', n: 2 }), isCode('MILL_STORE_UNAVAILABLE'));
    await until(() => signals.length > 1);
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, false],
    );
    gate.resolve();
    await t.drain();
    assert.equal(t.mill.counts().patient?.processed, 1);
    await t.stop();
  });

  test('a turn’s decision at the moment of a failing append is not committed behind the next claim’s back', async () => {
    const base = makeStore();
    const sliceOfGood = sliceOf('good', base.partitions);
    const badKey = upTo(100)
      .map((n) => `bad ${n}`)
      .find((key) => sliceOf(key, base.partitions) === sliceOfGood) as string;
    const answers = Promise.withResolvers<void>();
    const goodIsStored = Promise.withResolvers<void>();
    const badIsAsked = Promise.withResolvers<void>();
    const claimed = Promise.withResolvers<void>();
    const told = Promise.withResolvers<void>();
    let isOn = false;
    const append: Store['append'] = async (events) => {
      if (!isOn) return base.append(events);
      const isBad = events[0]?.key === badKey;
      const appended = isBad ? [] : await base.append(events);
      (isBad ? badIsAsked : goodIsStored).resolve();
      await answers.promise;
      if (!isBad) return appended;
      for (let at = 0; at < 40; at += 1) await null;
      throw new MillraceError('MILL_STORE_UNAVAILABLE', 'not now');
    };
    const claim: Store['claim'] = async (partition) => {
      if (isOn) await claimed.promise;
      return base.claim(partition);
    };
    let commits = 0;
    const commit: CommitCall = async (work, lease) => {
      commits += 1;
      const committed = await lease.commit(work);
      if (isOn) await told.promise;
      return committed;
    };
    const t = await testMill({ pipelines: [steps()], store: withCalls(base, { append, claim, commit }) });
    await t.ingest('steps', { key: 'good', n: 1 });
    await t.drain();
    isOn = true;
    const before = commits;
    const good = t.mill.ingest('steps', { key: 'good', n: 2 });
    await goodIsStored.promise;
    const bad = t.mill.ingest('steps', { key: badKey, n: 1 });
    await badIsAsked.promise;
    answers.resolve();
    await good;
    await assert.rejects(bad, isCode('MILL_STORE_UNAVAILABLE'));
    await setImmediate();
    await setImmediate();
    assert.equal(commits, before);
    claimed.resolve();
    await setImmediate();
    await setImmediate();
    isOn = false;
    told.resolve();
    await t.drain();
    const { depth, processed, received } = t.mill.counts().steps ?? {};
    assert.deepEqual({ depth, processed, received }, { depth: 0, processed: 2, received: 2 });
    await t.stop();
  });

  test('whoever waits for a turn’s place gets it once the turn’s decision is drafted', async () => {
    const base = makeStore();
    const sliceOfFirst = sliceOf('first', base.partitions);
    const others = upTo(100).map((n) => `other ${n}`);
    const second = others.find((key) => sliceOf(key, base.partitions) === sliceOfFirst) as string;
    // If there are several slices, it is in another one, so that turns of a single slice do not take all places.
    const elsewhere = others.find(
      (key) => key !== second && (base.partitions === 1 || sliceOf(key, base.partitions) !== sliceOfFirst),
    ) as string;
    const gates = new Map(['first', elsewhere].map((key) => [key, Promise.withResolvers<void>()]));
    const order: string[] = [];
    const attempt = async ({ key }: { readonly key: string }, nth: number) => {
      if (key === second && nth === 1) throw new Error('not yet');
      order.push(key);
      await gates.get(key)?.promise;
    };
    const commit: CommitCall = (work, lease) => {
      if (work.keys.some(({ key }) => key === 'first')) order.push('commit of first');
      return lease.commit(work);
    };
    const t = await testMill({
      pipelines: [steps({ attempt }, { concurrency: 2 })],
      store: withCalls(base, { commit }),
      limits: { commit: 1 },
    });
    await t.ingest('steps', { key: second, n: 1 });
    await t.drain();
    for (const key of ['first', elsewhere]) await t.ingest('steps', { key, n: 1 });
    await until(() => order.length === 2);
    const advanced = t.advance('1s');
    // The retry has been read and waits for a place.
    for (let nth = 0; nth < 20; nth += 1) await setImmediate();
    gates.get('first')?.resolve();
    await until(() => order.includes(second));
    assert.deepEqual(order.slice(2), ['commit of first', second]);
    gates.get(elsewhere)?.resolve();
    await advanced;
    await t.drain();
    await t.stop();
  });

  test('a commit under way when an append fails is the last one before the next claim', async () => {
    const base = makeStore();
    const gate = Promise.withResolvers<void>();
    let isFailing = false;
    const calls: string[] = [];
    const append: Store['append'] = async (events) => {
      if (isFailing) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'not now');
      return base.append(events);
    };
    const claim: Store['claim'] = (partition) => {
      calls.push('claim');
      return base.claim(partition);
    };
    const commit: CommitCall = async (work, lease) => {
      calls.push('commit');
      await gate.promise;
      return lease.commit(work);
    };
    let attempts = 0;
    const attempt = () => {
      attempts += 1;
    };
    const t = await testMill({ pipelines: [steps({ attempt })], store: withCalls(base, { append, claim, commit }) });
    calls.length = 0;
    for (const n of [1, 2]) {
      await t.ingest('steps', { key: 'a', n });
      await until(() => attempts >= n && calls.length > 0);
    }
    isFailing = true;
    await assert.rejects(t.ingest('steps', { key: 'a', n: 3 }), isCode('MILL_STORE_UNAVAILABLE'));
    isFailing = false;
    gate.resolve();
    await t.drain();
    assert.deepEqual(calls, ['commit', 'claim', 'commit']);
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2]);
    assert.equal(t.mill.counts().steps?.processed, 2);
    await t.stop();
  });

  test('requests from a handler that has ended are refused, and have no effect', async () => {
    const notes = table('notes', { n: 'integer' }, { primaryKey: ['n'] });
    const refusals: unknown[] = [];
    const late = pipeline('late', {
      event: Step,
      key: ({ key }) => key,
      tables: { notes },
      timers: { ring() {} },
      handle({ n }, _state, turn) {
        turn.add(notes, { n });
        queueMicrotask(() => {
          const effects = [
            () => turn.add(notes, { n: n + 1 }),
            () => turn.send('late', { key: 'b', n }),
            () => turn.timers.set('ring', { after: 1 }),
            () => turn.ignore('too late'),
          ];
          for (const effect of effects) {
            try {
              effect();
            } catch (error) {
              refusals.push(error);
            }
          }
        });
      },
    });
    const t = await testMill({ pipelines: [late] });
    await t.ingest('late', { key: 'a', n: 1 });
    await t.advance('1m');
    assert.equal(refusals.filter(isCode('MILL_INVALID_EFFECT')).length, 4);
    assert.deepEqual(await t.rows(notes), [{ n: 1 }]);
    assert.equal(t.mill.counts().late?.received, 1);
    await t.stop();
  });

  test('the last of many puts of a row wins, and rows are the same only if their whole primary keys are', async () => {
    const places = table('places', { key: 'text', part: 'text', n: 'integer' }, { primaryKey: ['key', 'part'] });
    const moves = pipeline('moves', {
      event: z.object({ key: z.string(), part: z.string(), n: z.int() }),
      key: () => 'all',
      tables: { places },
      handle: (move, _state, turn) => turn.put(places, move),
    });
    const t = await testMill({ pipelines: [moves] });
    const written = [
      { key: 'a', part: 'x', n: 1 },
      { key: 'a', part: 'y', n: 2 },
      { key: 'a', part: 'x', n: 3 },
      { key: 'b', part: 'x', n: 4 },
      { key: 'a', part: 'x', n: 5 },
    ];
    await t.ingestBatch('moves', written);
    await t.drain();
    const rows = (await t.rows(places)).map(({ key, part, n }) => `${key}${part}${n}`).toSorted();
    assert.deepEqual(rows, ['ax5', 'ay2', 'bx4']);
    await t.stop();
  });

  test('turns in one commit affect the same row in the order of their requests', async () => {
    const places = table('places', { key: 'text', name: 'text?', n: 'integer' }, { primaryKey: ['key'] });
    const Move = z.object({ write: z.enum(['put', 'add', 'update']), n: z.int(), name: z.string().optional() });
    const moves = pipeline('moves', {
      event: z.object({ key: z.string(), moves: z.array(Move) }),
      key: () => 'all',
      tables: { places },
      handle({ key, moves }, _state, turn) {
        for (const { write, n, name } of moves) {
          if (write === 'update') turn.update(places, { key, n });
          else turn[write](places, { key, n, name });
        }
      },
    });
    const t = await testMill({ pipelines: [moves] });
    const [put, update, add] = [
      { write: 'put', n: 1, name: 'put' },
      { write: 'update', n: 2 },
      { write: 'add', n: 3, name: 'added' },
    ];
    await t.ingestBatch('moves', [
      { key: 'updated', moves: [put, update] },
      { key: 'put anew', moves: [put, update, { ...put, n: 4 }] },
      { key: 'there already', moves: [put, update, add] },
      { key: 'not there', moves: [update, add] },
      { key: 'then updated', moves: [add, update] },
    ]);
    await t.drain();
    assert.deepEqual((await t.rows(places)).map(({ key, name, n }) => `${key}: ${name} ${n}`).toSorted(), [
      'not there: added 3',
      'put anew: put 4',
      'then updated: added 2',
      'there already: put 2',
      'updated: put 2',
    ]);
    await t.stop();
  });

  test('a tenure whose partition was claimed behind its back takes no effect, and the next one continues', async () => {
    const store = makeStore();
    let attempts = 0;
    const attempt = () => {
      attempts += 1;
    };
    const t = await testMill({ pipelines: [steps({ attempt })], store });
    await t.ingest('steps', { key: 'a', n: 1 });
    await t.drain();
    for (let slice = 0; slice < store.partitions; slice += 1) await store.claim({ pipeline: 'steps', slice });
    assert.equal((await t.ingest('steps', { key: 'a', n: 2 })).status, 'accepted');
    await t.drain();
    assert.equal(attempts, 3);
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2]);
    assert.deepEqual(t.mill.health(), { status: 'ok' });
    await t.stop();
  });

  const aMomentLater = { attempt: () => setImmediate() };
  for (const [what, pipeline] of [
    ['a turn', steps()],
    ['an asynchronous turn', steps(aMomentLater)],
    ['an asynchronous turn that waited for its place', steps(aMomentLater, { concurrency: 1 })],
  ] as const)
    test(`${what} whose rows the store refuses fails alone`, async () => {
      const base = makeStore();
      let isRefusing = true;
      const commit: CommitCall = async (work, lease) => {
        const isPoisoned = work.rows.some(({ rows }) => rows.some((row) => row.includes('b') && row.includes(2)));
        if (isRefusing && isPoisoned) throw new MillraceError('MILL_COMMIT_REFUSED', 'table applied: no twos');
        return lease.commit(work);
      };
      const t = await testMill({ pipelines: [pipeline], store: withCalls(base, { commit }) });
      await t.ingestBatch(
        'steps',
        [1, 2, 3].flatMap((n) => ['a', 'b', 'c'].map((key) => ({ key, n }))),
      );
      await t.advance('1m');
      assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3]);
      assert.deepEqual(await stepsOf(t, 'b'), [1]);
      assert.deepEqual(await stepsOf(t, 'c'), [1, 2, 3]);
      const [letter, ...more] = await t.deadLetters();
      assert.deepEqual(more, []);
      assert.equal(letter?.reason, 'table applied: no twos');
      assert.equal(letter?.attempts, 3);
      assert.equal(t.mill.counts().steps?.retries, 2, 'no other turn was tried again');
      isRefusing = false;
      await t.mill.redrive(letter?.id ?? '');
      await t.drain();
      assert.deepEqual(await stepsOf(t, 'b'), [1, 2, 3]);
      await t.stop();
    });

  test('turns share commits again once the turn with refused rows is found', async () => {
    const base = makeStore();
    let commits = 0;
    const commit: CommitCall = async (work, lease) => {
      commits += 1;
      if (work.rows.some(({ rows }) => rows.some((row) => row.includes(2)))) throw new MillraceError('MILL_COMMIT_REFUSED', 'no twos');
      return lease.commit(work);
    };
    const t = await testMill({ pipelines: [steps()], store: withCalls(base, { commit }) });
    await t.ingestBatch(
      'steps',
      [1, 2, 3].map((n) => ({ key: `${n}`, n })),
    );
    await t.advance('1m');
    commits = 0;
    await t.ingestBatch(
      'steps',
      Array.from({ length: 100 }, (_, n) => ({ key: 'd', n: 10 + n })),
    );
    await t.drain();
    assert.ok(commits < 100, `${commits} commits for 100 turns`);
    await t.stop();
  });

  for (const isAnswerLate of [false, true])
    test(`a send at the start reaches a slice that is still being claimed${isAnswerLate ? ', in the store already' : ''}`, async () => {
      const base = makeStore();
      const sent = Promise.withResolvers<void>();
      const sliceOfKey = (key: string) => sliceOf(key, base.partitions);
      // If there is only one slice, it is in the same one.
      const far = upTo(100).find((n) => sliceOfKey(`${n}`) !== sliceOfKey('0')) ?? 1;
      let isStart = false;
      const store = withCalls(base, {
        async claim(partition) {
          const claimed = isAnswerLate ? await base.claim(partition) : undefined;
          if (isStart && partition.slice !== sliceOfKey('0')) await sent.promise;
          return claimed ?? base.claim(partition);
        },
        async commit(work, lease) {
          const committed = await lease.commit(work);
          if (committed.sends.length > 0) globalThis.setImmediate(sent.resolve);
          return committed;
        },
      });
      const got: number[] = [];
      const relay = pipeline('relay', {
        event: z.object({ n: z.int() }),
        key: ({ n }) => `${n}`,
        retry: { backoff: '1s' },
        handle({ n }, _state, turn) {
          if (!isStart) failing();
          if (n === 0) turn.send(relay as never, { n: far } as never);
          else got.push(n);
        },
      });
      const t = await testMill({ pipelines: [relay], store });
      await t.ingest('relay', { n: 0 });
      await t.drain();
      await t.stop();
      isStart = true;
      while (t.clock.turnToNextAlarm(t.clock.now() + 60_000));
      await t.start();
      await t.drain();
      await t.advance('1m');
      assert.deepEqual(got, [far]);
      await t.stop();
    });
});
