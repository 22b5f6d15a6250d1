import assert from 'node:assert/strict';
import { type TestMillOptions, testMill } from '../../src/testing/index.ts';
import { type StoreContext, testOn } from '../stores.fixture.test.ts';
import { workersPipeline } from './pipeline.ts';
import { placeTable } from './place.ts';
import type { Observe } from './spoken.ts';

const test = testOn('memory', 'postgres', 'mariadb');

/** Five workers; everything said is recorded. */
async function start(context: StoreContext, options: Omit<TestMillOptions, 'pipelines'> & { readonly observe?: Observe } = {}) {
  const told: string[] = [];
  const { observe: ownObserve, ...kit } = options;
  const observe: Observe =
    ownObserve ??
    (({ worker, message, worker_listened, message_listened }) => {
      told.push(`${worker} ${message} (${worker_listened} ${message_listened})`);
    });
  const t = await testMill({
    store: context.openStore({ isVirtual: true }).store,
    ...kit,
    pipelines: [workersPipeline({ workers: 5, observe })],
  });
  context.after(() => t.stop());
  const say = async (worker: number, message: string, destination_worker: number, more: object = {}) => {
    await t.ingest('workers', { act: 'speak', worker, message, destination_worker, ...more });
  };
  return { t, told, say };
}

test('a speaking worker says what it heard last, and the other one has heard it from then on', async (context) => {
  const { t, told, say } = await start(context);
  for (const [worker, message, destination] of [
    [1, 'Hello', 2],
    [2, 'Hi', 3],
    [3, 'What?', 2],
    [2, 'Nothing', 2],
    [2, 'Well', 5],
  ] as const) {
    await say(worker, message, destination);
    await t.drain();
  }
  assert.deepEqual(told, ['1 Hello (0 )', '2 Hi (1 Hello)', '3 What? (2 Hi)', '2 Nothing (3 What?)', '2 Well (2 Nothing)']);
  assert.deepEqual(await t.state('workers', '2'), {
    worker_listened: 2,
    message_listened: 'Nothing',
    messages_heard: 3,
    messages_spoken: 3,
  });
  assert.equal(await t.state('workers', '4'), undefined);
});

test('every message to a worker is heard once and in order, whatever fails', async (context) => {
  const { t, say } = await start(context, { crashBeforeCommit: true, duplicateEverything: true });
  for (let n = 1; n <= 20; n += 1) await say(1, `message ${n}`, 2);
  await t.drain();
  const { messages_heard, message_listened } = Object(await t.state('workers', '2'));
  assert.deepEqual([messages_heard, message_listened], [20, 'message 20']);
});

test('an observer’s promise is awaited, and nothing is decided before it resolves', async (context) => {
  const gate = Promise.withResolvers<void>();
  const { t, say } = await start(context, { observe: () => gate.promise });
  await say(1, 'Hello', 2);
  assert.deepEqual([await t.state('workers', '1'), await t.state('workers', '2')], [undefined, undefined]);
  gate.resolve();
  await t.drain();
  assert.equal(Object(await t.state('workers', '2')).message_listened, 'Hello');
});

test('a message’s place commits with it', async (context) => {
  const { t, say } = await start(context, { crashBeforeCommit: true });
  const place = { row: '9223372036854775807', says: 'x', interval: 3, accumulated_time: 7, workers: 5 };
  await say(1, 'one', 2, { place: { ...place, row: '1' } });
  await say(1, 'two', 2, { place });
  await t.drain();
  await say(1, 'of no play', 2);
  await t.drain();
  assert.deepEqual(await t.rows(placeTable), [{ name: 'last', ...place }]);
});

test('impossible messages are refused', async (context) => {
  const { say } = await start(context);
  const message = (field: string, found: string) => ({
    message: `pipeline workers: ${field}: expected an integer from 1 to 5, found ${found}`,
  });
  await assert.rejects(say(0, 'a', 1), message('worker', '0'));
  await assert.rejects(say(1, 'a', 6), message('destination_worker', '6'));
  await assert.rejects(say(1, 'a', 1.5), message('destination_worker', '1.5'));
});
