import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import { until } from '../../../test/until.ts';
import { MillraceError } from '../../errors.ts';
import type { Answer, OutgoingCall } from '../../pipeline/endpoint.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { lettersOf } from '../../store/letters-of.ts';
import type { Store } from '../../store/store.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import { type Logger, silentLogger } from '../logger.ts';
import { type CommitCall, failing, isCode, onEveryKindOfStore, Step, withCalls, withMembers } from './fixture.test.ts';
import { delivered, failed, heldAnswers, idsOf, shop, Told, toldTo } from './shop.fixture.test.ts';

onEveryKindOfStore('promise 6: deliveries at least once, under a stable id', ({ testMill, makeStore }) => {
  test('a delivery is made once its turn has committed, and its key is notified', async () => {
    const t = await testMill({ pipelines: [shop()], answer: () => ({ result: 'delivered', answer: { receipt: 7 } }) });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.drain();
    const [call] = t.calls;
    assert.deepEqual(
      { ...call, askedAt: 0 },
      {
        ...{ id: 'a 1', pipeline: 'shop', endpoint: 'door', key: 'a', body: '{"n":1}', attempt: 1, askedAt: 0 },
        ...{ url: undefined, traceparent: undefined },
      },
    );
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 1']);
    assert.equal(t.calls.length, 1);
    assert.equal(t.mill.counts().shop?.delivered, 1);
    await t.stop();
  });

  test('a failing turn delivers nothing, and its successful retry delivers once', async () => {
    const attempt = (_n: number, attempt: number) => attempt < 3 && failing();
    const t = await testMill({ pipelines: [shop({ attempt })] });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.drain();
    assert.deepEqual(t.calls, []);
    await t.advance(10_000);
    assert.deepEqual(idsOf(t.calls), ['a 1']);
    await t.stop();
  });

  test('each delivery has one outcome even if every commit fails once', async () => {
    const t = await testMill({ pipelines: [shop()], crashBeforeCommit: true });
    for (const key of ['a', 'b', 'c']) for (const n of [1, 2]) await t.ingest('shop', { key, n });
    await t.advance(60_000);
    for (const key of ['a', 'b', 'c'])
      assert.deepEqual(
        (await toldTo(t, key)).toSorted(),
        [1, 2].map((n) => `delivered ${key} ${n} after 1`),
      );
    assert.equal(t.calls.length, 6, 'an answer survives the failure of the commit that would have recorded it');
    await t.stop();
  });

  test('a failed delivery is retried under its id, after a pause that doubles and that Retry-After extends', async () => {
    const at: number[] = [];
    const answers: Answer[] = [failed, failed, { ...failed, retryAfterMs: 5_000 }, delivered];
    const t: TestMill = await testMill({
      pipelines: [shop({ attempts: 4 })],
      answer: () => {
        at.push(t.clock.now());
        return answers[at.length - 1] as Answer;
      },
    });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.advance(60_000);
    assert.deepEqual(
      at.map((moment) => moment - (at[0] as number)),
      [0, 1_000, 3_000, 8_000],
    );
    assert.deepEqual(
      t.calls.map(({ id, attempt }) => `${id} ${attempt}`),
      ['a 1 1', 'a 1 2', 'a 1 3', 'a 1 4'],
    );
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 4']);
    assert.equal(t.mill.counts().shop?.deliveryRetries, 3);
    await t.stop();
  });

  test('an exception from a transport, or a call that takes too long, is a failure', async () => {
    const { answer } = heldAnswers();
    const t: TestMill = await testMill({
      pipelines: [shop({ timeout: 5_000 })],
      answer: (call, signal) => {
        if (call.attempt === 1) throw new Error('no such wire');
        if (call.attempt === 3) return delivered;
        signal.addEventListener('abort', () => assert.match(String(signal.reason), /timed out after 5000 ms/));
        return answer(call);
      },
    });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.advance(60_000);
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 3']);
    await t.stop();
  });

  test('after the last attempt it is a dead letter with its reason, and can be redriven under its id', async () => {
    let isDown = true;
    const t = await testMill({ pipelines: [shop()], answer: () => (isDown ? failed : delivered) });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.advance(60_000);
    assert.deepEqual(await toldTo(t, 'a'), ['given up a 1 after 3']);
    const [letter] = await t.deadLetters('shop');
    assert.ok(letter?.kind === 'delivery');
    assert.equal(letter.reason, 'delivery to door: not today');
    assert.deepEqual([letter.key, letter.attempts, letter.delivery.id, letter.delivery.body], ['a', 3, 'a 1', '{"n":1}']);
    isDown = false;
    await t.mill.redrive(letter?.id ?? '');
    await t.drain();
    assert.deepEqual(await toldTo(t, 'a'), ['given up a 1 after 3', 'redriven a 1 after 0', 'delivered a 1 after 1']);
    assert.deepEqual(await t.deadLetters('shop'), []);
    await assert.rejects(t.mill.redrive(letter?.id ?? ''), isCode('MILL_NOT_FOUND'));
    await t.stop();
  });

  test('a refused delivery is given up at once', async () => {
    const t = await testMill({ pipelines: [shop()], answer: () => ({ result: 'refused', reason: 'unknown number' }) });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.drain();
    assert.equal(t.calls.length, 1);
    assert.deepEqual(await toldTo(t, 'a'), ['given up a 1 after 1']);
    const [letter] = await t.deadLetters('shop');
    await t.mill.discard(letter?.id ?? '');
    assert.deepEqual(await t.deadLetters('shop'), []);
    await t.stop();
  });

  test('a crash during a call repeats it under its id; a crash after its outcome was recorded does not', async () => {
    const { waiting, answer } = heldAnswers();
    const t = await testMill({ pipelines: [shop()], store: makeStore(), answer });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.state('shop', 'a');
    assert.equal(waiting.length, 1);
    await t.crash();
    await t.state('shop', 'a');
    assert.deepEqual(idsOf(t.calls), ['a 1', 'a 1']);
    waiting[1]?.give(delivered);
    await t.drain();
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 1']);
    await t.crash();
    await t.advance(60_000);
    assert.equal(t.calls.length, 2);
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 1']);
    await t.stop();
  });

  test('a key that fails to handle a notification is notified again, and nobody is called twice for that', async () => {
    let tells = 0;
    const tell = () => {
      tells += 1;
      if (tells < 3) failing();
    };
    const t = await testMill({ pipelines: [shop({ tell })] });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.drain();
    await t.crash();
    await t.advance(60_000);
    assert.equal(t.calls.length, 1);
    assert.equal(tells, 3);
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 1']);
    await t.stop();
  });

  test('an outcome that a key never handles is a dead letter, and can be redriven or discarded', async () => {
    let isBroken = true;
    const t = await testMill({ pipelines: [shop({ tell: () => isBroken && failing() })] });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.advance(120_000);
    const [letter] = await t.deadLetters('shop');
    assert.ok(letter?.kind === 'outcome');
    assert.equal(letter.reason, 'outcome of delivery a 1 to door: not today');
    const { endpoint, id, dueAt, data } = letter.outcome;
    assert.deepEqual([endpoint, id, letter.attempts], ['door', 'a 1', 5]);
    assert.deepEqual(JSON.parse(data), { id, at: dueAt, status: 'delivered', attempts: 1, answer: null });
    await t.mill.redrive(letter.id);
    await t.advance(120_000);
    const [again, ...more] = await t.deadLetters('shop');
    assert.ok(again?.kind === 'outcome' && more.length === 0);
    assert.deepEqual([again.attempts, again.outcome], [5, letter.outcome]);
    await t.ingest('shop', { key: 'b', n: 1 });
    await t.advance(120_000);
    const other = (await t.deadLetters('shop')).find(({ key }) => key === 'b');
    await t.mill.discard(other?.id ?? '');
    isBroken = false;
    await t.mill.redrive(again.id);
    await t.advance(1_000);
    assert.deepEqual([await toldTo(t, 'a'), await toldTo(t, 'b')], [['delivered a 1 after 1'], []]);
    assert.deepEqual([t.calls.length, await t.deadLetters('shop')], [2, []]);
    await t.stop();
  });

  test('in order per key: each delivery waits for the previous one, even through failures, and other keys proceed', async () => {
    const answer = ({ id, attempt }: OutgoingCall) => (id === 'a 1' && attempt < 3 ? failed : delivered);
    const t = await testMill({ pipelines: [shop({ order: 'key' })], answer });
    for (const key of ['a', 'b']) for (const n of [1, 2, 3]) await t.ingest('shop', { key, n });
    await t.drain();
    assert.deepEqual(idsOf(t.calls).toSorted(), ['a 1', 'b 1', 'b 2', 'b 3']);
    await t.crash();
    await t.advance(60_000);
    assert.deepEqual(
      idsOf(t.calls).filter((id) => id.startsWith('a')),
      ['a 1', 'a 1', 'a 1', 'a 2', 'a 3'],
    );
    assert.deepEqual(
      await toldTo(t, 'a'),
      [3, 1, 1].map((attempts, at) => `delivered a ${at + 1} after ${attempts}`),
    );
    await t.stop();
  });

  test('in order per key: the next delivery follows once the previous one is given up', async () => {
    const answer = ({ id }: OutgoingCall): Answer => (id === 'a 1' ? { result: 'refused', reason: 'gone' } : delivered);
    const t = await testMill({ pipelines: [shop({ order: 'key' })], answer });
    for (const n of [1, 2]) await t.ingest('shop', { key: 'a', n });
    await t.drain();
    assert.deepEqual(await toldTo(t, 'a'), ['given up a 1 after 1', 'delivered a 2 after 1']);
    await t.stop();
  });

  test('no more calls are under way at once than the endpoint allows', async () => {
    const { waiting, answer } = heldAnswers();
    const t = await testMill({ pipelines: [shop({ concurrency: 2 })], answer });
    for (let n = 1; n <= 300; n += 1) await t.ingest('shop', { key: `k${n % 7}`, n });
    for (let done = 0; done < 300; done += 1) {
      await until(() => waiting.length > done);
      assert.ok(waiting.length - done <= 2, `${waiting.length - done} at once`);
      waiting[done]?.give(delivered);
    }
    await t.drain();
    assert.equal(new Set(idsOf(t.calls)).size, 300);
    assert.equal(t.calls.length, 300);
    await t.stop();
  });

  test('no more calls begin within a span than the rate limit allows', async () => {
    const at: number[] = [];
    const t: TestMill = await testMill({
      pipelines: [shop({ rateLimit: { calls: 3, per: 1_000 } })],
      answer: () => {
        at.push(t.clock.now());
        return delivered;
      },
    });
    for (let n = 1; n <= 10; n += 1) await t.ingest('shop', { key: `k${n}`, n });
    await t.advance(10_000);
    assert.deepEqual(
      at.map((moment) => moment - (at[0] as number)),
      [0, 0, 0, 1_000, 1_000, 1_000, 2_000, 2_000, 2_000, 3_000],
    );
    await t.stop();
  });

  test('a postponing transport is not called until its time, and no attempt is counted', async () => {
    let isDown = true;
    const t = await testMill({
      pipelines: [shop({ concurrency: 1 })],
      answer: () => (isDown ? { result: 'postponed', reason: 'circuit open', retryAfterMs: 10_000 } : delivered),
    });
    for (let n = 1; n <= 5; n += 1) await t.ingest('shop', { key: 'a', n });
    await t.advance(35_000);
    assert.equal(t.calls.length, 4, 'one at the start, then one every ten seconds');
    isDown = false;
    await t.advance(10_000);
    assert.deepEqual(
      (await toldTo(t, 'a')).toSorted(),
      [1, 2, 3, 4, 5].map((n) => `delivered a ${n} after 1`),
    );
    await t.stop();
  });

  test('with retries by the pipeline, the key is notified of each failure and requests the next attempt itself', async () => {
    const answers: Answer[] = [{ ...failed, answer: { status: 503 } }, delivered];
    const t: TestMill = await testMill({ pipelines: [shop({ by: 'pipeline' })], answer: () => answers.shift() ?? failed });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.advance('1h');
    assert.deepEqual(await toldTo(t, 'a'), ['failed a 1 after 1']);
    await t.crash();
    await t.advance('1h');
    assert.equal(t.calls.length, 1);
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.drain();
    assert.deepEqual(await toldTo(t, 'a'), ['failed a 1 after 1', 'delivered a 1 after 2']);
    for (let n = 1; n <= 4; n += 1) {
      await t.ingest('shop', { key: 'b', n: 1 });
      await t.drain();
    }
    assert.deepEqual(await toldTo(t, 'b'), ['failed b 1 after 1', 'failed b 1 after 2', 'given up b 1 after 3', 'failed b 1 after 1']);
    await t.stop();
  });

  test('a delivery requested again while its outcome is on its way to the key is not made again', async () => {
    const { waiting, answer } = heldAnswers();
    const gate = Promise.withResolvers<void>();
    const stubborn = pipeline('stubborn', {
      event: Step,
      key: ({ key }) => key,
      state: Told,
      deliver: {
        door: { to: { call: failing }, outcome: (state, _turn, { id, status }) => ({ told: [...(state?.told ?? []), `${status} ${id}`] }) },
      },
      handle({ n }, state, turn) {
        if (n === 2) return gate.promise.then(() => state);
        turn.deliver('door', { n }, { id: 'x' });
        return { told: [...(state?.told ?? []), `asked by ${n}`] };
      },
    });
    const t = await testMill({ pipelines: [stubborn], answer });
    await t.ingest('stubborn', { key: 'a', n: 1 });
    await until(() => waiting.length === 1);
    for (const n of [2, 3]) await t.ingest('stubborn', { key: 'a', n });
    await t.advance(10);
    waiting[0]?.give(delivered);
    await until(() => t.mill.counts().stubborn?.delivered === 1);
    gate.resolve();
    await t.drain();
    assert.deepEqual(await t.state('stubborn', 'a'), { told: ['asked by 1', 'asked by 3', 'delivered x'] });
    assert.equal(waiting.length, 1);
    await t.stop();
  });

  test('a delivery whose outcome is recorded while the store looks for due ones is not made again', async () => {
    const { waiting, answer } = heldAnswers();
    const base = makeStore();
    const [asked, hold] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let isHolding = false;
    const dueDeliveries: Store['dueDeliveries'] = async (...args) => {
      const due = await base.dueDeliveries(...args);
      if (!isHolding || due.every(({ id }) => id !== 'a 1')) return due;
      isHolding = false;
      asked.resolve();
      await hold.promise;
      return due;
    };
    const t = await testMill({ pipelines: [shop()], store: withCalls(base, { dueDeliveries }), answer });
    await t.ingest('shop', { key: 'a', n: 1 });
    await until(() => waiting.length === 1);
    isHolding = true;
    await t.ingest('shop', { key: 'a', n: 2 });
    await asked.promise;
    waiting[0]?.give(delivered);
    await until(() => t.mill.counts().shop?.delivered === 1);
    hold.resolve();
    await until(() => waiting.length === 2);
    waiting[1]?.give(delivered);
    await t.drain();
    assert.deepEqual(idsOf(t.calls), ['a 1', 'a 2']);
    await t.stop();
  });

  test('the same id under two keys means two deliveries', async () => {
    const { waiting, answer } = heldAnswers();
    const shared = pipeline('shared', {
      event: Step,
      key: ({ key }) => key,
      state: Told,
      deliver: {
        door: { to: { call: failing }, outcome: (state, _turn, { status }) => ({ told: [...(state?.told ?? []), status] }) },
      },
      handle({ key }, state, turn) {
        turn.deliver('door', { key }, { id: 'same' });
        return state;
      },
    });
    const t = await testMill({ pipelines: [shared], answer });
    for (const key of ['a', 'b']) await t.ingest('shared', { key, n: 1 });
    await until(() => waiting.length === 2);
    for (const { give } of waiting) give(delivered);
    await t.drain();
    assert.deepEqual(t.calls.map(({ body }) => body).toSorted(), ['{"key":"a"}', '{"key":"b"}']);
    for (const key of ['a', 'b']) assert.deepEqual(await t.state('shared', key), { told: ['delivered'] });
    await t.stop();
  });

  test('a delivery requested again during its call stays the same one: the next call has the new payload, and there is one outcome', async () => {
    const { waiting, answer } = heldAnswers();
    const doors = pipeline('doors', {
      event: Step,
      key: ({ key }) => key,
      state: Told,
      deliver: {
        door: {
          to: { call: failing },
          retry: { backoff: 1_000, jitter: 0 },
          outcome: (state, _turn, { status, attempts }) => ({ told: [...(state?.told ?? []), `${status} ${attempts}`] }),
        },
      },
      handle({ n }, state, turn) {
        turn.deliver('door', { n }, { id: 'x' });
        return state;
      },
    });
    const t = await testMill({ pipelines: [doors], answer });
    await t.ingest('doors', { key: 'a', n: 1 });
    await until(() => waiting.length === 1);
    await t.ingest('doors', { key: 'a', n: 2 });
    await t.state('doors', 'a');
    waiting[0]?.give(failed);
    await t.advance(1_000);
    assert.deepEqual(
      t.calls.map(({ body, attempt }) => `${attempt} ${body}`),
      ['1 {"n":1}', '2 {"n":2}'],
    );
    waiting[1]?.give(delivered);
    await t.advance('1h');
    assert.deepEqual(await t.state('doors', 'a'), { told: ['delivered 2'] });
    assert.equal(t.calls.length, 2);
    await t.stop();
  });

  test('whatever pause a transport requests, the engine continues', async () => {
    const pauses = [1_500.5, Number.POSITIVE_INFINITY, Number.NaN, -1];
    const t: TestMill = await testMill({
      pipelines: [shop({ attempts: 10, concurrency: 1 })],
      answer: ({ id, attempt }): Answer => {
        const retryAfterMs = pauses[attempt - 1];
        if (retryAfterMs === undefined) return delivered;
        return id === 'b 1' ? { result: 'postponed', reason: 'later', retryAfterMs: Number.NaN } : { ...failed, retryAfterMs };
      },
    });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.ingest('shop', { key: 'b', n: 1 });
    await t.advance('1m');
    await t.sleep('25h');
    await t.advance('1m');
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 5']);
    assert.deepEqual(t.mill.health(), { status: 'ok' });
    await t.stop();
  });

  test('a call that may have arrived is not repeated automatically: its key is notified, and an operator decides', async () => {
    let isOpen = true;
    const unknown: Answer = { result: 'unknown', reason: 'the line went dead', answer: { so: 'far' } };
    const t = await testMill({ pipelines: [shop({ order: 'key' })], answer: ({ id }) => (isOpen && id === 'a 1' ? unknown : delivered) });
    for (const n of [1, 2]) await t.ingest('shop', { key: 'a', n });
    await t.advance('1h');
    await t.sleep('23h');
    assert.deepEqual(idsOf(t.calls), ['a 1', 'a 2']);
    assert.deepEqual(await toldTo(t, 'a'), ['unknown a 1 after 1', 'delivered a 2 after 1']);
    const [letter, ...others] = await t.deadLetters('shop');
    assert.deepEqual(others, []);
    assert.ok(letter?.kind === 'delivery');
    assert.equal(letter.reason, 'delivery to door: unknown: it may have arrived: the line went dead');
    assert.deepEqual([letter.attempts, letter.delivery.id, letter.delivery.body], [1, 'a 1', '{"n":1}']);
    const { deliveriesUnknown, deliveriesFailed } = t.mill.counts().shop ?? {};
    assert.deepEqual([deliveriesUnknown, deliveriesFailed], [1, 0]);
    await t.crash();
    assert.equal(t.calls.length, 2, 'a start makes no call of it');
    isOpen = false;
    await t.mill.redrive(letter?.id ?? '');
    await t.drain();
    assert.deepEqual((await toldTo(t, 'a')).slice(2), ['redriven a 1 after 0', 'delivered a 1 after 1']);
    await t.stop();
  });

  test('an unknown result stays unknown if the pipeline starts attempts, and if the key is notified again', async () => {
    let times = 0;
    const t = await testMill({
      pipelines: [shop({ by: 'pipeline', tell: () => (times++ === 0 ? failing() : undefined) })],
      answer: () => ({ result: 'unknown', reason: 'who knows' }),
    });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.advance('1h');
    assert.deepEqual(await toldTo(t, 'a'), ['unknown a 1 after 1']);
    assert.deepEqual([times, t.calls.length], [2, 1]);
    await t.stop();
  });

  test('an answer that a transport gives on abort counts: it may know that the other side has answered', async () => {
    const t = await testMill({
      pipelines: [shop({ timeout: 5_000 })],
      answer: ({ id }, signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => {
            if (id === 'a 1') resolve({ result: 'unknown', reason: 'the body did not end' });
            else if (id === 'b 1') resolve(delivered);
            else if (id === 'c 1') reject(signal.reason);
          });
        }),
    });
    const keys = ['a', 'b', 'c', 'd'];
    for (const key of keys) await t.ingest('shop', { key, n: 1 });
    await t.advance('1h');
    const told = await Promise.all(keys.map((key) => toldTo(t, key)));
    assert.deepEqual(told, [['unknown a 1 after 1'], ['delivered b 1 after 1'], ['given up c 1 after 3'], ['given up d 1 after 3']]);
    await t.stop();
  });

  test('the result of a call stands whether or not its answer can be kept, and the answer is kept as it was when given', async () => {
    class Receipt {
      readonly number = 7;
      readonly #secret = 1;
      get secret() {
        return this.#secret;
      }
    }
    const circular: { self?: object } = {};
    circular.self = circular;
    const changing = { state: 'as given' };
    const kept: readonly (readonly [given: unknown, kept: unknown])[] = [
      [circular, null],
      [10n, null],
      [{ deep: [{ big: 10n }] }, null],
      [() => 1, null],
      [Symbol('s'), null],
      [{ toJSON: () => failing() }, null],
      [Number.NaN, null],
      [{ rate: Number.NaN }, { rate: null }],
      [new Receipt(), { number: 7 }],
      [new Date(0), '1970-01-01T00:00:00.000Z'],
      [changing, { state: 'as given' }],
      [undefined, null],
    ];
    const told: unknown[] = [];
    const warnings: string[] = [];
    const log: Logger = { ...silentLogger, warn: (_fields, message) => warnings.push(message), child: () => log };
    const receipts = pipeline('receipts', {
      event: Step,
      key: ({ key }) => key,
      deliver: { door: { to: { call: failing }, outcome: (_state, _turn, outcome) => void told.push(outcome) } },
      handle: ({ key, n }, _state, turn) => turn.deliver('door', { n }, { id: key }),
    });
    const answer = ({ id }: OutgoingCall): Answer => {
      const given = kept[Number(id)]?.[0];
      if (given === changing) setImmediate().then(() => Object.assign(changing, { state: 'as it was later' }));
      return { result: 'delivered', answer: given };
    };
    // This makes each answer wait for the second commit; its object may change meanwhile.
    const t = await testMill({ pipelines: [receipts], answer, log, crashBeforeCommit: true });
    for (const at of kept.keys()) await t.ingest('receipts', { key: String(at), n: 1 });
    await t.advance('1h');
    const byId = new Map(told.map((outcome) => [Object(outcome).id, outcome]));
    for (const [at, [, as]] of kept.entries()) {
      const { status, answer } = Object(byId.get(String(at)));
      assert.deepEqual([status, answer], ['delivered', as], String(at));
    }
    assert.deepEqual([byId.size, t.calls.length, (await t.deadLetters()).length], [kept.length, kept.length, 0]);
    assert.equal(warnings.filter((line) => line === 'an answer was dropped').length, 6);
    await t.stop();
  });

  test('a reason that is not text stops nobody', async () => {
    const reasons: readonly unknown[] = [undefined, 10n, Symbol('s'), { a: 1 }];
    const answer = ({ id }: OutgoingCall) => ({ result: 'refused', reason: reasons[Number(id.slice(2))] }) as Answer;
    const t = await testMill({ pipelines: [shop()], answer });
    for (const n of reasons.keys()) await t.ingest('shop', { key: 'a', n });
    await t.drain();
    assert.deepEqual(
      (await t.deadLetters()).map(({ reason }) => reason),
      ['nothing', '10n', 'a symbol', '{"a":1}'].map((found) => `delivery to door: expected a reason, found ${found}`),
    );
    await t.stop();
  });

  test('whatever a transport throws or answers, the reason is a short text that every store can hold', async () => {
    const unreadable = new Proxy({}, { get: () => failing(), has: () => failing(), getPrototypeOf: () => failing() });
    const says = (reason: unknown, cause?: unknown) => ({ result: 'refused', reason, ...(cause !== undefined && { cause }) }) as Answer;
    const cases: readonly (readonly [does: () => unknown, reason: RegExp])[] = [
      [() => Promise.reject({ code: 7 }), /^expected an Error to be thrown, found \{"code":7\}$/],
      [() => Promise.reject(), /^expected an Error to be thrown, found nothing$/],
      [() => Promise.reject(null), /^expected an Error to be thrown, found null$/],
      [() => Promise.reject(unreadable), /^expected an Error to be thrown, found an object$/],
      [() => Promise.reject(Object.assign(new Error(), { message: { a: 1 } })), /^\{"a":1\}$/],
      [() => Promise.reject(new Error('')), /^Error$/],
      [() => Promise.reject('half \ud800 and \0'), /^half \ufffd and \ufffd$/],
      [() => Promise.reject(new Error('x'.repeat(1e6))), /^x+…$/],
      [() => says('x'.repeat(1e6)), /^x+…$/],
      [() => says('half \udc00 and \0'), /^half \ufffd and \ufffd$/],
      [() => says('', unreadable), /^expected a reason, found an empty text$/],
      [() => says({ toString: failing }), /^expected a reason, found /],
      [
        () => ({
          get result() {
            return failing();
          },
        }),
        /^unknown: it may have arrived: the answer cannot be read: not today$/,
      ],
      [
        () => ({
          result: 'failed',
          reason: 'x',
          get retryAfterMs() {
            return failing();
          },
        }),
        /^unknown: it may have arrived: the answer cannot be read: not today$/,
      ],
    ];
    const told: unknown[] = [];
    const shops = shop({ attempts: 1 });
    const { deliver } = shops;
    Object.assign(deliver.door as object, {
      outcome: (_state: unknown, _turn: unknown, { status, ...outcome }: { status: string; reason?: string }) => {
        told.push(outcome.reason);
        assert.match(status, /given up|unknown/);
      },
    });
    const t = await testMill({ pipelines: [shops], answer: ({ id }) => cases[Number(id.slice(2))]?.[0]() as Answer });
    for (const n of cases.keys()) await t.ingest('shop', { key: 'a', n });
    await t.drain();
    const reasons = new Map(lettersOf('delivery', await t.deadLetters()).map(({ delivery, reason }) => [delivery.id, reason]));
    for (const [n, [, reason]] of cases.entries()) {
      const found = (reasons.get(`a ${n}`) ?? '').replace('delivery to door: ', '');
      assert.ok(reason.test(found), `case ${n}: ${found.slice(0, 100)}`);
    }
    assert.equal(told.length, cases.length);
    for (const reason of told)
      assert.ok(typeof reason === 'string' && reason.length <= 4_000 && reason.isWellFormed() && !reason.includes('\0'));
    await t.stop();
  });

  test('a transport with an unstorable answer, or a postponement of unknown length, stops nobody else', async () => {
    const circular: { self?: object } = {};
    circular.self = circular;
    const answers: Readonly<Record<string, unknown>> = {
      'a 1': { result: 'delivered', answer: circular },
      'b 1': { result: 'postponed', reason: 'later' },
      'c 1': undefined,
    };
    const answer = ({ id }: OutgoingCall) => (id in answers ? answers[id] : delivered) as Answer;
    const t = await testMill({ pipelines: [shop({ concurrency: 1, attempts: 2 })], answer });
    for (const key of ['a', 'b', 'c', 'd']) await t.ingest('shop', { key, n: 1 });
    await t.advance('1h');
    const told = await Promise.all(['a', 'b', 'c', 'd'].map((key) => toldTo(t, key)));
    assert.deepEqual(told, [['delivered a 1 after 1'], ['given up b 1 after 2'], ['unknown c 1 after 1'], ['delivered d 1 after 1']]);
    assert.equal(t.calls.filter(({ id }) => id === 'a 1' || id === 'c 1').length, 2, 'what may have arrived is not called again');
    await t.stop();
  });

  test('a delivery that was given up and requested again is not redriven with its old payload', async () => {
    let isDown = true;
    const { waiting, answer } = heldAnswers();
    const t = await testMill({ pipelines: [shop()], answer: (call) => (isDown ? { result: 'refused', reason: 'no' } : answer(call)) });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.drain();
    const [letter] = await t.deadLetters('shop');
    isDown = false;
    await t.ingest('shop', { key: 'a', n: 1 });
    await until(() => waiting.length === 1);
    await t.mill.redrive(letter?.id ?? '');
    waiting[0]?.give(delivered);
    await t.drain();
    assert.equal(waiting.length, 1, 'it is under way already');
    await t.stop();
  });

  test('a pipeline with too many deliveries without an outcome accepts no events', async () => {
    const { waiting, answer } = heldAnswers();
    const t = await testMill({ pipelines: [shop()], answer, limits: { deliveries: 3 } });
    for (const n of [1, 2, 3]) await t.ingest('shop', { key: 'a', n });
    await until(() => waiting.length === 3);
    await assert.rejects(t.ingest('shop', { key: 'a', n: 4 }), isCode('MILL_BACKLOG_FULL'));
    assert.equal(t.mill.counts().shop?.deliveries, 3);
    for (const { give } of waiting) give(delivered);
    await t.drain();
    assert.equal((await t.ingest('shop', { key: 'a', n: 4 })).status, 'accepted');
    await until(() => waiting.length === 4);
    waiting[3]?.give(delivered);
    await t.drain();
    await t.stop();
  });

  test('a call that uses all of its time is not unhealthy', async () => {
    const { waiting, answer } = heldAnswers();
    const t = await testMill({ pipelines: [{ ...shop({ timeout: 60_000 }), timeoutMs: 1_000 }], answer });
    await t.ingest('shop', { key: 'a', n: 1 });
    await until(() => waiting.length === 1);
    t.mill.health();
    await t.advance(50_000);
    assert.deepEqual(t.mill.health(), { status: 'ok' });
    waiting[0]?.give(delivered);
    await t.stop();
  });

  test('thousands of outcomes of one key reach it, interleaved with its events', async () => {
    const many = pipeline('many', {
      event: Step,
      key: ({ key }) => key,
      state: z.object({ outcomes: z.int(), events: z.int() }),
      deliver: {
        door: {
          to: { call: failing },
          concurrency: 100,
          outcome: (state) => ({ outcomes: (state?.outcomes ?? 0) + 1, events: state?.events ?? 0 }),
        },
      },
      handle({ n }, state, turn) {
        for (let nth = 1; nth <= n; nth += 1) turn.deliver('door', { nth });
        return { outcomes: state?.outcomes ?? 0, events: (state?.events ?? 0) + 1 };
      },
    });
    const t = await testMill({ pipelines: [many] });
    await t.ingest('many', { key: 'a', n: 3_000 });
    for (let event = 0; event < 200; event += 1) await t.ingest('many', { key: 'a', n: 0 });
    await t.drain();
    assert.deepEqual(await t.state('many', 'a'), { outcomes: 3_000, events: 201 });
    await t.stop();
  });

  test('a stop lets calls under way end and begins no others; the next start continues', async () => {
    const { waiting, answer } = heldAnswers();
    const store = makeStore();
    const t = await testMill({ pipelines: [shop({ concurrency: 1 })], store, answer });
    for (const n of [1, 2]) await t.ingest('shop', { key: 'a', n });
    await until(() => waiting.length === 1);
    const stopped = t.mill.stop();
    await setImmediate();
    waiting[0]?.give(delivered);
    await stopped;
    assert.equal(waiting.length, 1);
    const next = await testMill({ pipelines: [shop()], store });
    await next.drain();
    assert.deepEqual(idsOf(next.calls), ['a 2']);
    assert.deepEqual((await toldTo(next, 'a')).toSorted(), ['delivered a 1 after 1', 'delivered a 2 after 1']);
    await next.stop();
  });

  test('a stop begins no other call during a slow look at the inbox', async () => {
    const { waiting, answer } = heldAnswers();
    const base = makeStore();
    const { inbox } = base;
    const looked = Promise.withResolvers<void>();
    const slow = inbox && withMembers(inbox, { waiting: (...asked) => looked.promise.then(() => inbox.waiting(...asked)) });
    const t = await testMill({ pipelines: [shop({ concurrency: 1 })], store: slow ? withMembers(base, { inbox: slow }) : base, answer });
    for (const n of [1, 2]) await t.ingest('shop', { key: 'a', n });
    await until(() => waiting.length === 1 && t.mill.counts().shop?.deliveries === 2);
    let isStopped = false;
    const stopped = t.mill.stop().then(() => {
      isStopped = true;
    });
    await setImmediate();
    waiting[0]?.give(delivered);
    await until(() => t.mill.counts().shop?.delivered === 1);
    // Meanwhile the other delivery is read, if anything reads at all. Without an inbox the stop waits for nothing.
    for (let read = 0; slow !== undefined && read < 10; read += 1)
      await base.dueDeliveries({ pipeline: 'shop', slice: 0 }, 'door', t.clock.now(), 1);
    looked.resolve();
    await until(() => isStopped || waiting.length === 2);
    const calls = waiting.length;
    waiting[1]?.give(delivered);
    await stopped;
    assert.equal(calls, 1);
  });

  test('a call cut off by a stop is not a failed attempt', async () => {
    const { waiting, answer } = heldAnswers();
    const store = makeStore();
    let reason: unknown;
    const t = await testMill({
      pipelines: [shop({ attempts: 1 })],
      store,
      answer(call, signal) {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
        });
        return answer(call);
      },
    });
    await t.ingest('shop', { key: 'a', n: 1 });
    await until(() => waiting.length === 1);
    await t.mill.stop({ timeoutMs: 0 });
    assert.ok(isCode('MILL_STOPPING')(reason), 'the call is told');
    const next = await testMill({ pipelines: [shop({ attempts: 1 })], store });
    await next.drain();
    assert.deepEqual(await toldTo(next, 'a'), ['delivered a 1 after 1']);
    assert.deepEqual(await next.deadLetters(), []);
    await next.stop();
  });

  test('a handler’s invalid delivery fails its turn', async () => {
    const reasons = async (payload: unknown, options: object, endpoint = 'door') => {
      const careless = pipeline('careless', {
        event: Step,
        key: ({ key }) => key,
        onGiveUp: 'skip',
        retry: { attempts: 1 },
        deliver: { door: { to: { call: failing } } },
        handle(_step, _state, turn) {
          turn.deliver(endpoint as 'door', payload, options);
        },
      });
      const t = await testMill({ pipelines: [careless], limits: { eventBytes: 100 } });
      await t.ingest('careless', { key: 'a', n: 1 });
      await t.drain();
      const letters = await t.deadLetters();
      await t.stop();
      return letters[0]?.reason;
    };
    assert.match((await reasons({}, {}, 'window')) ?? '', /expected an endpoint that pipeline careless declares \(door\), found window/);
    assert.match((await reasons(undefined, {})) ?? '', /deliver to door: payload: expected JSON, found undefined/);
    assert.match(
      (await reasons({}, { id: '' })) ?? '',
      /deliver to door: id: expected well-formed text without U\+0000, or none, found ""/,
    );
    assert.match((await reasons({}, { id: 7 })) ?? '', /deliver to door: id: expected .*, found 7/);
    assert.match(
      (await reasons({}, { url: new URL('https://example.com') })) ?? '',
      /deliver to door: url: expected .*, found an instance of URL/,
    );
    assert.match(
      (await reasons({}, { url: `https://example.com/${'x'.repeat(8_192)}` })) ?? '',
      /expected a url of at most 8192 characters/,
    );
    assert.match((await reasons({}, { id: 'x'.repeat(513) })) ?? '', /expected an id of at most 512 characters/);
    assert.match((await reasons('x'.repeat(100), {})) ?? '', /expected a payload of at most 100 bytes/);
  });

  test('a commit with an unknown result repeats no call', async () => {
    const base: Store = makeStore();
    let doubts = 0;
    const commit: CommitCall = async (work, lease) => {
      const committed = await lease.commit(work);
      if (!work.deliveries.some(({ write }) => write === 'remove') || doubts > 0) return committed;
      doubts += 1;
      throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the answer was lost');
    };
    const t = await testMill({ pipelines: [shop()], store: withCalls(base, { commit }) });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.advance(60_000);
    assert.equal(doubts, 1);
    assert.equal(t.calls.length, 1);
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 1']);
    await t.stop();
  });
});
