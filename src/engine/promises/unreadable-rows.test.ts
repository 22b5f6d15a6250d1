import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';
import { unreadableColumns } from '../../pipeline/unreadable.ts';
import { commitOf, put } from '../../store/contract/fixtures.ts';
import type { RowWrite, Store } from '../../store/store.ts';
import { type Logger, silentLogger } from '../logger.ts';
import { onEveryStore } from './fixture.test.ts';

const things = table(
  'things',
  { id: 'text', n: 'integer', speed: 'real?', ready: 'boolean?', body: 'json?', note: 'text?' },
  { primaryKey: ['id'] },
);
const Put = z.object({ id: z.string(), row: z.record(z.string(), z.unknown()).optional() });

function putting(attempt: (id: string) => object) {
  return pipeline('things', {
    event: Put,
    key: ({ id }) => id,
    tables: { things },
    onGiveUp: 'skip',
    retry: { attempts: 1, backoff: '1s' },
    handle: ({ id }, _state, turn) => turn.put(things, attempt(id) as never),
  });
}

/** Writes rows behind the engine's back, as somebody's SQL would. */
async function spoil(store: Store, rows: RowWrite['rows']): Promise<void> {
  await store.open({ pipelines: [{ name: 'things', numbered: false }], tables: [things] });
  const partition = { pipeline: 'things', slice: 0 };
  const lease = await store.claim(partition);
  await lease.commit(commitOf({ cursor: lease.standing.cursor, rows: [put('things', ...rows)] }));
  await store.close();
}

/** Possible values in a column of booleans: only a database with a boolean type excludes the others. */
const oddBooleanIn = ({ kind }: Store) => (kind === 'postgres' ? 1 : 7);
/** The same for a text with U+0000. */
const oddTextIn = ({ kind }: Store) => (kind === 'postgres' ? 'a\u0001' : 'a\u0000');

/** True if a column of numbers can hold an infinity, which most of these rows have. MySQL has none; other unreadable values are the same everywhere. */
const hasInfinity = ({ kind }: Store) => kind !== 'mysql';

const beyond = 2 ** 53 + 2;
const integers = 'an integer from -9007199254740991 to 9007199254740991';

onEveryStore('promise 9: a row spoiled by SQL affects nothing else', ({ testMill, makeStore }) => {
  test('a query returns every row, with a placeholder for anything unreadable, and marks the row', async () => {
    const store = makeStore();
    if (!hasInfinity(store)) return;
    const infinite = Number.NEGATIVE_INFINITY;
    await spoil(store, [
      ['a', beyond, infinite, oddBooleanIn(store), '{"id":1405478888888888901}', 'x'],
      ['b', 1, 0.5, 1, '[]', null],
    ]);
    const t = await testMill({ store, pipelines: [putting((id) => ({ id, n: 1 }))] });
    const [spoiled, fine] = await t.mill.query(things).selectAll().orderBy('id').execute();
    assert.deepEqual(fine, { id: 'b', n: 1, speed: 0.5, ready: true, body: [], note: null });
    assert.deepEqual(unreadableColumns(fine), []);
    const body = { id: Number(1405478888888888901n) };
    assert.deepEqual(spoiled, { id: 'a', n: beyond, speed: -Number.MAX_VALUE, ready: true, body, note: 'x' });
    assert.deepEqual(unreadableColumns(spoiled), [
      { column: 'n', message: `expected ${integers}, found 9007199254740994` },
      { column: 'speed', message: 'expected a finite number, found -Infinity' },
      ...(oddBooleanIn(store) === 7 ? [{ column: 'ready', message: 'expected 0 or 1, found 7' }] : []),
      { column: 'body', message: 'expected JSON with numbers that JavaScript can hold, found 1405478888888888901' },
    ]);
    await t.stop();
  });

  test('aggregates, aliases and joins report a rounded number, and leave null and other types alone', async () => {
    const store = makeStore();
    if (!hasInfinity(store)) return;
    await spoil(store, [
      ['a', beyond, Number.POSITIVE_INFINITY, 0, '"x"', null],
      ['b', 1, null, null, null, null],
    ]);
    const t = await testMill({ store, pipelines: [putting((id) => ({ id, n: 1 }))] });
    const query = () => t.mill.query(things);
    const aggregates = await query()
      .select(({ fn }) => [fn.max('n').as('most'), fn.max('n').as('n'), fn.sum<number>('n').as('sum'), fn.countAll<number>().as('count')])
      .execute();
    assert.deepEqual(aggregates, [{ most: beyond, n: beyond, sum: Number(BigInt(beyond) + 1n), count: 2 }]);
    assert.deepEqual(
      unreadableColumns(aggregates[0]).map(({ column, message }) => `${column}: ${message}`),
      ['most: expected', 'n: expected', 'sum: expected'].map(
        (begin, at) => `${begin} ${integers}, found ${at === 2 ? 9007199254740995n : beyond}`,
      ),
    );
    const aliased = await query()
      .select(['n as number', 'body as content', 'ready as done', 'speed as pace'])
      .where('id', '=', 'a')
      .execute();
    assert.deepEqual(aliased, [{ number: beyond, content: 'x', done: false, pace: Number.MAX_VALUE }]);
    assert.deepEqual(
      unreadableColumns(aliased[0]).map(({ column }) => column),
      ['number', 'pace'],
    );
    const computed = await query()
      .select([sql<number>`length(id)`.as('id'), sql`NULL`.as('n')])
      .where('id', '=', 'b')
      .execute();
    assert.deepEqual([computed, unreadableColumns(computed[0])], [[{ id: 1, n: null }], []]);
    const joined = await query()
      .leftJoin('things as other', (join) => join.onRef('other.n', '>', 'things.n'))
      .select(['things.id as id', 'other.n as n', 'other.id as note'])
      .orderBy('things.id')
      .execute();
    assert.deepEqual(joined, [
      { id: 'a', n: null, note: null },
      { id: 'b', n: beyond, note: 'a' },
    ]);
    assert.deepEqual(
      joined.map((row) => unreadableColumns(row).map(({ column }) => column)),
      [[], ['n']],
    );
    await t.stop();
  });

  test('an operator is told once about each such row, by table, primary key and column', async () => {
    const lines: object[] = [];
    const log: Logger = { ...silentLogger, warn: (fields) => lines.push(fields), child: () => log };
    const store = makeStore();
    if (!hasInfinity(store)) return;
    await spoil(store, [
      ['a', beyond, null, oddBooleanIn(store), null, null],
      ['b', beyond, null, null, null, null],
    ]);
    const t = await testMill({ store, log, pipelines: [putting((id) => ({ id, n: 1 }))] });
    for (let time = 0; time < 3; time += 1) await t.mill.query(things).selectAll().orderBy('id').execute();
    const n = { column: 'n', message: `expected ${integers}, found 9007199254740994` };
    const ready = oddBooleanIn(store) === 7 ? [{ column: 'ready', message: 'expected 0 or 1, found 7' }] : [];
    assert.deepEqual(lines, [
      { table: 'things', primaryKey: { id: 'a' }, columns: [n, ...ready] },
      { table: 'things', primaryKey: { id: 'b' }, columns: [n] },
    ]);
    for (let time = 0; time < 3; time += 1) await t.mill.query(things).select('n').execute();
    assert.deepEqual(lines.slice(2), [{ table: 'things', primaryKey: {}, columns: [n] }]);
    await t.stop();
  });

  test('only the first thousand of many such rows are logged', async () => {
    const warned: number[] = [];
    const log: Logger = { ...silentLogger, warn: () => warned.push(1), child: () => log };
    const store = makeStore();
    await spoil(
      store,
      Array.from({ length: 1_005 }, (_, at) => [`row ${at}`, beyond, null, null, null, null]),
    );
    const t = await testMill({ store, log, pipelines: [putting((id) => ({ id, n: 1 }))] });
    for (let time = 0; time < 2; time += 1) assert.equal((await t.mill.query(things).selectAll().execute()).length, 1_005);
    assert.equal(warned.length, 1_001);
    await t.stop();
  });

  test('a row that no column can hold is refused when the handler writes it: its turn alone is at fault', async () => {
    const rows: Readonly<Record<string, object>> = {
      far: { n: beyond },
      fraction: { n: 1.5 },
      infinite: { speed: Number.POSITIVE_INFINITY },
      half: { note: 'a\ud83d' },
      nul: { note: 'a\u0000' },
      fine: { n: 2 },
    };
    const t = await testMill({ store: makeStore(), pipelines: [putting((id) => ({ id, n: 1, ...rows[id] }))] });
    for (const id of Object.keys(rows)) await t.ingest('things', { id });
    await t.drain();
    assert.deepEqual(
      (await t.rows(things)).map(({ id }) => id),
      ['fine'],
    );
    const letters = Object.fromEntries((await t.deadLetters()).map(({ key, reason }) => [key, reason]));
    assert.match(letters.far ?? '', /table things: column n: expected integer .*found 9007199254740994/);
    assert.match(letters.half ?? '', /table things: column note: expected text.*found "a\\ud83d"/);
    assert.deepEqual(Object.keys(letters).sort(), ['far', 'fraction', 'half', 'infinite', 'nul']);
    await t.stop();
  });

  test('two keys that differ by half of a surrogate pair never become the same row', async () => {
    const halves: Readonly<Record<string, string>> = { one: 'a\ud83d', other: 'a\ud83e' };
    const t = await testMill({ store: makeStore(), pipelines: [putting((id) => ({ id: halves[id], n: 1 }))] });
    for (const id of Object.keys(halves)) await t.ingest('things', { id });
    await t.drain();
    assert.deepEqual([await t.rows(things), (await t.deadLetters()).length], [[], 2]);
    await t.stop();
  });

  test('a query accepts only parameters that a row can be compared with', async () => {
    const store = makeStore();
    if (!hasInfinity(store)) return;
    const odd = oddTextIn(store);
    await spoil(store, [
      [odd, beyond, Number.POSITIVE_INFINITY, null, null, null],
      ['a\ufffd', 1, null, null, null, null],
    ]);
    const t = await testMill({ store, pipelines: [putting((id) => ({ id, n: 1 }))] });
    const found = async (column: 'id' | 'n' | 'speed', value: unknown) =>
      (
        await t.mill
          .query(things)
          .select('id')
          .where(column, '=', value as never)
          .execute()
      ).map(({ id }) => id);
    assert.deepEqual(await found('n', BigInt(beyond)), [odd]);
    assert.deepEqual(await found('n', 1n), ['a\ufffd']);
    assert.deepEqual(await found('speed', Number.POSITIVE_INFINITY), [odd]);
    assert.deepEqual(await found('id', odd), [odd]);
    assert.deepEqual(await found('id', new Uint8Array([97])), []);
    for (const value of [Number.NaN, 'a\ud83d', undefined, {}, Symbol('x'), 2n ** 63n]) {
      await assert.rejects(found('id', value), { code: 'MILL_INVALID_REQUEST' }, String(value));
    }
    await t.stop();
  });
});
