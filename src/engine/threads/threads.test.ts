import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import * as z from 'zod';
import { MillraceError } from '../../errors.ts';
import { type AnyPipeline, pipeline } from '../../pipeline/pipeline.ts';
import { memory } from '../../store/memory/memory-store.ts';
import { sqlite } from '../../store/sqlite/sqlite-store.ts';
import { type TestMill, testMill } from '../../testing/test-mill.ts';
import { type Clock, SystemClock } from '../clock.ts';
import { type Logger, silentLogger } from '../logger.ts';
import { millrace } from '../mill.ts';
import { applied, channelName, heard, type StepInput, steps } from './fixture.test.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-threads-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = (): string => {
  files += 1;
  return join(folder, String(files));
};

const pipelines = [steps, heard];
const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);
const keys = ['a', 'b', 'c'];
const stateOf = (n: readonly number[], alarms = 0) => ({ steps: n, alarms, inMainThread: false });
const isCode = (code: string) => (error: unknown) => error instanceof MillraceError && error.code === code;

/** Resolves when a handler in any thread reports these words. */
function told(words: string): Promise<void> {
  const channel = new BroadcastChannel(channelName);
  return new Promise((resolve) => {
    channel.onmessage = (message) => {
      if (!('data' in Object(message)) || Object(message).data !== words) return;
      channel.close();
      resolve();
    };
  });
}

/** The machine's clock; its alarms keep the test alive. */
const realClock: Clock = new SystemClock({
  now: () => Date.now(),
  elapsedMs: () => performance.now(),
  wait(ms, ring) {
    const timeout = setTimeout(ring, ms);
    return () => clearTimeout(timeout);
  },
});

/** Advances the clock until no retry is left; `advance` alone does not wait for threads. */
async function settleWithRetries(t: TestMill): Promise<void> {
  for (const _retry of upTo(4)) {
    await t.drain();
    await t.advance('1s');
  }
  await t.drain();
}

/** The steps applied to a key according to its state, its rows and its sends, which must agree. */
async function appliedTo(t: TestMill, key: string): Promise<readonly number[]> {
  await t.drain();
  const state = Object(await t.state('steps', key));
  const rows = (await t.rows(applied)).filter((row) => row.key === key).sort((one, other) => one.nth - other.nth);
  assert.deepEqual(
    rows.map(({ n }) => n),
    state.steps,
    'rows and state commit together',
  );
  assert.deepEqual(Object(await t.state('heard', key)).heard, state.steps, 'sends and state commit together');
  return state.steps;
}

for (const [name, makeStore] of [
  ['memory', () => memory()],
  ['memory in four slices', () => memory({ partitions: 4 })],
  ['sqlite', () => sqlite(newFile())],
] as const) {
  describe(`handlers in threads, ${name}`, () => {
    test('promises 2 and 3: each step takes effect once and in order, through failed attempts and failed commits', async () => {
      const t = await testMill({ pipelines, store: makeStore(), crashBeforeCommit: true });
      for (const n of upTo(8)) for (const key of keys) await t.ingest('steps', { key, n, does: n % 3 === 0 ? 'fail once' : 'nothing' });
      await settleWithRetries(t);
      for (const key of keys) assert.deepEqual(await appliedTo(t, key), upTo(8));
      assert.deepEqual(await t.state('steps', 'a'), stateOf(upTo(8)), 'it ran in a thread');
      await t.stop();
    });

    test('promises 2 and 8: a crash during a handler repeats only what was not committed', async () => {
      const until = newFile();
      const t = await testMill({ pipelines, store: makeStore() });
      await t.ingest('steps', { key: 'b', n: 1 });
      await t.drain();
      const begun = told('begun a 1');
      await t.ingest('steps', { key: 'a', n: 1, does: 'wait', until });
      await t.ingest('steps', { key: 'a', n: 2 });
      await begun;
      await t.crash();
      writeFileSync(until, '');
      assert.deepEqual(await appliedTo(t, 'a'), [1, 2]);
      assert.deepEqual(await appliedTo(t, 'b'), [1]);
      await t.stop();
    });

    test('promise 2: a handler’s changes to its event, its state or its sends have no effect', async () => {
      const t = await testMill({ pipelines, store: makeStore() });
      for (const n of upTo(3)) await t.ingest('steps', { key: 'a', n, does: n === 2 ? 'change all it has' : 'nothing' });
      await t.drain();
      assert.deepEqual(await t.state('heard', 'a'), { heard: [1, 2, 3] });
      assert.deepEqual(await t.state('steps', 'a'), stateOf([1, 3]));
      await t.stop();
    });

    test('promise 5: a timer’s handler runs in a thread too, once', async () => {
      const t = await testMill({ pipelines, store: makeStore(), crashBeforeCommit: true });
      await t.ingest('steps', { key: 'a', n: 1 });
      await t.drain();
      await t.advance('1h');
      await t.drain();
      await t.advance('1h');
      await t.drain();
      assert.deepEqual(await t.state('steps', 'a'), stateOf([1], 1));
      await t.stop();
    });

    test('promises 5 and 9: a removed timer is a dead letter, which can be redriven once the name is back', async () => {
      const store = makeStore();
      const before = await testMill({ pipelines, store });
      await before.ingest('steps', { key: 'a', n: 1 });
      await before.drain();
      await before.stop();
      const t = await testMill({ pipelines: [{ ...steps, timers: {} }, heard], store, startAt: before.clock.now() });
      await t.advance('1h');
      await t.drain();
      const [letter] = await t.deadLetters('steps');
      assert.ok(letter?.kind === 'timer');
      assert.deepEqual([letter.timer.name, letter.attempts], ['alarm', 0]);
      await assert.rejects(t.mill.redrive(letter.id), isCode('MILL_CONFLICT'));
      await t.stop();
      const back = await testMill({ pipelines, store, startAt: t.clock.now() });
      await back.mill.redrive(letter?.id ?? '');
      await back.drain();
      assert.deepEqual(await back.state('steps', 'a'), stateOf([1], 1));
      await back.stop();
    });

    test('promises 3 and 9: a step that cannot be applied parks its key with the reason, and proceeds in order when redriven', async () => {
      const until = newFile();
      const t = await testMill({ pipelines, store: makeStore() });
      await t.ingest('steps', { key: 'a', n: 1, does: 'throw without file', until });
      await t.ingest('steps', { key: 'a', n: 2 });
      await t.ingest('steps', { key: 'b', n: 1 });
      await settleWithRetries(t);
      const [letter] = await t.deadLetters('steps');
      assert.deepEqual([letter?.reason, letter?.attempts], ['cannot apply 1 yet', 3]);
      assert.equal((await t.key('steps', 'a')).status, 'parked');
      assert.deepEqual(await appliedTo(t, 'b'), [1]);
      writeFileSync(until, '');
      await t.mill.redrive(letter?.id ?? '');
      assert.deepEqual(await appliedTo(t, 'a'), [1, 2]);
      await t.stop();
    });
  });
}

test('promise 4: while a handler blocks its thread, other keys and other pipelines proceed', async () => {
  const until = newFile();
  const t = await testMill({ pipelines });
  const begun = told('begun busy 1');
  await t.ingest('steps', { key: 'busy', n: 1, does: 'wait', until });
  await begun;
  await t.ingest('heard', { key: 'other', n: 1 });
  assert.deepEqual(await t.mill.state('heard', 'other', { waitMs: 10_000 }), { heard: [1] });
  for (const n of upTo(3)) await t.ingest('steps', { key: 'free', n });
  assert.deepEqual(await t.mill.state('steps', 'free', { waitMs: 10_000 }), stateOf(upTo(3)));
  assert.equal(await t.state('steps', 'busy'), undefined, 'it is still at work');
  writeFileSync(until, '');
  assert.deepEqual(await appliedTo(t, 'busy'), [1]);
  await t.stop();
});

/** Steps that end in a dead letter, and a part of its reason. */
const fatal: readonly [StepInput['does'], RegExp][] = [
  ['spin', /^the handler did not end within 1000 ms$/],
  ['exit', /^the thread of the handler has ended: .*exited with code: 7/],
  ['throw', /^cannot apply 1$/],
  ['answer a function', /^next state: expected JSON, found a value that cannot be sent to another thread: .*could not be cloned/],
  ['answer a Map', /^next state: steps: /],
];

for (const [does, reason] of fatal) {
  test(`promise 9: a handler that does this ends in a dead letter, and the pipeline continues: ${does}`, async () => {
    const gaveUp = Promise.withResolvers<void>();
    const log: Logger = { ...silentLogger, error: () => gaveUp.resolve() };
    // On a busy machine even an immediate end may take a while.
    const erring = { ...steps, timeoutMs: does === 'spin' ? 1_000 : 60_000, onGiveUp: 'skip' } as const;
    const mill = await millrace({ store: memory(), pipelines: [erring, heard], clock: realClock, log }).start();
    await mill.ingest('steps', { key: 'a', n: 1, does });
    await mill.ingest('steps', { key: 'a', n: 2 });
    await mill.ingest('steps', { key: 'b', n: 1 });
    await gaveUp.promise;
    assert.equal(await mill.idle(60_000), true);
    const [letter, ...others] = await mill.deadLetters();
    assert.match(letter?.reason ?? '', reason);
    if (does === 'throw') assert.match(letter?.stack ?? '', /^TypeError: cannot apply 1\n.*fixture\.test\.ts.*\nCaused by: \{"step":1\}/s);
    assert.deepEqual([letter?.attempts, others.length], [3, 0]);
    assert.deepEqual(await mill.state('steps', 'a', { waitMs: 10_000 }), stateOf([2]));
    assert.deepEqual(await mill.state('steps', 'b', { waitMs: 10_000 }), stateOf([1]));
    await mill.stop();
  });
}

test('a handler’s time starts when its thread calls it, not while the thread starts', async () => {
  const mayLoad = newFile();
  const path = `${newFile()}.mjs`;
  writeFileSync(mayLoad, '');
  writeFileSync(path, slowToLoad(mayLoad));
  const slow = (await import(pathToFileURL(path).href)).default;
  const t = await testMill({ pipelines: [slow] });
  rmSync(mayLoad);
  const loads = told('loads');
  // The first attempt ends the existing thread; the retry gets a new one, which has to load.
  await t.ingest('slow', {});
  while (t.mill.counts().slow?.retries === 0) await t.advance(0);
  await t.advance('10ms');
  await loads;
  await t.advance('5s');
  writeFileSync(mayLoad, '');
  await t.drain();
  assert.deepEqual([t.mill.counts().slow?.processed, t.mill.counts().slow?.retries], [1, 1]);
  await t.stop();
});

/** A module that threads can load only while a file exists, with a pipeline whose first attempt ends its thread. */
function slowToLoad(file: string): string {
  const url = (name: string) => JSON.stringify(import.meta.resolve(name));
  return `
    import { existsSync } from 'node:fs';
    import { isMainThread } from 'node:worker_threads';
    import * as z from ${url('zod')};
    import { pipeline } from ${url('../../pipeline/pipeline.ts')};
    if (!isMainThread) {
      const channel = new BroadcastChannel(${JSON.stringify(channelName)});
      channel.postMessage('loads');
      channel.close();
    }
    while (!isMainThread && !existsSync(${JSON.stringify(file)}));
    export default pipeline('slow', {
      run: 'threads', module: import.meta.url, concurrency: 1, timeout: '1s', retry: { attempts: 2, backoff: 1 },
      event: z.object({}),
      handle(event, state, turn) {
        if (turn.attempt === 1) process.exit(0);
      },
    });
  `;
}

test('a stop interrupts a start whose module loads slowly', async () => {
  const path = `${newFile()}.mjs`;
  writeFileSync(path, slowToLoad(newFile()));
  const { default: slow } = await import(pathToFileURL(path).href);
  const loads = told('loads');
  const mill = millrace({ store: memory(), pipelines: [slow] });
  const started = assert.rejects(mill.start(), { code: 'MILL_STOPPING' });
  await loads;
  await mill.stop();
  await started;
});

test('an error after the end of a handler costs a thread but no event', async () => {
  const died = Promise.withResolvers<string>();
  const log: Logger = { ...silentLogger, warn: (fields) => died.resolve(String(Object(fields).reason)) };
  const t = await testMill({ pipelines, log });
  const until = newFile();
  await t.ingest('steps', { key: 'a', n: 1, does: 'late error', until });
  assert.deepEqual(await appliedTo(t, 'a'), [1]);
  writeFileSync(until, '');
  assert.equal(await died.promise, 'too late');
  await t.ingest('steps', { key: 'a', n: 2 });
  assert.deepEqual(await appliedTo(t, 'a'), [1, 2]);
  await t.stop();
});

test('a rejecting promise left behind by a handler is logged with its stack, and ends no thread', async () => {
  const logged = Promise.withResolvers<object>();
  const ended: string[] = [];
  const log: Logger = { ...silentLogger, error: (fields) => logged.resolve(fields), warn: (_fields, message) => void ended.push(message) };
  const t = await testMill({ pipelines, log });
  const until = newFile();
  await t.ingest('steps', { key: 'a', n: 1, does: 'late rejection', until });
  assert.deepEqual(await appliedTo(t, 'a'), [1]);
  writeFileSync(until, '');
  const { pipeline, reason, stack } = Object(await logged.promise);
  assert.deepEqual([pipeline, reason], ['steps', 'too late']);
  assert.match(stack, /^Error: too late\n {4}at .*fixture\.test\.ts.*Caused by: RangeError: nobody waits/s);
  await t.ingest('steps', { key: 'a', n: 2 });
  assert.deepEqual(await appliedTo(t, 'a'), [1, 2]);
  assert.deepEqual(ended, []);
  await t.stop();
});

test('a handler’s log lines arrive, even those of a failing attempt, and whatever their fields are', async () => {
  const lines: [string, object][] = [];
  const log: Logger = { ...silentLogger, info: (fields, message) => lines.push([message, fields]), child: () => log };
  const t = await testMill({ pipelines, log });
  await t.ingest('steps', { key: 'a', n: 1, does: 'fail once' });
  await t.drain();
  await t.advance('1s');
  await t.drain();
  assert.deepEqual(
    lines.map(([message]) => message),
    ['step', 'step'],
  );
  assert.match(Object(lines[0]?.[1]).fields, /n: 1, print: \[Function/);
  await t.stop();
});

test('events ignored by a handler are counted as such', async () => {
  const t = await testMill({ pipelines });
  await t.ingest('steps', { key: 'a', n: 1, does: 'ignore' });
  await t.drain();
  assert.equal(t.mill.counts().steps?.ignored, 1);
  await t.stop();
});

test('promise 8: a stop ends a busy thread; its event is handled after the next start', async () => {
  const until = newFile();
  const store = memory();
  const alive = new Set<Worker>();
  const follow = (thread: Worker) => {
    alive.add(thread);
    thread.once('exit', () => alive.delete(thread));
  };
  process.on('worker', follow);
  const before = await millrace({ store, pipelines }).start();
  const begun = told('begun a 1');
  await before.ingest('steps', { key: 'a', n: 1, does: 'wait', until });
  await begun;
  await before.stop({ timeoutMs: 0 });
  process.off('worker', follow);
  assert.equal(alive.size, 0, 'no thread is left');
  writeFileSync(until, '');
  const mill = await millrace({ store, pipelines }).start();
  assert.deepEqual(await mill.state('steps', 'a', { waitMs: 10_000 }), stateOf([1]));
  await mill.stop();
});

test('as many attempts run at once as there are threads, by default one per core', async () => {
  const t = await testMill({ pipelines: [{ ...steps, threads: { module: steps.threads?.module ?? '', count: undefined } }, heard] });
  const { availableParallelism } = await import('node:os');
  assert.equal(t.mill.counts().steps?.concurrency, availableParallelism());
  await t.stop();
});

describe('a start fails with one line if threads cannot load the pipeline', () => {
  const declare = (name: string, module: string) => pipeline(name, { event: z.object({}), run: 'threads', module, handle() {} });
  const write = (text: string) => {
    const path = `${newFile()}.mjs`;
    writeFileSync(path, text);
    return pathToFileURL(path).href;
  };
  const refused: readonly [string, () => AnyPipeline, RegExp][] = [
    [
      'no such file',
      () => declare('lost', 'file:///nowhere/lost.mjs'),
      /pipeline lost: module: \S+ cannot be loaded in a thread: no such file$/,
    ],
    [
      'another pipeline',
      () => declare('absent', steps.threads?.module ?? ''),
      /pipeline absent: module: \S+ does not export the pipeline; it exports heard, steps$/,
    ],
    ['no pipeline', () => declare('absent', write('export const none = 1;')), /it exports no pipeline$/],
    [
      'it throws',
      () => declare('thrown', write(`throw new Error('not today');`)),
      /cannot be loaded in a thread: not today \(\S+\.mjs:1:7\)$/,
    ],
    ['it ends the thread', () => declare('ended', write('process.exit(3);')), /a thread cannot import \S+: .*exited with code: 3$/],
  ];
  for (const [what, make, line] of refused) {
    test(what, async () => {
      const store = memory();
      const failing = millrace({ store, pipelines: [make(), heard] });
      await assert.rejects(
        failing.start(),
        (error) => isCode('MILL_INVALID_DECLARATION')(error) && line.test(String(Object(error).message)),
      );
      // The store was released.
      const mill = await millrace({ store, pipelines: [heard] }).start();
      await mill.stop();
    });
  }
});
