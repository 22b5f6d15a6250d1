import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import * as z from 'zod';
import { MillraceError } from '../errors.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { table } from '../pipeline/table.ts';
import { memory } from '../store/memory/memory-store.ts';
import { sqlite } from '../store/sqlite/sqlite-store.ts';
import type { Commit, Store } from '../store/store.ts';
import { type TestMillOptions, testMill as testMillOn } from '../testing/test-mill.ts';

const Step = z.object({ key: z.string(), n: z.int() });
const applied = table('applied', { key: 'text', n: 'integer', nth: 'integer' }, { primaryKey: ['key', 'nth'] });
const Steps = z.object({ steps: z.array(z.number()) });

interface Behaviour {
  /** Called at the start of every attempt. */
  readonly attempt?: (step: z.infer<typeof Step>, attempt: number) => void | Promise<void>;
}

/** A pipeline whose state and rows both tell what was applied, in which order. */
function steps(
  { attempt }: Behaviour = {},
  options: { numbered?: boolean; onGiveUp?: 'park' | 'skip'; attempts?: number; skipAfter?: '5m' } = {},
) {
  const { numbered = false, onGiveUp, attempts = 3, skipAfter } = options;
  return pipeline('steps', {
    event: Step,
    key: ({ key }) => key,
    ...(numbered && { order: { by: ({ n }: { n: number }) => n, maxPending: 20, gap: skipAfter ? { skipAfter } : 'wait' } }),
    state: Steps,
    tables: { applied },
    retry: { attempts, backoff: '1s' },
    ...(onGiveUp && { onGiveUp }),
    handle(step, state, turn) {
      const decide = () => {
        const before = state?.steps ?? [];
        turn.add(applied, { key: step.key, n: step.n, nth: before.length });
        return { steps: [...before, step.n] };
      };
      const done = attempt?.(step, turn.attempt);
      return done instanceof Promise ? done.then(decide) : decide();
    },
  });
}

async function stepsOf(t: Awaited<ReturnType<typeof testMillOn>>, key: string): Promise<readonly number[]> {
  const state = (await t.state('steps', key)) as { steps: number[] } | undefined;
  const rows = (await t.rows(applied)).filter((row) => row.key === key).sort((a, b) => a.nth - b.nth);
  assert.deepEqual(
    rows.map(({ n }) => n),
    state?.steps ?? [],
    'rows and state commit together',
  );
  return state?.steps ?? [];
}

const isCode = (code: string) => (error: unknown) => error instanceof MillraceError && error.code === code;

const folder = mkdtempSync(join(tmpdir(), 'millrace-promises-'));
after(() => rmSync(folder, { recursive: true }));
let databases = 0;

promisesOn('memory', () => memory());
promisesOn('memory in four slices', () => memory({ partitions: 4 }));
promisesOn('sqlite', () => {
  databases += 1;
  return sqlite(join(folder, `${databases}.db`));
});

/** Every promise that needs no server, on a store. */
function promisesOn(name: string, makeStore: () => Store): void {
  const testMill = (options: TestMillOptions) => testMillOn({ store: makeStore(), ...options });

  describe(name, () => {
    describe('promise 1: accepted means durable', () => {
      test('what was acknowledged is there after a crash in the same instant', async () => {
        const t = await testMill({ pipelines: [steps()] });
        for (let n = 1; n <= 20; n += 1) {
          await t.ingest('steps', { key: 'a', n });
          if (n % 5 === 0) await t.crash();
        }
        await t.drain();
        assert.deepEqual(
          await stepsOf(t, 'a'),
          Array.from({ length: 20 }, (_, at) => at + 1),
        );
        await t.stop();
      });
    });

    describe('promise 2: exactly once, inside', () => {
      for (const numbered of [false, true]) {
        test(`every turn takes effect once when each commit fails at first (${numbered ? 'numbered' : 'arrival order'})`, async () => {
          const t = await testMill({ pipelines: [steps({}, { numbered })], crashBeforeCommit: true });
          for (let n = 1; n <= 10; n += 1) for (const key of ['a', 'b', 'c']) await t.ingest('steps', { key, n });
          await t.drain();
          for (const key of ['a', 'b', 'c']) assert.deepEqual(await stepsOf(t, key), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
          assert.equal(t.mill.counts().steps?.processed, 30);
          await t.stop();
        });
      }

      test('events that came twice take effect once', async () => {
        const t = await testMill({ pipelines: [steps({}, { numbered: true })], duplicateEverything: true });
        for (const n of [3, 1, 2]) await t.ingest('steps', { key: 'a', n });
        assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3]);
        await t.stop();
      });

      test('a crash between finished and unfinished turns repeats only the unfinished', async () => {
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

      test('a send arrives once, however often the turn that sends it runs', async () => {
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
    });

    describe('promise 3: in order per key', () => {
      test('a retry keeps later events of its key behind it', async () => {
        const attempt = ({ n }: { n: number }, attempt: number) => {
          if (n === 2 && attempt < 3) throw new Error('not yet');
        };
        const t = await testMill({ pipelines: [steps({ attempt })] });
        for (let n = 1; n <= 100; n += 1) await t.ingest('steps', { key: 'a', n });
        await t.drain();
        assert.deepEqual(await stepsOf(t, 'a'), [1]);
        await t.ingest('steps', { key: 'a', n: 101 });
        await t.advance('5s');
        await t.drain();
        assert.deepEqual(
          await stepsOf(t, 'a'),
          Array.from({ length: 101 }, (_, at) => at + 1),
        );
        await t.stop();
      });

      test('a crash during a retry keeps the order and the count of attempts', async () => {
        const seen: number[] = [];
        const attempt = ({ n }: { n: number }, attempt: number) => {
          if (n !== 2) return;
          seen.push(attempt);
          if (attempt < 3) throw new Error('not yet');
        };
        const t = await testMill({ pipelines: [steps({ attempt })] });
        for (let n = 1; n <= 5; n += 1) await t.ingest('steps', { key: 'a', n });
        await t.drain();
        await t.crash();
        await t.advance('10s');
        assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3, 4, 5]);
        assert.deepEqual(seen, [1, 2, 3]);
        await t.stop();
      });

      test('a batch is handled in its order', async () => {
        const t = await testMill({ pipelines: [steps()] });
        await t.ingestBatch(
          'steps',
          Array.from({ length: 500 }, (_, n) => ({ key: `k${n % 3}`, n })),
        );
        await t.drain();
        for (const k of [0, 1, 2]) {
          const got = await stepsOf(t, `k${k}`);
          assert.deepEqual(
            got,
            got.toSorted((a, b) => a - b),
          );
        }
        await t.stop();
      });

      test('asynchronous turns of a key never overlap', async () => {
        let atWork = 0;
        let atWorkMax = 0;
        const attempt = async () => {
          atWork += 1;
          atWorkMax = Math.max(atWorkMax, atWork);
          await Promise.resolve();
          atWork -= 1;
        };
        const t = await testMill({ pipelines: [steps({ attempt })] });
        await t.ingestBatch(
          'steps',
          Array.from({ length: 200 }, (_, n) => ({ key: 'a', n })),
        );
        await t.drain();
        assert.equal(atWorkMax, 1);
        assert.deepEqual(
          await stepsOf(t, 'a'),
          Array.from({ length: 200 }, (_, n) => n),
        );
        await t.stop();
      });

      test('numbers are applied in their order, whatever the order of arrival, and early ones survive a crash', async () => {
        const t = await testMill({ pipelines: [steps({}, { numbered: true })] });
        for (const n of [5, 3, 2, 4]) await t.ingest('steps', { key: 'a', n });
        assert.deepEqual(await t.key('steps', 'a'), { key: 'a', status: 'open', pending: 4, next: null });
        await t.crash();
        await t.ingest('steps', { key: 'a', n: 1 });
        await t.drain();
        assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3, 4, 5]);
        await t.stop();
      });

      test('a gap is skipped once the lowest waiting event has waited long enough, and what comes later is refused', async () => {
        const t = await testMill({ pipelines: [steps({}, { numbered: true, skipAfter: '5m' })] });
        for (const n of [1, 4, 5]) await t.ingest('steps', { key: 'a', n });
        await t.advance('4m');
        assert.deepEqual(await stepsOf(t, 'a'), [1]);
        await t.crash();
        await t.advance('2m');
        assert.deepEqual(await stepsOf(t, 'a'), [1, 4, 5]);
        const [letter] = await t.deadLetters();
        assert.deepEqual(letter?.numbers, { from: 2, to: 3 });
        await assert.rejects(t.ingest('steps', { key: 'a', n: 3 }), isCode('MILL_EVENT_TOO_LATE'));
        assert.deepEqual((await t.ingest('steps', { key: 'a', n: 4 })).status, 'duplicate');
        await t.stop();
      });
    });

    describe('promise 4: keys are independent', () => {
      test('a parked key delays no other key, and a redrive applies its events in order', async () => {
        let broken = true;
        const attempt = ({ key, n }: { key: string; n: number }) => {
          if (broken && key === 'k7' && n === 2) throw new Error('poison');
        };
        const t = await testMill({ pipelines: [steps({ attempt })] });
        for (let n = 1; n <= 3; n += 1) {
          await t.ingestBatch(
            'steps',
            Array.from({ length: 1000 }, (_, k) => ({ key: `k${k}`, n })),
          );
        }
        await t.advance('1m');
        assert.equal(t.mill.counts().steps?.processed, 2998);
        assert.equal((await t.key('steps', 'k7')).status, 'parked');
        const [letter] = await t.deadLetters();
        assert.equal(letter?.reason, 'poison');
        assert.equal(letter?.key, 'k7');
        assert.equal(letter?.attempts, 3);
        await t.ingest('steps', { key: 'k7', n: 4 });
        broken = false;
        await t.mill.redrive(letter?.id ?? '');
        await t.drain();
        assert.deepEqual(await stepsOf(t, 'k7'), [1, 2, 3, 4]);
        assert.deepEqual(await t.deadLetters(), []);
        assert.equal(t.mill.counts().steps?.depth, 0);
        await t.stop();
      });

      test('a slow key delays no other key', async () => {
        const slow = Promise.withResolvers<void>();
        const attempt = ({ key }: { key: string }) => (key === 'slow' ? slow.promise : undefined);
        const t = await testMill({ pipelines: [steps({ attempt })], limits: { feed: 10 } });
        for (let n = 1; n <= 300; n += 1) {
          await t.ingest('steps', { key: 'slow', n });
          await t.ingest('steps', { key: 'fast', n });
        }
        assert.equal((await stepsOf(t, 'fast')).length, 300);
        assert.equal((await stepsOf(t, 'slow')).length, 0);
        slow.resolve();
        await t.drain();
        assert.deepEqual(
          await stepsOf(t, 'slow'),
          Array.from({ length: 300 }, (_, at) => at + 1),
        );
        await t.stop();
      });

      test('a discarded event is left out and its key goes on', async () => {
        for (const numbered of [false, true]) {
          const attempt = ({ n }: { n: number }) => {
            if (n === 2) throw new Error('poison');
          };
          const t = await testMill({ pipelines: [steps({ attempt }, { numbered })] });
          for (const n of [1, 2, 3]) await t.ingest('steps', { key: 'a', n });
          await t.advance('1m');
          assert.deepEqual(await stepsOf(t, 'a'), [1]);
          if (numbered) assert.equal((await t.ingest('steps', { key: 'a', n: 2 })).status, 'duplicate');
          await t.crash();
          const [letter] = await t.deadLetters();
          await t.mill.discard(letter?.id ?? '');
          await t.drain();
          assert.deepEqual(await stepsOf(t, 'a'), [1, 3]);
          await t.stop();
        }
      });

      test('with skip, a hopeless event becomes a dead letter and its key goes on; a redrive applies it after all', async () => {
        for (const numbered of [false, true]) {
          let broken = true;
          const attempt = ({ n }: { n: number }) => {
            if (broken && n === 2) throw new Error('poison');
          };
          const t = await testMill({ pipelines: [steps({ attempt }, { numbered, onGiveUp: 'skip' })] });
          for (const n of [1, 2, 3]) await t.ingest('steps', { key: 'a', n });
          await t.advance('1m');
          assert.deepEqual(await stepsOf(t, 'a'), [1, 3]);
          broken = false;
          const [letter] = await t.deadLetters();
          await t.mill.redrive(letter?.id ?? '');
          await t.drain();
          assert.deepEqual(await stepsOf(t, 'a'), [1, 3, 2]);
          await t.stop();
        }
      });
    });

    describe('promise 5: timers fire once, or never if cancelled first', () => {
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

      test('a timer fires once at its moment, replaced it fires at the new one, cancelled never, also across crashes', async () => {
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

      test('one that came due while nothing ran fires at the start', async () => {
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
    });

    describe('promise 7: the door is bounded', () => {
      test('beyond the backlog events are refused before acceptance, and taken again when there is room', async () => {
        const gate = Promise.withResolvers<void>();
        const t = await testMill({ pipelines: [steps({ attempt: () => gate.promise })], limits: { backlog: 10 } });
        const verdicts = await t.ingestBatch(
          'steps',
          Array.from({ length: 30 }, (_, n) => ({ key: `k${n}`, n })),
        );
        assert.deepEqual(
          verdicts.map(({ status }) => status),
          [...Array(10).fill('accepted'), ...Array(20).fill('rejected')],
        );
        await assert.rejects(t.ingest('steps', { key: 'a', n: 1 }), isCode('MILL_BACKLOG_FULL'));
        gate.resolve();
        await t.drain();
        assert.equal(t.mill.counts().steps?.processed, 10);
        assert.equal((await t.ingest('steps', { key: 'a', n: 1 })).status, 'accepted');
        await t.stop();
      });

      test('beyond its bound a key takes no more, and other keys do', async () => {
        const t = await testMill({ pipelines: [steps({}, { numbered: true })] });
        await t.ingest('steps', { key: 'a', n: 2 });
        await t.drain();
        for (let n = 3; n <= 21; n += 1) await t.ingest('steps', { key: 'a', n });
        await assert.rejects(t.ingest('steps', { key: 'a', n: 22 }), isCode('MILL_KEY_FULL'));
        assert.equal((await t.ingest('steps', { key: 'a', n: 1 })).status, 'accepted', 'the number that all others wait for comes in');
        assert.equal((await stepsOf(t, 'a')).length, 21);
        assert.equal((await t.ingest('steps', { key: 'b', n: 2 })).status, 'accepted');
        await t.stop();
      });

      test('an invalid event is refused with what is wrong with it, and nothing is stored', async () => {
        const t = await testMill({ pipelines: [steps()] });
        await assert.rejects(t.ingest('steps', { key: 'a', n: 'one' }), (error) => {
          assert.ok(error instanceof MillraceError);
          assert.deepEqual(
            error.issues.map(({ path }) => path),
            ['n'],
          );
          return error.code === 'MILL_INVALID_EVENT';
        });
        await assert.rejects(t.ingest('steps', { key: '', n: 1 }), isCode('MILL_INVALID_EVENT'));
        assert.equal(t.mill.counts().steps?.received, 0);
        assert.equal(t.mill.counts().steps?.rejected, 2);
        await t.stop();
      });
    });

    describe('promise 8: stopping is safe', () => {
      test('a stop finishes what it can, hands the rest back, and the next start goes on from there', async () => {
        const store = makeStore();
        const gate = Promise.withResolvers<void>();
        let aborted = false;
        const attempt = ({ key }: { key: string }, attempt: number) =>
          key === 'slow' && attempt === 1 && !aborted ? gate.promise : undefined;
        const before = await testMill({ pipelines: [steps({ attempt })], store });
        for (let n = 1; n <= 50; n += 1) for (const key of ['slow', 'fast']) await before.ingest('steps', { key, n });
        const stopping = before.mill.stop({ timeoutMs: 100 });
        await assert.rejects(before.ingest('steps', { key: 'a', n: 1 }), isCode('MILL_STOPPING'));
        await before.advance(100);
        aborted = true;
        await stopping;
        const after = await testMill({ pipelines: [steps({ attempt })], store });
        await after.drain();
        for (const key of ['slow', 'fast'])
          assert.deepEqual(
            await stepsOf(after, key),
            Array.from({ length: 50 }, (_, at) => at + 1),
          );
        assert.equal(after.mill.counts().steps?.failed, 0, 'handed back is not failed');
        await after.stop();
      });
    });

    describe('promise 9: failure is visible', () => {
      test('what is given up is a dead letter with its reason, counted', async () => {
        const attempt = () => {
          throw new Error('no such planet');
        };
        const t = await testMill({ pipelines: [steps({ attempt })] });
        await t.ingest('steps', { key: 'a', n: 1 });
        await t.advance('1m');
        const [letter, ...more] = await t.deadLetters('steps');
        assert.deepEqual(more, []);
        assert.equal(letter?.reason, 'no such planet');
        assert.equal(letter?.parked, true);
        assert.deepEqual(JSON.parse(letter?.body ?? ''), { key: 'a', n: 1 });
        const { failed, retries, depth } = t.mill.counts().steps ?? {};
        assert.deepEqual({ failed, retries, depth }, { failed: 1, retries: 2, depth: 0 });
        await t.stop();
      });

      test('a handler that does not end has failed when its time is up, and its signal is aborted', async () => {
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
        assert.equal((await t.deadLetters())[0]?.reason, 'expected the handler to end within 2000 ms');
        assert.ok(isCode('MILL_HANDLER_TIMEOUT')(reason));
        await t.stop();
      });

      test('work without progress is unhealthy, and says where', async () => {
        const hangs = Promise.withResolvers<void>();
        const store = new Proxy(makeStore(), {
          get(target, name) {
            if (name === 'commit') return async (commit: Commit) => hangs.promise.then(() => target.commit(commit));
            const member = Reflect.get(target, name);
            return typeof member === 'function' ? member.bind(target) : member;
          },
        });
        const t = await testMill({ pipelines: [steps()], store });
        await t.drain();
        assert.deepEqual(t.mill.health(), { status: 'ok' });
        while (t.clock.turnToNextAlarm(t.clock.now() + 300_000) && t.clock.now() < Date.UTC(2026, 0, 2));
        assert.deepEqual(t.mill.health(), { status: 'ok' }, 'nothing to do is healthy');
        await t.ingest('steps', { key: 'a', n: 1 });
        assert.deepEqual(t.mill.health(), { status: 'ok' }, 'only just begun');
        for (let alarms = 0; alarms < 3; alarms += 1) t.clock.turnToNextAlarm(t.clock.now() + 60_000);
        assert.match(t.mill.health().reason ?? '', /pipeline steps: has work and made no progress for \d+ s/);
        hangs.resolve();
        await t.drain();
        assert.deepEqual(t.mill.health(), { status: 'ok' });
        await t.stop();
      });
    });

    describe('promise 10: duplicates are named', () => {
      test('a number that is applied, waiting or given up is a duplicate', async () => {
        const t = await testMill({ pipelines: [steps({}, { numbered: true })] });
        for (const n of [1, 3]) assert.equal((await t.ingest('steps', { key: 'a', n })).status, 'accepted');
        for (const n of [1, 3]) assert.equal((await t.ingest('steps', { key: 'a', n })).status, 'duplicate');
        await t.crash();
        for (const n of [1, 3]) assert.equal((await t.ingest('steps', { key: 'a', n })).status, 'duplicate');
        const together = await t.ingestBatch('steps', [
          { key: 'a', n: 2 },
          { key: 'a', n: 2 },
        ]);
        assert.deepEqual(
          together.map(({ status }) => status),
          ['accepted', 'duplicate'],
        );
        assert.equal(t.mill.counts().steps?.duplicates, 3);
        await t.stop();
      });

      test('a chosen id is recognised within its window', async () => {
        const orders = pipeline('orders', {
          event: z.object({ id: z.string() }),
          id: ({ id }) => id,
          deduplicationWindow: '24h',
          handle() {},
        });
        const t = await testMill({ pipelines: [orders] });
        assert.deepEqual(await t.ingest('orders', { id: 'x' }), { status: 'accepted', id: 'x' });
        await t.advance('23h');
        assert.deepEqual(await t.ingest('orders', { id: 'x' }), { status: 'duplicate', id: 'x' });
        await t.advance('2h');
        assert.deepEqual(await t.ingest('orders', { id: 'x' }), { status: 'accepted', id: 'x' });
        await t.stop();
      });
    });
  });
}
