import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';
import type { Turn } from '../../pipeline/turn.ts';
import { failing, isCode, onEveryStore } from './fixture.test.ts';

class Money {
  readonly amount = 5;
}

const cycle: { self?: unknown } = {};
cycle.self = cycle;

const deep = (levels: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = [value];
  return value;
};

/** Values that JSON would change or lose, each with its description. */
const notJson: readonly (readonly [unknown, RegExp])[] = [
  [Number.NaN, /found NaN/],
  [Number.NEGATIVE_INFINITY, /found -Infinity/],
  [new Date(0), /an instance of Date/],
  [new Map([[1, 2]]), /an instance of Map/],
  [new Set([1]), /an instance of Set/],
  [new Uint8Array(1), /an instance of Uint8Array/],
  [new Money(), /an instance of Money/],
  [new Error('no'), /an instance of Error/],
  [7n, /a bigint/],
  [failing, /a function/],
  [Symbol('s'), /a symbol/],
  [[undefined], /\[0\]: expected JSON, found undefined/],
  // biome-ignore lint/suspicious/noSparseArray: a hole is what is tried
  [[1, , 2], /\[1\]: expected JSON, found undefined/],
  [cycle, /self: expected JSON, found an object that holds itself/],
  [deep(1_001), /more than 1000 levels/],
  [JSON.parse('{"__proto__":1}'), /a key __proto__/],
  [{ toJSON: () => 1 }, /toJSON: expected JSON, found a function/],
];

onEveryStore('promise 2: a value that the store cannot hold is its turn’s fault', ({ testMill, makeStore }) => {
  const notes = table('notes', { id: 'text', note: 'json' }, { primaryKey: ['id'] });
  type Said = (turn: Turn<'careless', unknown, { notes: typeof notes }, 'ring', 'door'>) => unknown;

  /** Returns why each of these turns failed, and checks that neither other keys nor the next start are affected. */
  async function reasonsOf(sayings: readonly Said[]): Promise<readonly string[]> {
    const careless = pipeline('careless', {
      event: z.object({ key: z.string() }),
      key: ({ key }) => key,
      state: z.any(),
      onGiveUp: 'skip',
      retry: { attempts: 2 },
      timers: { ring: () => undefined },
      deliver: { door: { to: { call: async () => ({ result: 'delivered' }) } } },
      tables: { notes },
      handle: (event, _state, turn) => sayings[Number(event.key)]?.(turn as never) ?? { handled: true },
    });
    const store = makeStore();
    const t = await testMill({ pipelines: [careless], store });
    for (const key of ['good', ...sayings.keys(), 'fine']) await t.ingest('careless', { key: String(key) });
    await t.advance('1m');
    for (const key of ['good', 'fine']) assert.deepEqual(await t.state('careless', key), { handled: true });
    await t.crash();
    await t.drain();
    for (const key of sayings.keys()) {
      assert.equal(await t.state('careless', String(key)), undefined);
      assert.deepEqual((await t.key('careless', String(key))).timers, []);
    }
    assert.deepEqual(t.mill.health(), { status: 'ok' });
    const letters = await t.deadLetters();
    await t.stop();
    assert.equal(letters.length, sayings.length);
    for (const { attempts } of letters) assert.equal(attempts, 2);
    return Array.from(sayings.keys(), (key) => letters.find((letter) => letter.key === String(key))?.reason ?? '');
  }

  /** Checks that the reason for refusing each returned value contains the expected words. */
  async function refuses(expected: readonly (readonly [Said, RegExp | string])[]): Promise<void> {
    for (const [at, reason] of (await reasonsOf(expected.map(([says]) => says))).entries()) {
      const words = expected[at]?.[1] ?? '';
      if (typeof words === 'string') assert.equal(reason, words);
      else assert.match(reason, words);
    }
  }

  test('a timer’s moment must be one that a Date can hold', async () => {
    const numbers = [1.79e18, 1e300, Number.MAX_SAFE_INTEGER, -1e300, Number.NaN, Number.POSITIVE_INFINITY, 8.64e15 + 1];
    const moments: readonly (readonly [at: unknown, shown: string])[] = [
      ...numbers.map((at) => [at, String(at)] as const),
      ['soon', '"soon"'],
      ['5', '"5"'],
      [null, 'null'],
      [[], '[]'],
      [5n, '5n'],
    ];
    await refuses(
      moments.map(([at, shown]) => [
        (turn) => turn.timers.set('ring', { at: at as number }),
        `timers.set: at: expected milliseconds since 1970 that a Date can show, found ${shown}`,
      ]),
    );
  });

  test('unknown options and wrong types from a handler are its turn’s fault', async () => {
    await refuses([
      [(turn) => turn.timers.set('ring', { afterr: 5 } as never), 'timers.set: afterr is no option; did you mean after?'],
      [(turn) => turn.timers.set('ring', { after: 5, date: 1 } as never), 'timers.set: date is no option; did you mean data?'],
      [(turn) => turn.timers.set('ring', {} as never), 'timers.set: expected either after or at, found neither'],
      [(turn) => turn.timers.set('ring', { after: undefined } as never), 'timers.set: expected either after or at, found neither'],
      [(turn) => turn.timers.set('ring', { after: 5, at: 5 }), 'timers.set: expected either after or at, found both'],
      [
        (turn) => turn.timers.set('ring', '5m' as never),
        'timers.set: expected { after: \'5m\' } or { at: milliseconds since 1970 }, found "5m"',
      ],
      [(turn) => turn.timers.set(undefined as never, { after: 5 }), /timers: expected one that .* declares \(ring\), found nothing/],
      [(turn) => turn.deliver('door', {}, null as never), 'deliver to door: expected an object of options (id, url), found null'],
      [(turn) => turn.deliver('door', {}, { ur: 'https://a.example' } as never), 'deliver to door: ur is no option; did you mean url?'],
      [(turn) => turn.deliver(undefined as never, {}), /deliver: expected an endpoint that .* declares \(door\), found nothing/],
      [(turn) => turn.send(undefined as never, {}), 'send: expected a pipeline or the name of one, found nothing'],
      [(turn) => turn.put(undefined as never, {} as never), /put: expected a table that .* declares, found nothing/],
      [(turn) => turn.add('notes' as never, {} as never), /add: expected a table that .* declares, found "notes"/],
      [(turn) => turn.put(notes, undefined as never), 'put: row: expected an object of columns, found nothing'],
      [(turn) => turn.update(notes, 5 as never), 'update: row: expected an object of columns, found 5'],
      [(turn) => turn.ignore(5 as never), 'ignore: expected a reason as text, found 5'],
    ]);
  });

  test('a timer’s delay must lead to such a moment', async () => {
    await refuses(
      [1e300, Number.MAX_SAFE_INTEGER, Number.NaN, -1, '7 dayz', '99999999y', null].map((after) => [
        (turn) => turn.timers.set('ring', { after: after as number }),
        /timers\.set: after: expected milliseconds or a duration/,
      ]),
    );
  });

  test('the very last possible moment is allowed', async () => {
    const distant = pipeline('distant', {
      event: z.object({ key: z.string(), at: z.number() }),
      key: ({ key }) => key,
      timers: { ring: () => undefined },
      handle: ({ at }, _state, turn) => turn.timers.set('ring', { at }),
    });
    const t = await testMill({ pipelines: [distant] });
    await t.ingest('distant', { key: 'a', at: 8.64e15 });
    await t.ingest('distant', { key: 'b', at: -8.64e15 });
    await t.drain();
    assert.deepEqual((await t.key('distant', 'a')).timers, [{ name: 'ring', dueAt: 8.64e15 }]);
    assert.deepEqual((await t.key('distant', 'b')).timers, []);
    assert.deepEqual(await t.deadLetters(), []);
    await t.stop();
  });

  test('a state, a timer’s data, a payload and a JSON column must be JSON', async () => {
    await refuses(
      notJson.flatMap(([value, found]): [Said, RegExp][] => [
        [() => ({ deep: [value] }), found],
        [(turn) => turn.timers.set('ring', { after: 1, data: { deep: value } }), found],
        [(turn) => turn.deliver('door', [value]), found],
        [(turn) => turn.put(notes, { id: 'a', note: { deep: value } }), found],
      ]),
    );
    await refuses([
      [() => ({ items: [{ at: new Date(0) }] }), 'next state.items[0].at: expected JSON, found an instance of Date'],
      [(turn) => turn.deliver('door', undefined), 'deliver to door: payload: expected JSON, found undefined'],
      [(turn) => turn.add(notes, { id: 'a', note: [{ at: 7n }] }), 'table notes: column note[0].at: expected JSON, found a bigint'],
    ]);
  });

  test('a sent event must be copyable, and valid for its pipeline', async () => {
    await refuses([
      [(turn) => turn.send('careless', { key: failing }), /send to careless: expected a copyable event/],
      [(turn) => turn.send('careless', { key: 'a', price: new Money() }), /send to careless: .*an instance of Money/],
      [(turn) => turn.send('careless', { key: 'a\0' }), /without U\+0000/],
      [(turn) => turn.send('nowhere' as never, {}), /expected a pipeline of this engine, found nowhere/],
    ]);
  });

  test('an id and an address must be texts that every store can hold', async () => {
    await refuses(
      ['a\0b', 'a\ud83d', '', 7, new URL('https://example.com')].flatMap((text): [Said, RegExp][] => [
        [(turn) => turn.deliver('door', {}, { id: text as string }), /deliver to door: id: expected well-formed text/],
        [(turn) => turn.deliver('door', {}, { url: text as string }), /deliver to door: url: expected well-formed text/],
      ]),
    );
  });

  test('whatever a handler throws, its reason is a text', async () => {
    const throwing = (thrown: unknown) => () => {
      throw thrown;
    };
    await refuses([
      [throwing(Object.assign(new Error('x'), { message: { code: 7 } })), '{"code":7}'],
      [throwing(new Error('x', { cause: { toJSON: failing } })), 'x'],
      [throwing(new RangeError()), 'RangeError'],
      [throwing({ code: 7 }), 'expected an Error to be thrown, found {"code":7}'],
      [throwing({ toString: failing, toJSON: failing }), 'expected an Error to be thrown, found an object'],
      [throwing(new Proxy({}, { getPrototypeOf: failing, get: failing, has: failing })), 'expected an Error to be thrown, found an object'],
      [throwing(new Proxy(new Error('x'), { get: failing })), 'an Error whose message cannot be read'],
      [throwing(Object.create(null)), 'expected an Error to be thrown, found {}'],
      [throwing(Symbol('no')), 'expected an Error to be thrown, found a symbol'],
      [throwing(undefined), 'expected an Error to be thrown, found nothing'],
      [throwing('half \ud83d of a pair and \0'), 'half \ufffd of a pair and \ufffd'],
      [throwing('x'.repeat(1_000_000)), `${'x'.repeat(3_999)}…`],
    ]);
  });
});

onEveryStore('promise 10: the door refuses what the store cannot hold', ({ testMill }) => {
  test('a key and an id must be texts that every store can hold', async () => {
    const named = pipeline('named', {
      event: z.object({ key: z.string(), id: z.string().optional() }),
      key: ({ key }) => key,
      id: ({ id }) => id,
      handle: () => undefined,
    });
    const t = await testMill({ pipelines: [named] });
    for (const text of ['\0', 'a\0b', 'a\ud83d', '\ude00', '']) {
      await assert.rejects(t.ingest('named', { key: text }), isCode('MILL_INVALID_EVENT'), JSON.stringify(text));
      await assert.rejects(t.ingest('named', { key: 'a', id: text }), isCode('MILL_INVALID_EVENT'), JSON.stringify(text));
      await assert.rejects(t.ingest('named', { key: 'a' }, { id: text }), isCode('MILL_INVALID_EVENT'), JSON.stringify(text));
    }
    await assert.rejects(
      t.ingest('named', { key: 'a\0' }),
      /key: expected well-formed text of 1 to 512 characters without U\+0000, found "a\\u0000"/,
    );
    for (const text of ['a\u0001', 'é 🚀', '\ufeff']) await t.ingest('named', { key: text, id: text });
    await t.stop();
  });

  test('a number must leave room for its successor', async () => {
    const numbered = pipeline('numbered', {
      event: z.object({ key: z.string(), n: z.number() }),
      key: ({ key }) => key,
      order: { by: ({ n }) => n, gap: { skipAfter: '1s', maxJump: Number.MAX_SAFE_INTEGER } },
      handle: () => undefined,
    });
    const t = await testMill({ pipelines: [numbered] });
    for (const n of [Number.MAX_SAFE_INTEGER, 2 ** 53, 1e300, 0, 1.5, Number.NaN])
      await assert.rejects(t.ingest('numbered', { key: 'a', n }), isCode('MILL_INVALID_EVENT'), String(n));
    await t.ingest('numbered', { key: 'a', n: Number.MAX_SAFE_INTEGER - 1 });
    await t.advance('2s');
    assert.equal((await t.key('numbered', 'a')).next, Number.MAX_SAFE_INTEGER);
    await t.crash();
    await t.drain();
    assert.equal((await t.key('numbered', 'a')).next, Number.MAX_SAFE_INTEGER);
    await t.stop();
  });

  test('an event must be JSON after its schema, and the place of anything else is named', async () => {
    const loose = pipeline('loose', { event: z.object({ items: z.array(z.any()) }), handle: () => undefined });
    const dated = pipeline('dated', { event: z.object({ at: z.coerce.date() }) as never, handle: () => undefined });
    const none = pipeline('none', { event: z.any().transform(() => undefined), handle: () => undefined });
    const t = await testMill({ pipelines: [loose, dated, none] });
    for (const [value, found] of notJson) {
      await assert.rejects(
        t.ingest('loose', { items: [value] }),
        (error: Error) => isCode('MILL_INVALID_EVENT')(error) && found.test(error.message),
      );
    }
    const issues = { issues: [{ path: 'at', message: 'expected JSON, found an instance of Date' }] };
    await assert.rejects(t.ingest('dated', { at: '2026-01-01' }), issues);
    await assert.rejects(t.ingest('none', 1), isCode('MILL_INVALID_EVENT'));
    assert.equal(t.mill.counts().loose?.received, 0);
    await t.ingest('loose', { items: [null, -0, { gone: undefined }] });
    await t.drain();
    await t.stop();
  });
});
