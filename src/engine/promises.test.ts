import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
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
  options: {
    numbered?: boolean;
    maxPending?: number;
    onGiveUp?: 'park' | 'skip';
    attempts?: number;
    skipAfter?: '5m';
    concurrency?: number;
  } = {},
) {
  const { numbered = false, maxPending = 20, onGiveUp, attempts = 3, skipAfter, concurrency = 100 } = options;
  return pipeline('steps', {
    event: Step,
    key: ({ key }) => key,
    ...(numbered && { order: { by: ({ n }: { n: number }) => n, maxPending, gap: skipAfter ? { skipAfter } : 'wait' } }),
    state: Steps,
    tables: { applied },
    retry: { attempts, backoff: '1s' },
    concurrency,
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

const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

const failing = (): never => {
  throw new Error('not today');
};

/** A store with some of its calls replaced. */
function withCalls(store: Store, replaced: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      const own = Reflect.get(replaced, name);
      if (own !== undefined) return own;
      const member = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
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

      test('an event whose acknowledgement was lost takes effect once all the same', async () => {
        const base = makeStore();
        let isLost = true;
        const append: Store['append'] = async (events) => {
          const appended = await base.append(events);
          if (!isLost) return appended;
          isLost = false;
          throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the answer was lost');
        };
        const t = await testMill({ pipelines: [steps()], store: withCalls(base, { append }) });
        await assert.rejects(t.ingest('steps', { key: 'a', n: 1 }), isCode('MILL_STORE_UNAVAILABLE'));
        await t.drain();
        assert.deepEqual(await stepsOf(t, 'a'), [1]);
        await t.ingest('steps', { key: 'a', n: 2 });
        await t.drain();
        assert.deepEqual(await stepsOf(t, 'a'), [1, 2]);
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

      test('what an attempt said and changed before it failed has no effect', async () => {
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

      test('of many puts of a row the last one stays, and rows are one only when their whole primary key is', async () => {
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

      test('a partition that was taken over takes no more effect, says so, and the next start applies what it left', async () => {
        const store = makeStore();
        const t = await testMill({ pipelines: [steps()], store });
        await t.ingest('steps', { key: 'a', n: 1 });
        await t.drain();
        for (let slice = 0; slice < store.partitions; slice += 1) await store.claim({ pipeline: 'steps', slice });
        assert.equal((await t.ingest('steps', { key: 'a', n: 2 })).status, 'accepted');
        await assert.rejects(t.mill.stopped, isCode('MILL_STORE_FENCED'));
        assert.deepEqual(await stepsOf(t, 'a'), [1]);
        assert.equal(t.mill.health().status, 'unavailable');
        assert.match(t.mill.health().reason ?? '', /epoch/);
        await assert.rejects(t.ingest('steps', { key: 'a', n: 3 }), isCode('MILL_STORE_FENCED'));
        await t.crash();
        await t.drain();
        assert.deepEqual(await stepsOf(t, 'a'), [1, 2]);
        await t.stop();
      });

      test('a turn whose rows the store refuses fails alone', async () => {
        const base = makeStore();
        let isRefusing = true;
        let commits = 0;
        const commit: Store['commit'] = async (work) => {
          commits += 1;
          const isPoisoned = work.rows.some(({ rows }) => rows.some((row) => row.includes('b') && row.includes(2)));
          if (isRefusing && isPoisoned) throw new MillraceError('MILL_COMMIT_REFUSED', 'table applied: no twos');
          return base.commit(work);
        };
        const t = await testMill({ pipelines: [steps()], store: withCalls(base, { commit }) });
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
        isRefusing = false;
        await t.mill.redrive(letter?.id ?? '');
        await t.drain();
        assert.deepEqual(await stepsOf(t, 'b'), [1, 2, 3]);
        commits = 0;
        await t.ingestBatch(
          'steps',
          Array.from({ length: 100 }, (_, n) => ({ key: 'd', n })),
        );
        await t.drain();
        assert.ok(commits < 100, 'turns commit together again');
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
        assert.deepEqual(await t.key('steps', 'a'), { key: 'a', status: 'open', pending: 4, next: null, timers: [] });
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

      test('events that wait behind an asynchronous turn stay behind it when it fails, also across a crash', async () => {
        const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
        const attempt = ({ n }: { n: number }, attempt: number) => (n === 1 && attempt <= 2 ? gates[attempt - 1]?.promise : undefined);
        const t = await testMill({ pipelines: [steps({ attempt })] });
        await t.ingestBatch(
          'steps',
          upTo(100).map((n) => ({ key: 'a', n })),
        );
        assert.deepEqual(await stepsOf(t, 'a'), []);
        gates[0]?.reject(new Error('not yet'));
        await t.advance('1s');
        for (const n of [101, 102]) await t.ingest('steps', { key: 'a', n });
        gates[1]?.reject(new Error('not yet'));
        assert.deepEqual(await stepsOf(t, 'a'), []);
        await t.crash();
        await t.ingest('steps', { key: 'a', n: 103 });
        await t.advance('1m');
        assert.deepEqual(await stepsOf(t, 'a'), upTo(103));
        await t.stop();
      });

      test('events that come while held ones are worked off stay behind them', async () => {
        const attempt = async ({ n }: { n: number }, attempt: number) => {
          if (n === 1 && attempt === 1) throw new Error('not yet');
        };
        const t = await testMill({ pipelines: [steps({ attempt })] });
        await t.ingestBatch(
          'steps',
          upTo(150).map((n) => ({ key: 'a', n })),
        );
        await t.drain();
        t.clock.turnToNextAlarm(t.clock.now() + 1_000);
        for (let n = 151; n <= 300; n += 1) await t.ingest('steps', { key: 'a', n });
        await t.drain();
        assert.deepEqual(await stepsOf(t, 'a'), upTo(300));
        await t.stop();
      });

      test('early numbers beyond what memory keeps wait in the store, in their order', async () => {
        for (const isCrashed of [false, true]) {
          const t = await testMill({ pipelines: [steps({}, { numbered: true, maxPending: 1_000 })] });
          for (const n of [...upTo(200).reverse(), 350, ...upTo(300)].filter((n, at, all) => n > 1 && all.indexOf(n) === at))
            await t.ingest('steps', { key: 'a', n });
          if (isCrashed) await t.crash();
          await t.ingest('steps', { key: 'a', n: 1 });
          await t.drain();
          assert.deepEqual(await stepsOf(t, 'a'), upTo(300));
          assert.deepEqual(await t.key('steps', 'a'), { key: 'a', status: 'open', pending: 1, next: 301, timers: [] });
          await t.stop();
        }
      });

      test('a gap is skipped to the lowest number that waits, wherever it is kept', async () => {
        const t = await testMill({ pipelines: [steps({}, { numbered: true, maxPending: 1_000, skipAfter: '5m' })] });
        for (const n of upTo(200).reverse()) if (n > 2) await t.ingest('steps', { key: 'a', n });
        await t.advance('5m');
        assert.deepEqual(
          await stepsOf(t, 'a'),
          upTo(200).filter((n) => n > 2),
        );
        assert.deepEqual(
          (await t.deadLetters()).map(({ numbers }) => numbers),
          [{ from: 1, to: 2 }],
        );
        await t.stop();
      });

      test('keys that are forgotten between their events keep their order, state and retries', async () => {
        for (const numbered of [false, true]) {
          const attempt = ({ key, n }: { key: string; n: number }, attempt: number) => {
            if (n % 3 === 0 && attempt === 1) throw new Error('not yet');
            return key < 'k3' ? undefined : Promise.resolve();
          };
          const base = makeStore();
          let loads = 0;
          const load: Store['load'] = (partition, keys) => {
            loads += 1;
            return base.load(partition, keys);
          };
          const store = withCalls(base, { load });
          const t = await testMill({
            pipelines: [steps({ attempt }, { numbered, concurrency: 2 })],
            store,
            limits: { warmKeys: 1, feed: 5 },
          });
          const keys = Array.from({ length: 6 }, (_, k) => `k${k}`);
          for (const n of upTo(12)) {
            for (const key of keys) void t.ingest('steps', { key, n });
            for (const key of keys) await t.ingest('steps', { key: `other ${key}`, n });
            if (n % 4 === 0) await t.advance('10s');
          }
          await t.advance('1m');
          for (const key of keys) for (const prefix of ['', 'other ']) assert.deepEqual(await stepsOf(t, `${prefix}${key}`), upTo(12));
          assert.equal(t.mill.counts().steps?.depth, 0);
          loads = 0;
          for (const key of keys) await t.ingest('steps', { key, n: 13 });
          await t.drain();
          assert.ok(loads > 1, 'idle keys were forgotten');
          await t.stop();
        }
      });

      test('a key is not forgotten while what it decided is on its way to the disk', async () => {
        const base = makeStore();
        let loads = 0;
        const load: Store['load'] = (partition, keys) => {
          loads += 1;
          return base.load(partition, keys);
        };
        const onDisk = Promise.withResolvers<void>();
        const commit: Store['commit'] = (work) => onDisk.promise.then(() => base.commit(work));
        const store = withCalls(base, { load, commit });
        const t = await testMill({ pipelines: [steps()], store, limits: { warmKeys: 1 } });
        await t.ingest('steps', { key: 'a', n: 1 });
        for (let others = 1; others <= 20; others += 1) {
          while (loads < others) await setImmediate();
          await t.ingest('steps', { key: `k${others}`, n: 1 });
        }
        await t.ingest('steps', { key: 'a', n: 2 });
        await t.ingest('steps', { key: 'last', n: 1 });
        while (loads < 22) await setImmediate();
        onDisk.resolve();
        await t.drain();
        assert.deepEqual(await stepsOf(t, 'a'), [1, 2]);
        await t.stop();
      });

      test('events beyond what memory keeps between acceptance and turn are read from the log, in their order', async () => {
        const gate = Promise.withResolvers<void>();
        const t = await testMill({
          pipelines: [steps({ attempt: () => gate.promise }, { concurrency: 1 })],
          limits: { feed: 10 },
        });
        for (const from of [0, 30, 60]) {
          await t.ingestBatch(
            'steps',
            upTo(30).map((n) => ({ key: `k${n % 3}`, n: from + n })),
          );
          await t.key('steps', 'k0');
        }
        gate.resolve();
        await t.drain();
        for (const k of [0, 1, 2])
          assert.deepEqual(
            await stepsOf(t, `k${k}`),
            upTo(90).filter((n) => n % 3 === k),
          );
        await t.stop();
      });

      test('after a start a retry still waits for its moment', async () => {
        const seen: number[] = [];
        const attempt = (_step: unknown, attempt: number) => {
          seen.push(attempt);
          if (attempt < 3) throw new Error('not yet');
        };
        const t = await testMill({ pipelines: [steps({ attempt })] });
        await t.ingest('steps', { key: 'a', n: 1 });
        await t.drain();
        await t.crash();
        await t.advance('400ms');
        assert.deepEqual(seen, [1]);
        await t.advance('600ms');
        assert.deepEqual(seen, [1, 2]);
        await t.stop();
      });

      test('after a start all held keys go on, however many', async () => {
        const keys = Array.from({ length: 1_200 }, (_, k) => `k${k}`);
        const attempt = (_step: unknown, attempt: number) => {
          if (attempt === 1) throw new Error('not yet');
        };
        const t = await testMill({ pipelines: [steps({ attempt })] });
        for (const some of [keys.slice(0, 600), keys.slice(600)]) {
          await t.ingestBatch(
            'steps',
            some.map((key) => ({ key, n: 1 })),
          );
        }
        await t.drain();
        await t.crash();
        assert.equal(t.mill.counts().steps?.depth, 1_200, 'what was left counts as received');
        await t.advance('1m');
        assert.equal(t.mill.counts().steps?.processed, 1_200);
        assert.equal(t.mill.counts().steps?.depth, 0);
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

      test('no more turns run at once than the pipeline allows, and all have their turn', async () => {
        const gates = new Map<string, PromiseWithResolvers<void>>();
        let atWorkMax = 0;
        const attempt = ({ key }: { key: string }) => {
          const gate = Promise.withResolvers<void>();
          gates.set(key, gate);
          atWorkMax = Math.max(atWorkMax, gates.size);
          return gate.promise.finally(() => gates.delete(key));
        };
        const store = makeStore();
        const bound = 3 * store.partitions;
        const t = await testMill({ pipelines: [steps({ attempt }, { concurrency: 3 })], store });
        await t.ingestBatch(
          'steps',
          Array.from({ length: 200 }, (_, n) => ({ key: `k${n % 100}`, n })),
        );
        await stepsOf(t, 'k0');
        assert.equal(t.mill.counts().steps?.running, bound);
        while ((t.mill.counts().steps?.running ?? 0) > 0) {
          for (const gate of gates.values()) gate.resolve();
          await stepsOf(t, 'k0');
        }
        assert.equal(atWorkMax, bound);
        assert.equal(t.mill.counts().steps?.processed, 200);
        await t.stop();
      });

      test('a key stays parked across a crash, and a redriven event has all its attempts again', async () => {
        let attempts = 0;
        const attempt = ({ n }: { n: number }) => {
          if (n !== 2) return;
          attempts += 1;
          if (attempts < 6) throw new Error('poison');
        };
        const t = await testMill({ pipelines: [steps({ attempt })] });
        for (const n of [1, 2, 3]) await t.ingest('steps', { key: 'a', n });
        await t.advance('1m');
        assert.equal((await t.key('steps', 'a')).status, 'parked');
        await t.crash();
        await t.ingest('steps', { key: 'a', n: 4 });
        await t.ingest('steps', { key: 'b', n: 1 });
        await t.advance('1m');
        assert.deepEqual(await stepsOf(t, 'b'), [1], 'an event behind a parked one delays no other key');
        assert.equal(attempts, 3, 'a parked event is not tried again');
        assert.deepEqual(await t.key('steps', 'a'), { key: 'a', status: 'parked', pending: 3, next: null, timers: [] });
        const [letter, ...more] = await t.deadLetters();
        assert.deepEqual(more, []);
        const both = await Promise.allSettled([t.mill.redrive(letter?.id ?? ''), t.mill.redrive(letter?.id ?? '')]);
        assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
        assert.deepEqual(await t.deadLetters(), []);
        await t.ingest('steps', { key: 'a', n: 5 });
        await t.advance('1m');
        assert.equal(attempts, 6);
        assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3, 4, 5]);
        assert.equal(t.mill.counts().steps?.depth, 0);
        await t.stop();
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

      test('one that fired, or was given up, does not come back after a crash, and its name can be set again', async () => {
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

      /** Writes down what happens to a key. `set` sets a timer, `cancel` cancels it; `slow` waits for the gate. */
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
      /** To one key, or to all. */
      const whatWasSaid = async (t: Awaited<ReturnType<typeof testMill>>, key?: string) =>
        (await t.rows(said)).filter((row) => key === undefined || row.key === key).map(({ what }) => what);

      test('a timer comes after the events that were there when it came due, and before those that came later', async () => {
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

      test('a timer comes after an event that was accepted before it was due and still waits for a free place', async () => {
        const gate = Promise.withResolvers<void>();
        const t = await testMill({ pipelines: [speech({ gate: gate.promise, concurrency: 1 })] });
        await t.ingest('speech', { key: 'a', say: 'set', after: 400 });
        await t.drain();
        await t.ingest('speech', { key: 'b', say: 'slow' });
        await t.ingest('speech', { key: 'a', say: 'before' });
        await t.advance(500);
        gate.resolve();
        await t.drain();
        // The slow turn holds the only place of its own partition.
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

      test('a timer comes after the events that wait for a retry', async () => {
        const t = await testMill({ pipelines: [speech()] });
        await t.ingest('speech', { key: 'a', say: 'set', after: 400 });
        for (const say of ['fail', 'before']) await t.ingest('speech', { key: 'a', say });
        await t.advance(500);
        assert.deepEqual(await whatWasSaid(t), ['set']);
        await t.advance('1m');
        assert.deepEqual(await whatWasSaid(t), ['set', 'fail', 'before', 'ring']);
        await t.stop();
      });

      test('a timer that came due and is cancelled or replaced before its turn does not fire', async () => {
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

      test('a timer that is cancelled while the store is asked which are due does not fire', async () => {
        const base = makeStore();
        let asked: PromiseWithResolvers<void> | undefined;
        const dueTimers: Store['dueTimers'] = async (partition, dueBy, limit) => {
          const due = await base.dueTimers(partition, dueBy, limit);
          if (due.length > 0) await asked?.promise;
          return due;
        };
        const t = await testMill({ pipelines: [speech()], store: withCalls(base, { dueTimers }) });
        await t.ingest('speech', { key: 'a', say: 'set', after: 400 });
        await t.drain();
        asked = Promise.withResolvers();
        t.clock.turnToNextAlarm(t.clock.now() + 400);
        await t.ingest('speech', { key: 'a', say: 'cancel' });
        while (!(await base.query('SELECT what FROM said', [])).some(({ what }) => what === 'cancel')) await setImmediate();
        asked.resolve();
        await t.drain();
        assert.deepEqual(await whatWasSaid(t), ['set', 'cancel']);
        await t.stop();
      });

      test('a timer that is cancelled by a turn on its way to the disk does not fire', async () => {
        const base = makeStore();
        let onDisk = Promise.resolve();
        let commits = 0;
        const commit: Store['commit'] = (work) => {
          commits += 1;
          return onDisk.then(() => base.commit(work));
        };
        const t = await testMill({ pipelines: [speech()], store: withCalls(base, { commit }) });
        await t.ingest('speech', { key: 'a', say: 'set', after: 400 });
        await t.drain();
        const disk = Promise.withResolvers<void>();
        onDisk = disk.promise;
        commits = 0;
        await t.ingest('speech', { key: 'a', say: 'cancel' });
        while (commits === 0) await setImmediate();
        t.clock.turnToNextAlarm(t.clock.now() + 400);
        await base.dueTimers({ pipeline: 'speech', slice: 0 }, 0, 1);
        for (let turns = 0; turns < 10; turns += 1) await setImmediate();
        disk.resolve();
        await t.drain();
        assert.deepEqual(await whatWasSaid(t), ['set', 'cancel']);
        await t.stop();
      });

      test('a timer that comes due while the store is asked for the next one fires', async () => {
        const base = makeStore();
        let asked: PromiseWithResolvers<void> | undefined;
        let asks = 0;
        const nextTimerDue: Store['nextTimerDue'] = async (partition, after) => {
          const next = await base.nextTimerDue(partition, after);
          asks += 1;
          await asked?.promise;
          return next;
        };
        const t = await testMill({ pipelines: [speech()], store: withCalls(base, { nextTimerDue }) });
        await t.ingest('speech', { key: 'a', say: 'a set', after: 400 });
        await t.drain();
        asked = Promise.withResolvers();
        asks = 0;
        t.clock.turnToNextAlarm(t.clock.now() + 400);
        while (asks === 0) await setImmediate();
        await t.ingest('speech', { key: 'a', say: 'set again', after: 100 });
        while (!(await base.query('SELECT what FROM said', [])).some(({ what }) => what === 'set again')) await setImmediate();
        for (let turns = 0; turns < 10; turns += 1) await setImmediate();
        t.clock.turnToNextAlarm(t.clock.now() + 100);
        asked.resolve();
        await t.advance(100);
        assert.deepEqual(await whatWasSaid(t), ['a set', 'ring', 'set again', 'ring']);
        await t.stop();
      });

      test('a timer that fails is tried again before anything else of its key, and given up it is a dead letter', async () => {
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
          const letters = (await t.deadLetters()).map(({ key, reason, attempts, parked }) => ({ key, reason, attempts, parked }));
          assert.deepEqual(letters, isHopeless ? [{ key: 'a', reason: 'timer ring: no bell', attempts: 3, parked: false }] : []);
          await t.crash();
          await t.advance('1m');
          assert.deepEqual(attempts, [1, 2, 3]);
          await t.stop();
        }
      });

      test('the failed attempts of a timer are counted across a crash, and what came after it goes on waiting', async () => {
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

      test('a timer that came due while nobody was there fires before what is accepted after the start', async () => {
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

      test('a timer that was given up fires after all when it is redriven, unless its key has set it again', async () => {
        let isBroken = true;
        const ring = () => {
          if (isBroken) throw new Error('no bell');
        };
        const t = await testMill({ pipelines: [speech({ ring })] });
        for (const key of ['a', 'b', 'c']) await t.ingest('speech', { key, say: 'set', after: 400 });
        await t.advance('1m');
        const [a, b, c] = await t.deadLetters();
        assert.ok(a && b && c);
        assert.deepEqual([a.timer?.name, a.event, a.attempts], ['ring', null, 3]);
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

      test('a timer due later is not lost by a start, and more than one look takes are all fired', async () => {
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
    });

    describe('promise 7: the door is bounded', () => {
      test('beyond the backlog events are refused before acceptance, and taken again when there is room', async () => {
        const gate = Promise.withResolvers<void>();
        const t = await testMill({ pipelines: [steps({ attempt: () => gate.promise })], limits: { backlog: 10 } });
        const batch = (count: number) =>
          t.ingestBatch(
            'steps',
            Array.from({ length: count }, (_, n) => ({ key: `k${n}`, n })),
          );
        await assert.rejects(batch(11), isCode('MILL_BACKLOG_FULL'), 'a batch is taken whole or not at all');
        assert.ok((await batch(8)).every(({ status }) => status === 'accepted'));
        await assert.rejects(batch(3), isCode('MILL_BACKLOG_FULL'));
        await t.ingest('steps', { key: 'a', n: 1 });
        await t.ingest('steps', { key: 'b', n: 1 });
        await assert.rejects(t.ingest('steps', { key: 'c', n: 1 }), isCode('MILL_BACKLOG_FULL'));
        gate.resolve();
        await t.drain();
        assert.equal(t.mill.counts().steps?.processed, 10);
        assert.equal((await t.ingest('steps', { key: 'c', n: 1 })).status, 'accepted');
        await t.stop();
      });

      test('events without keys that wait for a retry take up the backlog, a key that waits does not', async () => {
        const keyless = pipeline('keyless', { event: z.object({}), retry: { backoff: '1m', jitter: 0 }, handle: failing });
        const keyed = pipeline('keyed', {
          event: z.object({ key: z.string() }),
          key: ({ key }) => key,
          retry: { backoff: '1m' },
          handle: failing,
        });
        const t = await testMill({ pipelines: [keyless, keyed], limits: { backlog: 2 } });
        for (const event of [{}, {}]) await t.ingest('keyless', event);
        for (const key of ['a', 'b', 'c']) {
          await t.ingest('keyed', { key });
          await t.drain();
        }
        assert.deepEqual([t.mill.counts().keyless?.held, t.mill.counts().keyed?.held], [2, 3]);
        await assert.rejects(t.ingest('keyless', {}), isCode('MILL_BACKLOG_FULL'));
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

      test('what is settled, refused or named a duplicate leaves the room of its key, what waits keeps it across a crash', async () => {
        const t = await testMill({ pipelines: [steps({}, { numbered: true })] });
        await t.ingest('steps', { key: 'a', n: 200 });
        for (const n of upTo(50)) {
          await t.ingest('steps', { key: 'a', n });
          assert.equal((await t.ingest('steps', { key: 'a', n })).status, 'duplicate');
          await t.drain();
        }
        const batch = await t.ingestBatch(
          'steps',
          Array.from({ length: 30 }, (_, at) => ({ key: 'a', n: 52 + at })),
        );
        assert.equal(batch.filter(({ status }) => status === 'accepted').length, 19, 'one batch cannot go beyond the bound either');
        await t.crash();
        await t.drain();
        await assert.rejects(t.ingest('steps', { key: 'a', n: 100 }), isCode('MILL_KEY_FULL'));
        await t.stop();
      });

      test('a key without numbers is bounded too while it waits for a retry or an operator', async () => {
        let broken = true;
        const attempt = () => {
          if (broken) throw new Error('poison');
        };
        const t = await testMill({ pipelines: [steps({ attempt })], limits: { pendingPerKey: 5 } });
        for (const n of upTo(5)) await t.ingest('steps', { key: 'a', n });
        await t.drain();
        await assert.rejects(t.ingest('steps', { key: 'a', n: 6 }), isCode('MILL_KEY_FULL'));
        await t.advance('1m');
        await t.crash();
        await t.ingest('steps', { key: 'b', n: 1 });
        await t.key('steps', 'a');
        await assert.rejects(t.ingest('steps', { key: 'a', n: 6 }), isCode('MILL_KEY_FULL'));
        broken = false;
        for (const letter of await t.deadLetters()) if (letter.key === 'a') await t.mill.redrive(letter.id);
        await t.advance('1m');
        for (const n of [6, 7, 8, 9, 10, 11, 12]) await t.ingest('steps', { key: 'a', n });
        assert.deepEqual(await stepsOf(t, 'a'), upTo(12));
        await t.stop();
      });

      test('a batch, a body, a key and an id that are too large are refused, and a number that is none', async () => {
        const limits = { batch: 3, eventBytes: 200, keyLength: 20 };
        const t = await testMill({
          pipelines: [
            steps(),
            pipeline('numbers', {
              event: z.object({ key: z.string(), n: z.number() }),
              key: ({ key }) => key,
              order: { by: ({ n }) => n },
              handle() {},
            }),
            pipeline('notes', { event: z.string(), handle() {} }),
          ],
          limits,
        });
        const events = upTo(4).map((n) => ({ key: 'a', n }));
        await assert.rejects(t.ingestBatch('steps', events), isCode('MILL_INVALID_REQUEST'));
        await assert.rejects(t.ingest('steps', { key: 'k'.repeat(21), n: 1 }), isCode('MILL_INVALID_EVENT'));
        await assert.rejects(t.ingest('steps', { key: 'a', n: 1 }, { id: 'i'.repeat(21) }), isCode('MILL_INVALID_EVENT'));
        await assert.rejects(t.ingest('notes', 'ü'.repeat(100)), isCode('MILL_BODY_TOO_LARGE'));
        for (const n of [0, -1, 1.5]) await assert.rejects(t.ingest('numbers', { key: 'a', n }), isCode('MILL_INVALID_EVENT'));
        assert.equal((await t.ingest('notes', 'u'.repeat(198))).status, 'accepted');
        const verdicts = await t.ingestBatch('steps', [{ key: 'a', n: 1 }, { key: 'a' }, { key: 'a', n: 2 }]);
        assert.deepEqual(
          verdicts.map(({ status }) => status),
          ['accepted', 'rejected', 'accepted'],
        );
        await t.drain();
        assert.deepEqual(await stepsOf(t, 'a'), [1, 2]);
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

      test('a stop within its time hands nothing back', async () => {
        const store = makeStore();
        const gate = Promise.withResolvers<void>();
        const attempt = ({ n }: { n: number }) => (n === 1 ? gate.promise : undefined);
        const before = await testMill({ pipelines: [steps({ attempt })], store });
        for (const n of [1, 2, 3]) await before.ingest('steps', { key: 'a', n });
        const stopping = before.mill.stop();
        gate.resolve();
        await stopping;
        assert.equal(before.mill.counts().steps?.processed, 3);
        await before.mill.stopped;
        const after = await testMill({ pipelines: [steps()], store });
        assert.equal(after.mill.counts().steps?.received, 0);
        assert.deepEqual(await stepsOf(after, 'a'), [1, 2, 3]);
        await after.stop();
      });

      test('what a turn had decided when the engine was stopped at once is on disk', async () => {
        const store = makeStore();
        const ran = Promise.withResolvers<void>();
        let attempts = 0;
        const attempt = () => {
          attempts += 1;
          ran.resolve();
        };
        const before = await testMill({ pipelines: [steps({ attempt })], store });
        await before.drain();
        await before.ingest('steps', { key: 'a', n: 1 });
        await ran.promise;
        await before.mill.stop({ timeoutMs: 0 });
        const after = await testMill({ pipelines: [steps({ attempt })], store });
        await after.drain();
        assert.deepEqual(await stepsOf(after, 'a'), [1]);
        assert.equal(attempts, 1);
        await after.stop();
      });

      test('a turn that a stop cuts short is told why, and does not count as an attempt', async () => {
        const store = makeStore();
        const attempts: number[] = [];
        let reason: unknown;
        const patient = pipeline('patient', {
          event: Step,
          key: ({ key }) => key,
          handle(_step, _state, turn) {
            attempts.push(turn.attempt);
            if (attempts.length > 1) return;
            return new Promise<void>((_resolve, reject) => {
              turn.signal.addEventListener('abort', () => {
                reason = turn.signal.reason;
                reject(turn.signal.reason);
              });
            });
          },
        });
        const before = await testMill({ pipelines: [patient], store });
        await before.ingest('patient', { key: 'a', n: 1 });
        await before.stop();
        assert.ok(isCode('MILL_STOPPING')(reason));
        const after = await testMill({ pipelines: [patient], store });
        await after.advance('1m');
        assert.deepEqual(attempts, [1, 1]);
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

      test('a store that fails is unhealthy, is tried again with pauses, and is healthy once it is back', async () => {
        const base = makeStore();
        let isDown = true;
        let commits = 0;
        const commit: Store['commit'] = async (work) => {
          commits += 1;
          if (isDown) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the disk is on fire');
          return base.commit(work);
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

      test('a slow turn beside turns that commit is no lack of progress', async () => {
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

      test('what is ignored and redriven is counted', async () => {
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

      test('what waits and what was given up is kept beyond the retention', async () => {
        for (const onGiveUp of ['park', 'skip'] as const) {
          let broken = true;
          const attempt = ({ key }: { key: string }) => {
            if (broken && key === 'a') throw new Error('poison');
          };
          const store = makeStore();
          const t = await testMill({ pipelines: [steps({ attempt }, { onGiveUp })], store });
          for (const n of [1, 2]) for (const key of ['a', 'b']) await t.ingest('steps', { key, n });
          const slices = Array.from({ length: store.partitions }, (_, slice) => ({ pipeline: 'steps', slice }));
          const logged = async () => (await Promise.all(slices.map((slice) => store.read(slice, 0, 10)))).flat().map(({ key }) => key);
          await t.advance('6d');
          assert.equal((await logged()).length, 4);
          await t.advance('2d');
          assert.deepEqual(await logged(), ['a', 'a']);
          await t.crash();
          broken = false;
          for (const letter of await t.deadLetters()) {
            assert.match(letter.body ?? '', /"key":"a"/);
            await t.mill.redrive(letter.id);
          }
          await t.drain();
          assert.deepEqual(await stepsOf(t, 'a'), [1, 2]);
          await t.stop();
        }
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

      test('an id that the caller gives is recognised, and one without is never a duplicate', async () => {
        const t = await testMill({ pipelines: [steps()] });
        assert.deepEqual(await t.ingest('steps', { key: 'a', n: 1 }, { id: 'x' }), { status: 'accepted', id: 'x' });
        assert.deepEqual(await t.ingest('steps', { key: 'a', n: 2 }, { id: 'x' }), { status: 'duplicate', id: 'x' });
        await t.crash();
        assert.deepEqual(await t.ingest('steps', { key: 'a', n: 3 }, { id: 'x' }), { status: 'duplicate', id: 'x' });
        for (const n of [4, 4]) assert.equal((await t.ingest('steps', { key: 'a', n })).status, 'accepted');
        assert.deepEqual(await stepsOf(t, 'a'), [1, 4, 4]);
        await t.stop();
      });
    });
  });
}
