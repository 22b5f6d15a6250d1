import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Logger } from '../logger.ts';
import { isCode, onEveryStore } from './fixture.test.ts';

const Count = z.object({ n: z.number() });
const Named = z.object({ key: z.string(), data: z.any().optional() });

onEveryStore('promise 2: memory matches the store', ({ testMill, makeStore }) => {
  test('a handler’s changes to its state without returning it have no effect, warm or cold', async () => {
    for (const isCold of [false, true]) {
      const seen: unknown[] = [];
      const counts = pipeline('counts', {
        event: Named,
        key: ({ key }) => key,
        state: Count,
        handle(event, state) {
          seen.push(state?.n);
          if (event.data === 'return') return state;
          if (state === undefined) return { n: 1 };
          state.n += 1;
          return undefined;
        },
      });
      const t = await testMill({ pipelines: [counts] });
      for (const data of [1, 2, 3, 'return', 4]) {
        await t.ingest('counts', { key: 'a', data });
        await t.drain();
        if (isCold) await t.crash();
      }
      assert.deepEqual(seen, [undefined, 1, 1, 1, 1]);
      assert.deepEqual(await t.state('counts', 'a'), { n: 1 });
      await t.stop();
    }
  });

  test('a returned state is kept as it was then, whoever keeps a part of it', async () => {
    const kept: { n: number; inner: { list: number[] } }[] = [];
    const keeps = pipeline('keeps', {
      event: Named,
      key: ({ key }) => key,
      state: z.object({ n: z.number(), inner: z.object({ list: z.array(z.number()) }) }),
      handle(_event, state) {
        for (const one of kept) {
          one.n = -1;
          one.inner.list.push(-1);
        }
        const next = { n: (state?.n ?? 0) + 1, inner: state?.inner ?? { list: [7] } };
        kept.push(next);
        return next;
      },
    });
    const t = await testMill({ pipelines: [keeps] });
    for (let time = 0; time < 3; time += 1) await t.ingest('keeps', { key: 'a' });
    await t.drain();
    assert.deepEqual(await t.state('keeps', 'a'), { n: 3, inner: { list: [7] } });
    await t.stop();
  });

  test('sent events, payloads and timer data are kept as they were then', async () => {
    const heard: unknown[] = [];
    const rung: unknown[] = [];
    const speaker = pipeline('speaker', {
      event: Named,
      key: ({ key }) => key,
      state: Count,
      timers: {
        one: (_state, _turn, data) => void rung.push(data),
        two: (_state, _turn, data) => void rung.push(data),
      },
      deliver: { door: { to: { call: async () => ({ result: 'delivered' }) }, order: 'key' } },
      handle(_event, _state, turn) {
        const said = { key: 'b', data: { n: 0 } };
        for (const name of ['one', 'two'] as const) {
          said.data.n += 1;
          turn.send(listener, said);
          turn.deliver('door', said);
          turn.timers.set(name, { after: said.data.n, data: said });
        }
        said.data.n = 99;
        return said.data;
      },
    });
    const listener = pipeline('listener', { event: Named, key: ({ key }) => key, handle: ({ data }) => void heard.push(data) });
    const t = await testMill({ pipelines: [speaker, listener] });
    await t.ingest('speaker', { key: 'a' });
    await t.advance('1s');
    assert.deepEqual(heard, [{ n: 1 }, { n: 2 }]);
    assert.deepEqual(rung, [
      { key: 'b', data: { n: 1 } },
      { key: 'b', data: { n: 2 } },
    ]);
    assert.deepEqual(
      t.calls.map(({ body }) => body),
      ['{"key":"b","data":{"n":1}}', '{"key":"b","data":{"n":2}}'],
    );
    assert.deepEqual(await t.state('speaker', 'a'), { n: 99 });
    await t.stop();
  });

  test('turns share nothing: neither the event, nor sent parts of it, nor the state', async () => {
    const seen: unknown[] = [];
    const keeper = pipeline('keeper', {
      event: Named,
      key: ({ key }) => key,
      state: z.object({ data: z.any() }),
      handle({ key, data }, state, turn) {
        if (state !== undefined) {
          seen.push(['keeper', structuredClone(state.data)]);
          return undefined;
        }
        for (const to of ['x', 'y']) turn.send(spoiler, { key: `${key}${to}`, data });
        return { data };
      },
    });
    const spoiler = pipeline('spoiler', {
      event: Named,
      key: ({ key }) => key,
      handle({ key, data }) {
        seen.push([key, structuredClone(data)]);
        data.list.push('spoilt');
        data.more = true;
      },
    });
    const t = await testMill({ pipelines: [keeper, spoiler] });
    const given = { key: 'a', data: { list: ['whole'] } };
    await t.ingest('keeper', given);
    await t.drain();
    await t.ingest('keeper', { key: 'a' });
    await t.drain();
    const whole = { list: ['whole'] };
    assert.deepEqual(
      new Map(seen as [string, unknown][]),
      new Map([
        ['ax', whole],
        ['ay', whole],
        ['keeper', whole],
      ]),
    );
    assert.deepEqual(given, { key: 'a', data: whole });
    await t.stop();
  });

  test('an event is the same on every attempt, whatever its handler and its caller do to it', async () => {
    const seen: unknown[] = [];
    const spoils = pipeline('spoils', {
      event: Named.extend({ list: z.array(z.any()) }),
      key: (event) => event.key,
      retry: { attempts: 3, backoff: 1 },
      handle(event, _state, turn) {
        seen.push(structuredClone(event));
        event.list.push('spoilt');
        if (turn.attempt < 3) throw new Error('again');
      },
    });
    const t = await testMill({ pipelines: [spoils] });
    const given: { key: string; list: unknown[] } = { key: 'a', list: [-0, { none: undefined }] };
    const taken = t.ingest('spoils', given);
    given.list.push('later');
    await taken;
    await t.advance('1s');
    assert.equal(seen.length, 3);
    for (const event of seen) assert.deepStrictEqual(event, { key: 'a', list: [0, {}] });
    await t.stop();
  });

  test('changes made to an event by key, id and number are part of it, on every attempt', async () => {
    const seen: unknown[] = [];
    const meddles = pipeline('meddles', {
      event: Named,
      key(event) {
        event.key = event.key.trim();
        return event.key;
      },
      retry: { attempts: 2, backoff: 1 },
      handle(event, _state, turn) {
        seen.push(event.key);
        if (turn.attempt === 1) throw new Error('again');
      },
    });
    const t = await testMill({ pipelines: [meddles] });
    await t.ingest('meddles', { key: ' a ' });
    await t.advance('1s');
    assert.deepEqual(seen, ['a', 'a']);
    await t.stop();
  });

  test('a state is checked by its schema when returned: by events, timers, outcomes', async () => {
    const bank = pipeline('bank', {
      event: z.object({ key: z.string(), by: z.number(), via: z.enum(['event', 'timer', 'outcome', 'later']) }),
      key: ({ key }) => key,
      state: z.object({ balance: z.number().min(0), note: z.string().default('none') }),
      onGiveUp: 'skip',
      retry: { attempts: 1 },
      timers: { pay: (state, _turn, by) => ({ balance: (state?.balance ?? 0) + Number(by), note: '' }) },
      deliver: {
        door: {
          to: { call: async () => ({ result: 'delivered' }) },
          outcome: (state) => ({ balance: (state?.balance ?? 0) - 5, note: '' }),
        },
      },
      handle({ by, via }, state, turn) {
        if (via === 'timer') turn.timers.set('pay', { after: 0, data: by });
        else if (via === 'outcome') turn.deliver('door', {});
        else if (via === 'later') return Promise.resolve({ balance: by, note: '' });
        else return { balance: (state?.balance ?? 0) + by } as { balance: number; note: string };
        return undefined;
      },
    });
    const t = await testMill({ pipelines: [bank] });
    await t.ingest('bank', { key: 'a', by: 3, via: 'event' });
    for (const via of ['event', 'timer', 'outcome', 'later'] as const) await t.ingest('bank', { key: 'a', by: -5, via });
    await t.advance('1s');
    assert.deepEqual(await t.state('bank', 'a'), { balance: 3, note: 'none' });
    const reasons = (await t.deadLetters()).map(({ reason }) => reason);
    assert.equal(reasons.length, 4);
    for (const reason of reasons) assert.match(reason, /next state: balance: Too small/);
    await t.stop();
  });

  test('a state stored under another shape is checked when read, and one line says so', async () => {
    const declared = (state: z.ZodType<object>) =>
      pipeline('orders', {
        event: Named,
        key: ({ key }) => key,
        state: state as never,
        onGiveUp: 'skip',
        retry: { attempts: 1 },
        handle: ({ data }) => data,
      });
    const store = makeStore();
    const before = await testMill({ pipelines: [declared(z.object({ n: z.number() }))], store });
    for (const key of ['a', 'b']) await before.ingest('orders', { key, data: { n: 1 } });
    await before.drain();
    await before.stop();

    const lines: unknown[] = [];
    const log: Logger = { debug() {}, info() {}, warn: (fields, message) => lines.push([fields, message]), error() {}, child: () => log };
    const stricter = declared(z.object({ n: z.number(), note: z.string() }));
    const during = await testMill({ pipelines: [stricter], store, log });
    assert.deepEqual(lines, [
      [{ pipeline: 'orders', version: 1 }, 'states may have been stored under an earlier schema: each one is checked when read'],
    ]);
    await assert.rejects(during.state('orders', 'a'), isCode('MILL_INVALID_STATE'));
    await during.ingest('orders', { key: 'a', data: { n: 2, note: '' } });
    await during.drain();
    const [letter] = await during.deadLetters();
    assert.match(letter?.reason ?? '', /stored under another shape of version 1: note: .*Raise the version and provide an upgrade/);
    await during.ingest('orders', { key: 'c', data: { n: 3, note: 'new' } });
    await during.drain();
    await during.stop();

    const lenient = declared(z.object({ n: z.number(), note: z.string().default('none') }));
    const after = await testMill({ pipelines: [lenient], store });
    assert.deepEqual(await after.state('orders', 'b'), { n: 1, note: 'none' });
    assert.deepEqual(await after.state('orders', 'c'), { n: 3, note: 'new' });
    await after.stop();
  });

  test('a state with an incomparable schema is checked on every read', async () => {
    const odd = (accepts: (value: unknown) => boolean) => ({
      '~standard': {
        version: 1 as const,
        vendor: 'own',
        validate: (value: unknown) => (accepts(value) ? { value: value as { n: number } } : { issues: [{ message: 'odd' }] }),
      },
    });
    const declared = (accepts: (value: unknown) => boolean) =>
      pipeline('orders', { event: Named, key: ({ key }) => key, state: odd(accepts), handle: ({ data }) => data });
    const store = makeStore();
    const before = await testMill({ pipelines: [declared(() => true)], store });
    await before.ingest('orders', { key: 'a', data: { n: 1 } });
    await before.drain();
    await before.stop();
    const after = await testMill({ pipelines: [declared(() => false)], store });
    await assert.rejects(after.state('orders', 'a'), /another shape of version 1: odd/);
    await after.stop();
  });

  test('any value with a then method is awaited', async () => {
    const done: string[] = [];
    const later = (what: string, value?: unknown) => ({
      // biome-ignore lint/suspicious/noThenProperty: some libraries return such objects instead of promises
      then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
        done.push(what);
        if (value instanceof Error) reject(value);
        else resolve(value);
      },
    });
    const schema = {
      '~standard': { version: 1 as const, vendor: 'own', validate: (value: unknown) => later('schema', { value }) as never },
    };
    const patient = pipeline('patient', {
      event: schema,
      key: (event) => (event as { key: string }).key,
      state: Count,
      onGiveUp: 'skip',
      retry: { attempts: 1 },
      timers: { ring: (() => later('timer', { n: 2 })) as never },
      handle: ((event: { key: string }, _state: unknown, turn: { timers: { set(name: string, due: object): void } }) => {
        turn.timers.set('ring', { after: 1 });
        return later('handler', event.key === 'bad' ? new Error('refused later') : { n: 1 });
      }) as never,
    });
    const t = await testMill({ pipelines: [patient] });
    for (const key of ['a', 'bad']) await t.ingest('patient', { key });
    await t.drain();
    assert.deepEqual(await t.state('patient', 'a'), { n: 1 });
    await t.advance(1);
    assert.deepEqual(await t.state('patient', 'a'), { n: 2 });
    assert.deepEqual(done, ['schema', 'schema', 'handler', 'handler', 'timer']);
    assert.deepEqual(
      (await t.deadLetters()).map(({ key, reason }) => ({ key, reason })),
      [{ key: 'bad', reason: 'refused later' }],
    );
    await t.stop();
  });
});
