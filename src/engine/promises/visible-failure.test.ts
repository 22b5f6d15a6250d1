import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revoked, throwing } from '../../../test/unreadable.ts';
import { MillraceError } from '../../errors.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Store } from '../../store/store.ts';
import { silentLogger } from '../logger.ts';
import { type CommitCall, failing, isCode, onEveryKindOfStore, Step, steps, stepsOf, upTo, withCalls } from './fixture.test.ts';

onEveryKindOfStore('promise 9: failure is visible', ({ testMill, makeStore }) => {
  test('a given-up event is a dead letter with its reason, and counted', async () => {
    const attempt = () => {
      throw new Error('no such planet');
    };
    const t = await testMill({ pipelines: [steps({ attempt })] });
    await t.ingest('steps', { key: 'a', n: 1 });
    await t.advance('1m');
    const [letter, ...more] = await t.deadLetters('steps');
    assert.deepEqual(more, []);
    assert.ok(letter?.kind === 'event' && letter.parked);
    assert.equal(letter.reason, 'no such planet');
    assert.deepEqual(JSON.parse(letter.body), { key: 'a', n: 1 });
    const { failed, retries, depth, deadLetters } = t.mill.counts().steps ?? {};
    assert.deepEqual({ failed, retries, depth, deadLetters }, { failed: 1, retries: 2, depth: 0, deadLetters: 1 });
    await t.crash();
    assert.equal(t.mill.counts().steps?.deadLetters, 1, 'also those of former processes');
    await t.stop();
  });

  test('anything a handler throws makes a dead letter, even if it throws when inspected', async () => {
    const ours = new MillraceError('MILL_CONFLICT', 'x');
    const thrown = [
      revoked(),
      new Proxy(new Error('x'), { getPrototypeOf: throwing }),
      new Proxy(ours, { get: throwing, has: throwing }),
      Object.defineProperty(new MillraceError('MILL_CONFLICT', 'x'), 'code', { get: throwing }),
      Object.assign(new MillraceError('MILL_CONFLICT', 'x'), { code: 'MINE' }),
    ];
    const t = await testMill({
      pipelines: [
        pipeline('hidden', {
          event: Step,
          key: ({ key }) => key,
          retry: { attempts: 1 },
          handle({ key, n }) {
            if (key === 'later') return Promise.reject(thrown[n]);
            throw thrown[n];
          },
        }),
      ],
    });
    for (const n of thrown.keys()) for (const key of [`now ${n}`, 'later']) await t.ingest('hidden', { key, n });
    await t.drain();
    assert.equal((await t.deadLetters('hidden')).length, 2 * thrown.length);
    assert.equal(t.mill.health().status, 'ok');
    await t.stop();
  });

  test('parked keys are counted, including those of earlier processes, until somebody decides', async () => {
    let isBroken = true;
    const attempt = () => {
      if (isBroken) throw new Error('no such planet');
    };
    const t = await testMill({ pipelines: [steps({ attempt }, { attempts: 1 })] });
    const parked = () => t.mill.counts().steps?.parked;
    for (const key of ['a', 'b', 'c']) for (const n of [1, 2]) await t.ingest('steps', { key, n });
    await t.drain();
    assert.equal(parked(), 3);
    await t.crash();
    await t.drain();
    assert.equal(parked(), 3);
    const [first, second] = await t.deadLetters('steps');
    await t.mill.redrive(first?.id ?? '');
    await t.drain();
    assert.equal(parked(), 3, 'it failed again');
    isBroken = false;
    await t.mill.discard(second?.id ?? '');
    await t.drain();
    assert.equal(parked(), 2);
    for (const { id } of await t.deadLetters('steps')) await t.mill.redrive(id);
    await t.drain();
    assert.equal(parked(), 0);
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2]);
    await t.stop();
  });

  test('a handler that does not end fails when its time is up, and its signal is aborted', async () => {
    let reason: unknown;
    const stuck = pipeline('stuck', {
      event: Step,
      key: ({ key }) => key,
      retry: { attempts: 1 },
      timeout: '2s',
      handle: (_step, _state, turn) =>
        new Promise(() => {
          turn.signal.addEventListener('abort', () => {
            reason = turn.signal.reason;
          });
        }),
    });
    const t = await testMill({ pipelines: [stuck] });
    await t.ingest('stuck', { key: 'a', n: 1 });
    await t.advance('2s');
    assert.equal((await t.deadLetters())[0]?.reason, 'the handler did not end within 2000 ms');
    assert.ok(isCode('MILL_HANDLER_TIMEOUT')(reason));
    await t.stop();
  });

  test('work without progress is unhealthy, and says where', async () => {
    const hangs = Promise.withResolvers<void>();
    const store = withCalls(makeStore(), { commit: (work, lease) => hangs.promise.then(() => lease.commit(work)) });
    const t = await testMill({ pipelines: [steps()], store });
    await t.drain();
    assert.deepEqual(t.mill.health(), { status: 'ok' });
    while (t.clock.turnToNextAlarm(t.clock.now() + 300_000) && t.clock.now() < Date.UTC(2026, 0, 2));
    assert.deepEqual(t.mill.health(), { status: 'ok' }, 'nothing to do is healthy');
    await t.ingest('steps', { key: 'a', n: 1 });
    assert.deepEqual(t.mill.health(), { status: 'ok' }, 'only just begun');
    for (let alarms = 0; alarms < 3; alarms += 1) t.clock.turnToNextAlarm(t.clock.now() + 60_000);
    assert.match(t.mill.health().reason ?? '', /pipeline steps: has work but has made no progress for \d+ s/);
    hangs.resolve();
    await t.drain();
    assert.deepEqual(t.mill.health(), { status: 'ok' });
    await t.stop();
  });

  test('a failing store is unhealthy, is retried with pauses, and is healthy once it is back', async () => {
    const base = makeStore();
    let isDown = true;
    let commits = 0;
    const commit: CommitCall = async (work, lease) => {
      commits += 1;
      if (isDown) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the disk is on fire');
      return lease.commit(work);
    };
    const t = await testMill({ pipelines: [steps()], store: withCalls(base, { commit }) });
    await t.ingest('steps', { key: 'a', n: 1 });
    await t.advance('10s');
    assert.deepEqual(t.mill.health(), { status: 'unavailable', reason: 'pipeline steps: the disk is on fire' });
    assert.ok(commits >= 3 && commits < 30, `${commits} commits`);
    assert.equal(t.mill.counts().steps?.processed, 0, 'counted once it is on disk');
    isDown = false;
    await t.advance('10s');
    assert.deepEqual(t.mill.health(), { status: 'ok' });
    assert.deepEqual(await stepsOf(t, 'a'), [1]);
    assert.equal(t.mill.counts().steps?.processed, 1);
    await t.advance('10m');
    assert.deepEqual(t.mill.health(), { status: 'ok' }, 'nothing to do is healthy, also after work');
    await t.stop();
  });

  test('a store that accepts nothing is unhealthy exactly as long as it is locked, whether or not events arrive', async () => {
    const base = makeStore();
    let isLocked = true;
    const append: Store['append'] = async (events) => {
      if (isLocked) throw new MillraceError('MILL_STORE_BUSY', 'somebody keeps it locked');
      return base.append(events);
    };
    const t = await testMill({ pipelines: [steps()], store: withCalls(base, { append }) });
    const locked = { status: 'unavailable', reason: 'somebody keeps it locked' };
    await assert.rejects(t.ingest('steps', { key: 'a', n: 1 }), isCode('MILL_STORE_BUSY'));
    assert.deepEqual(t.mill.health(), locked);
    await t.advance('1m');
    assert.deepEqual(t.mill.health(), locked);
    isLocked = false;
    await t.advance('100ms');
    assert.equal(t.mill.health().status, 'ok');
    await t.ingest('steps', { key: 'a', n: 1 });
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1]);
    await t.stop();
  });

  test('any other refusal counts against the store for a while, but only until the next success', async () => {
    const base = makeStore();
    let isDown = true;
    const append: Store['append'] = async (events) => {
      if (isDown) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the disk is on fire');
      return base.append(events);
    };
    const t = await testMill({ pipelines: [steps()], store: withCalls(base, { append }) });
    await assert.rejects(t.ingest('steps', { key: 'a', n: 1 }), isCode('MILL_STORE_UNAVAILABLE'));
    assert.deepEqual(t.mill.health(), { status: 'unavailable', reason: 'the disk is on fire' });
    await t.advance('10s');
    assert.equal(t.mill.health().status, 'ok', 'nobody knows any more');
    await assert.rejects(t.ingest('steps', { key: 'a', n: 1 }), isCode('MILL_STORE_UNAVAILABLE'));
    isDown = false;
    await t.ingest('steps', { key: 'a', n: 1 });
    await t.drain();
    assert.equal(t.mill.health().status, 'ok');
    await t.stop();
  });

  test('a lock that commits run into is one line in the log, and turns are committed as soon as it is released', async () => {
    const base = makeStore();
    let isLocked = true;
    const refuse = () => {
      throw new MillraceError('MILL_STORE_BUSY', 'somebody keeps it locked');
    };
    const lines: string[] = [];
    const note = (_: object, line: string) => void lines.push(line);
    const log = { ...silentLogger, warn: note, debug: note };
    const t = await testMill({
      pipelines: [steps()],
      store: withCalls(base, {
        commit: async (work, lease) => (isLocked ? refuse() : lease.commit(work)),
        claim: async (partition) => (isLocked && lines.length > 0 ? refuse() : base.claim(partition)),
      }),
      log,
    });
    await t.ingest('steps', { key: 'a', n: 1 });
    await t.advance('3m');
    assert.match(t.mill.health().reason ?? '', /keeps it locked/);
    assert.deepEqual(lines, ['starting over']);
    isLocked = false;
    await t.advance('100ms');
    assert.deepEqual(t.mill.health(), { status: 'ok' });
    assert.deepEqual(await stepsOf(t, 'a'), [1]);
    await t.stop();
  });

  test('a store unreachable for all partitions is one line in the log, and then one a minute', async () => {
    const base = makeStore();
    let isAway = false;
    const refuse = () => {
      throw new MillraceError('MILL_STORE_UNAVAILABLE', 'it is away');
    };
    const lines: string[] = [];
    const log = { ...silentLogger, warn: (_: object, line: string) => void lines.push(line) };
    const t = await testMill({
      pipelines: [steps()],
      store: withCalls(base, {
        commit: async (work, lease) => (isAway ? refuse() : lease.commit(work)),
        claim: async (partition) => (isAway ? refuse() : base.claim(partition)),
      }),
      log,
    });
    isAway = true;
    const events = upTo(20).map((n) => ({ key: `${n}`, n }));
    await t.ingestBatch('steps', events);
    await t.advance('59s');
    assert.deepEqual(lines, ['starting over']);
    await t.advance('30s');
    assert.deepEqual(lines, ['starting over', 'starting over']);
    isAway = false;
    await t.advance('10s');
    for (const { key, n } of events) assert.deepEqual(await stepsOf(t, key), [n]);
    await t.stop();
  });

  test('an idle engine ends when its store is gone, which retention detects', async () => {
    const prune = async () => {
      throw new MillraceError('MILL_STORE_MOVED', 'the database file was moved');
    };
    const t = await testMill({ pipelines: [steps()], store: withCalls(makeStore(), { prune }) });
    const stopped = assert.rejects(t.mill.stopped, isCode('MILL_STORE_MOVED'));
    await t.advance('1m');
    assert.deepEqual(t.mill.health(), { status: 'unavailable', reason: 'the database file was moved' });
    await t.stop();
    await stopped;
  });

  test('consecutive failed attempts are not progress', async () => {
    const stuck = pipeline('stuck', {
      event: Step,
      key: ({ key }) => key,
      retry: { attempts: 1_000, backoff: 10, maxBackoff: 10, jitter: 0 },
      timeout: '2s',
      handle: () => new Promise(() => undefined),
    });
    const t = await testMill({ pipelines: [stuck] });
    await t.ingest('stuck', { key: 'a', n: 1 });
    const statuses: string[] = [];
    for (let second = 1; second <= 20; second += 1) {
      await t.advance('1s');
      statuses.push(t.mill.health().status);
    }
    assert.equal(statuses[0], 'ok');
    assert.equal(statuses.at(-1), 'unavailable');
    await t.stop();
  });

  test('a slow turn beside committing turns is not a lack of progress', async () => {
    const mixed = pipeline('mixed', {
      event: Step,
      key: ({ key }) => key,
      timeout: '5m',
      handle: ({ key }) => (key === 'slow' ? new Promise<void>(() => {}) : undefined),
    });
    const t = await testMill({ pipelines: [mixed] });
    for (let n = 1; n <= 12; n += 1) {
      for (let k = 0; k < 20; k += 1) await t.ingest('mixed', { key: `k${k}`, n });
      if (n === 1) for (let k = 0; k < 20; k += 1) await t.ingest('mixed', { key: 'slow', n: k });
      await t.advance('1m');
      assert.deepEqual(t.mill.health(), { status: 'ok' });
    }
    await t.stop();
  });

  test('ignored and redriven events are counted', async () => {
    let broken = true;
    const picky = pipeline('picky', {
      event: Step,
      key: ({ key }) => key,
      retry: { attempts: 1 },
      onGiveUp: 'park',
      handle({ n }, _state, turn) {
        if (n < 0) return turn.ignore('negative');
        if (broken) throw new Error('poison');
      },
    });
    const t = await testMill({ pipelines: [picky] });
    for (const n of [-1, 1]) await t.ingest('picky', { key: 'a', n });
    const [letter] = await t.deadLetters();
    assert.deepEqual({ failed: t.mill.counts().picky?.failed, ignored: t.mill.counts().picky?.ignored }, { failed: 1, ignored: 1 });
    broken = false;
    await t.mill.redrive(letter?.id ?? '');
    await t.drain();
    const { received, processed, failed, depth } = t.mill.counts().picky ?? {};
    assert.deepEqual({ received, processed, failed, depth }, { received: 3, processed: 2, failed: 1, depth: 0 });
    await t.stop();
  });

  test('waiting and given-up events are kept beyond the retention', async () => {
    for (const onGiveUp of ['park', 'skip'] as const) {
      let broken = true;
      const attempt = ({ key }: { key: string }) => {
        if (broken && key === 'a') throw new Error('poison');
      };
      const store = makeStore();
      const t = await testMill({ pipelines: [steps({ attempt }, { onGiveUp, retain: '10m' })], store });
      for (const n of [1, 2]) for (const key of ['a', 'b']) await t.ingest('steps', { key, n });
      const slices = Array.from({ length: store.partitions }, (_, slice) => ({ pipeline: 'steps', slice }));
      const logged = async () => (await Promise.all(slices.map((slice) => store.read(slice, 0, 10)))).flat().map(({ key }) => key);
      await t.advance('8m');
      assert.equal((await logged()).length, 4);
      await t.advance('4m');
      assert.deepEqual(await logged(), ['a', 'a']);
      await t.crash();
      broken = false;
      for (const letter of await t.deadLetters()) {
        assert.match(letter.kind === 'event' ? letter.body : '', /"key":"a"/);
        await t.mill.redrive(letter.id);
      }
      await t.drain();
      assert.deepEqual(await stepsOf(t, 'a'), [1, 2]);
      await t.stop();
    }
  });

  test('operators’ actions are remembered across a restart, for ninety days', async () => {
    const store = makeStore();
    const t = await testMill({ pipelines: [steps()], store });
    await t.mill.pause('steps', { who: 'ann', reason: 'a bad release' });
    const [entry] = await t.mill.audit();
    assert.ok(entry !== undefined);
    const day = 24 * 3_600_000;
    for (const [id, days] of [
      ['0000', 91],
      ['0001', 89],
    ] as const) {
      await store.noteAudit({ ...entry, id, at: entry.at - days * day });
    }
    await t.crash();
    await t.advance('3m');
    assert.deepEqual(
      (await t.mill.audit()).map(({ id, who, reason }) => [id, who, reason]),
      [
        [entry.id, 'ann', 'a bad release'],
        ['0001', 'ann', 'a bad release'],
      ],
    );
    await t.stop();
  });

  test('an action and its audit entry are one transaction', async () => {
    const base = makeStore();
    let isRefused = false;
    const commit: CommitCall = async (work, lease) => {
      if (isRefused && work.resolvedDeadLetters.length > 0) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'no answer');
      return lease.commit(work);
    };
    const t = await testMill({ pipelines: [steps({ attempt: failing }, { attempts: 1 })], store: withCalls(base, { commit }) });
    await t.ingest('steps', { key: 'a', n: 1 });
    await t.drain();
    const [letter] = await t.deadLetters();
    isRefused = true;
    await assert.rejects(t.mill.discard(letter?.id ?? '', { who: 'ann' }));
    isRefused = false;
    await t.drain();
    assert.deepEqual([(await t.mill.audit()).length, (await t.deadLetters()).length], [0, 1]);
    await t.mill.discard(letter?.id ?? '', { who: 'ann' });
    assert.deepEqual([(await t.mill.audit()).length, (await t.deadLetters()).length], [1, 0]);
    await t.stop();
  });

  test('redriven or discarded events are counted once, even if the store’s answer is lost', async () => {
    const base = makeStore();
    let isLost = false;
    const commit: CommitCall = async (work, lease) => {
      const committed = await lease.commit(work);
      if (!isLost) return committed;
      isLost = false;
      throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the network is down');
    };
    let isBroken = true;
    const attempt = () => {
      if (isBroken) failing();
    };
    const t = await testMill({ pipelines: [steps({ attempt }, { attempts: 1 })], store: withCalls(base, { commit }) });
    for (const key of ['a', 'b']) await t.ingest('steps', { key, n: 1 });
    await t.drain();
    isBroken = false;
    const resolve = [(id: string) => t.mill.redrive(id), (id: string) => t.mill.discard(id)];
    for (const [at, { id }] of (await t.deadLetters()).entries()) {
      isLost = true;
      await Promise.allSettled([resolve[at]?.(id)]);
      await t.advance('1m');
      await t.drain();
    }
    const { depth, received, processed, failed } = t.mill.counts().steps ?? {};
    assert.equal(depth, 0);
    assert.equal(received, (processed ?? 0) + (failed ?? 0));
    await t.stop();
  });
});
