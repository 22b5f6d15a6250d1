import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import * as z from 'zod';
import type { Answer } from '../../pipeline/endpoint.ts';
import { type AnyPipeline, pipeline } from '../../pipeline/pipeline.ts';
import type { Store } from '../../store/store.ts';
import { recordingLogger } from '../logger.fixture.test.ts';
import { onEveryStore } from './fixture.test.ts';

/** Throws like a bug in a user's program, with a cause. */
function broken(): never {
  throw new TypeError('no such planet', { cause: new RangeError('beyond the map') });
}

const thrownHere =
  /^TypeError: no such planet\n {4}at .*broken.*failure-places\.test\.ts:\d+:\d+\)\n.*\nCaused by: RangeError: beyond the map\n {4}at .*broken/s;

const Step = z.object({ key: z.string() });
type Step = z.infer<typeof Step>;

/** A pipeline with keys and one replaced function. Everything has a single attempt. */
function fragile(replaced: object): AnyPipeline {
  return pipeline('fragile', {
    event: Step,
    key: ({ key }: Step) => key,
    retry: { attempts: 1 },
    handle: () => undefined,
    ...replaced,
  });
}

/** A library's schema that throws instead of returning issues. */
const throwing: StandardSchemaV1<Step> = { '~standard': { version: 1, vendor: 'careless', validate: broken } };

onEveryStore('promise 9: a failure shows its place', ({ testMill, makeStore }) => {
  const arms = (_event: unknown, _state: unknown, turn: { timers: { set(name: string, due: object): void } }) => {
    turn.timers.set('wake', { after: '1s' });
  };
  const delivers = (_event: unknown, _state: unknown, turn: { deliver(endpoint: string, payload: unknown): void }) => {
    turn.deliver('door', {});
  };
  const door = { to: { call: async (): Promise<Answer> => ({ result: 'delivered' }) }, retry: { attempts: 1 } };

  const kinds: Readonly<Record<string, { readonly pipeline: AnyPipeline; readonly answer?: () => Answer }>> = {
    'a handler': { pipeline: fragile({ handle: broken }) },
    'an asynchronous handler': { pipeline: fragile({ handle: async () => broken() }) },
    'a timer': { pipeline: fragile({ handle: arms, timers: { wake: broken } }) },
    'an asynchronous timer': { pipeline: fragile({ handle: arms, timers: { wake: async () => broken() } }) },
    'an outcome': { pipeline: fragile({ handle: delivers, deliver: { door: { ...door, outcome: broken } } }) },
    'a transport': { pipeline: fragile({ handle: delivers, deliver: { door } }), answer: broken },
    'an answer with its cause': {
      pipeline: fragile({ handle: delivers, deliver: { door } }),
      answer: () => ({ result: 'unknown', reason: 'the judge failed', cause: thrownBy(broken) }),
    },
    'a state schema': { pipeline: fragile({ state: throwing, handle: ({ key }: Step) => ({ key }) }) },
    'the key() of a pipeline it sends to': {
      pipeline: fragile({
        handle: (_event: unknown, _state: unknown, turn: { send(to: string, event: unknown): void }) => turn.send('keyed', { key: 'a' }),
      }),
    },
  };
  const keyed = pipeline('keyed', { event: Step, key: broken, handle: () => undefined });

  for (const [kind, { pipeline: failing, answer }] of Object.entries(kinds)) {
    test(`${kind}: the dead letter and the log have the stack and the causes`, async () => {
      const { log, lines } = recordingLogger();
      const t = await testMill({ pipelines: [failing, keyed], log, ...(answer && { answer }) });
      await t.ingest('fragile', { key: 'a' });
      await t.advance('1m');
      const [letter, ...more] = await t.deadLetters('fragile');
      assert.deepEqual(more, []);
      const { stack } = letter ?? {};
      assert.match(stack?.replace(/^MillraceError: pipeline keyed: key\(\) failed.*?Caused by: /s, '') ?? '', thrownHere);
      const [line, ...others] = lines.filter(({ level }) => level === 'error');
      assert.deepEqual(others, []);
      assert.equal(line?.fields.stack, stack);
      assert.equal(line?.fields.pipeline, 'fragile');
      assert.equal(line?.fields.key, 'a');
      await t.stop();
    });
  }

  test('an upgrade of states: the dead letter has the stack', async () => {
    const counting = (state: object) => fragile({ state, handle: () => ({ n: 1 }) });
    const store = makeStore();
    const first = await testMill({ pipelines: [counting(z.object({ n: z.int() }))], store });
    await first.ingest('fragile', { key: 'a' });
    await first.drain();
    await first.stop();
    const second = await testMill({ pipelines: [counting({ schema: z.object({ n: z.int() }), version: 2, upgrade: broken })], store });
    await second.ingest('fragile', { key: 'a' });
    await second.drain();
    assert.match((await second.deadLetters())[0]?.stack ?? '', thrownHere);
    await second.stop();
  });

  test('every failed attempt is logged with its stack, not only the last one', async () => {
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: [fragile({ handle: broken, retry: { attempts: 3 } })], log });
    await t.ingest('fragile', { key: 'a' });
    await t.advance('1m');
    assert.deepEqual(
      lines.filter(({ fields }) => thrownHere.test(String(fields.stack))).map(({ level, message }) => [level, message]),
      [
        ['warn', 'attempt failed'],
        ['warn', 'attempt failed'],
        ['error', 'gave up, event skipped'],
      ],
    );
    await t.stop();
  });

  test('a dead letter without a thrown error has no stack', async () => {
    const refused = fragile({ handle: delivers, deliver: { door } });
    const numbered = pipeline('numbered', {
      event: z.object({ key: z.string(), n: z.int() }),
      key: ({ key }) => key,
      order: { by: ({ n }) => n, gap: { skipAfter: '1m' } },
      handle: () => undefined,
    });
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: [refused, numbered], log, answer: () => ({ result: 'refused', reason: 'status 410' }) });
    await t.ingest('fragile', { key: 'a' });
    await t.ingest('numbered', { key: 'a', n: 2 });
    await t.advance('2m');
    assert.deepEqual(
      (await t.deadLetters()).map(({ stack }) => stack),
      [null, null],
    );
    assert.deepEqual(
      lines.filter(({ fields }) => 'stack' in fields),
      [],
    );
    await t.stop();
  });

  test('anything thrown ends as a dead letter, and the engine continues', async () => {
    const refuse = () => {
      throw new Error('read');
    };
    const odd: readonly unknown[] = [
      'a text',
      undefined,
      { code: 7, nested: { far: true } },
      new Proxy(new Error('x'), { get: refuse, getPrototypeOf: refuse, has: refuse }),
      Object.defineProperty(new Error('x'), 'stack', { get: refuse }),
      Promise.resolve(),
    ];
    let at = 0;
    const handle = () => {
      throw odd[at];
    };
    for (const kind of [{ handle }, { handle: async () => handle() }]) {
      const t = await testMill({ pipelines: [fragile({ ...kind, onGiveUp: 'skip' })] });
      for (at = 0; at < odd.length; at += 1) {
        await t.ingest('fragile', { key: 'a' });
        await t.drain();
      }
      const letters = await t.deadLetters();
      assert.equal(letters.length, odd.length);
      for (const { reason, stack } of letters) assert.ok(reason !== '' && typeof stack === 'string');
      assert.match(letters[2]?.stack ?? '', /^\{"code":7,"nested":\{"far":true\}\}/);
      assert.deepEqual(t.mill.health(), { status: 'ok' });
      await t.stop();
    }
  });

  test('a logger that throws or rejects fails no turn', async () => {
    for (const fail of [broken, async () => broken()]) {
      const log = { debug: fail, info: fail, warn: fail, error: fail, child: () => log };
      for (const child of [() => log, broken]) {
        const warned = Promise.withResolvers<string>();
        process.once('warning', ({ message }) => warned.resolve(message));
        const handle = (_event: unknown, _state: unknown, turn: { log: { info(message: string): void }; attempt: number }) => {
          turn.log.info('begun');
          if (turn.attempt === 1) broken();
        };
        const t = await testMill({ pipelines: [fragile({ handle, retry: { attempts: 2 } })], log: { ...log, child } });
        await t.ingest('fragile', { key: 'a' });
        await t.advance('1m');
        assert.equal(t.mill.counts().fragile?.processed, 1);
        assert.deepEqual(await t.deadLetters(), []);
        assert.match(await warned.promise, /^the engine's logger failed, and lines are missing: TypeError: no such planet/);
        await t.stop();
      }
    }
  });

  test('tracing that throws fails no turn, commit or call, and leaks no room in the backlog', async () => {
    const span = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', run: <T>(work: () => T) => work(), end() {} };
    const kindsOfTracing = [
      { start: broken },
      { start: () => ({ ...span, run: broken }) },
      { start: () => ({ ...span, end: broken }) },
      { start: () => ({ ...span, traceparent: 'nonsense' }) },
      { start: () => undefined as never },
      {
        start: () => ({
          ...span,
          run<T>(work: () => T) {
            work();
            return work();
          },
        }),
      },
    ];
    for (const tracing of kindsOfTracing) {
      let handled = 0;
      const handle = () => {
        handled += 1;
      };
      const { log, lines } = recordingLogger();
      const t = await testMill({ pipelines: [fragile({ handle })], tracing, log, limits: { backlog: 2 } });
      for (let n = 1; n <= 5; n += 1) {
        await t.ingest('fragile', { key: 'a' });
        await t.drain();
      }
      assert.equal(handled, 5);
      assert.equal(t.mill.counts().fragile?.processed, 5);
      const isLast = tracing === kindsOfTracing.at(-1);
      assert.equal(lines.filter(({ message }) => message === 'tracing failed, and spans are missing').length, isLast ? 0 : 1);
      await t.stop();
    }
  });

  test('an error of the handler stays its own, whether or not its span fails', async () => {
    const span = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', end() {} };
    const runs = [
      <T>(work: () => T) => work(),
      broken,
      <T>(work: () => T) => {
        work();
        return broken();
      },
    ];
    for (const run of runs) {
      const handle = () => {
        throw new RangeError('its own');
      };
      const t = await testMill({ pipelines: [fragile({ handle })], tracing: { start: () => ({ ...span, run }) } });
      await t.ingest('fragile', { key: 'a' });
      await t.drain();
      assert.equal((await t.deadLetters())[0]?.reason, 'its own');
      await t.stop();
    }
  });
});

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (thrown) {
    return thrown;
  }
}

onEveryStore('promise 9: a failure of the engine itself shows its place', ({ testMill, makeStore }) => {
  test('failing retention is logged with its stack', async () => {
    const store = makeStore();
    const { log, lines } = recordingLogger();
    const failing: Store = new Proxy(store, {
      get(target, name) {
        if (name === 'prune') return async () => broken();
        const member = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    const t = await testMill({ pipelines: [fragile({})], store: failing, log });
    await t.advance('1m');
    const line = lines.find(({ message }) => message === 'retention failed');
    assert.match(String(line?.fields.stack), thrownHere);
    await t.stop();
  });
});
