import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type RawBuilder, sql } from 'kysely';
import * as z from 'zod';
import { until } from '../../../test/until.ts';
import { describeFound } from '../../describe-found.ts';
import { MillraceError } from '../../errors.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';
import { tableSource } from '../../sources/table-source.ts';
import { memory } from '../../store/memory/memory-store.ts';
import { sqlite } from '../../store/sqlite/sqlite-store.ts';
import type { Store } from '../../store/store.ts';
import { testMill } from '../../testing/test-mill.ts';
import { failing, onEveryStore, withCalls } from '../promises/fixture.test.ts';
import { add, counts, done, type JobsOptions, jobs, jobsPipeline, letterOf, letters, originOf } from './jobs.fixture.test.ts';

onEveryStore('rows of pipelines of every kind', ({ testMill }) => {
  test('rows whose events are their own keys', async () => {
    const { pipelines, world } = jobsPipeline({ isKeyless: true });
    const t = await testMill({ pipelines });
    await add(t, 'long', 'fail', 'throw', 'good', 'good');
    await t.advance('3m');
    assert.deepEqual(await done(t), [4, 5]);
    assert.equal(counts(t).deadLetters, 3);
    world.isMended = true;
    for (const id of [1, 2, 3]) await t.mill.redrive((await letterOf(t, id)).id);
    await t.advance('3m');
    assert.deepEqual([await done(t), counts(t).deadLetters], [[1, 2, 3, 4, 5], 0]);
    await t.stop();
  });

  test('a row whose event is a duplicate by its id is skipped, and does not hold up later rows', async () => {
    const { pipelines, seen } = jobsPipeline({ pipeline: { id: ({ id }) => `job ${id}` } });
    const t = await testMill({ pipelines });
    for (const id of [1, 2, 3]) await t.ingest('work', { id, key: 'k', what: 'good' });
    await t.drain();
    await add(t, 'good', 'good', 'good', 'good', 'good');
    await t.advance('1m');
    assert.deepEqual(await done(t), [4, 5]);
    await t.advance('2m');
    assert.deepEqual(seen, [1, 2, 3, 4, 5]);
    assert.equal(t.mill.counts().work?.duplicates, 9, 'once in each run');
    assert.deepEqual([await letters(t), (await t.mill.schedule('work').status()).lastFailure], [[], null]);
    await t.stop();
  });

  test('rows of a numbered key wait for the missing number and pass their places on', async () => {
    const { pipelines, seen } = jobsPipeline({
      pipeline: { key: ({ key }) => key, order: { by: ({ id }) => (id > 10 ? id - 10 : id) } },
    });
    const t = await testMill({ pipelines });
    await t.ingestBatch('writer', [...[2, 3, 4].map((id) => ({ id, key: 'a' })), ...[11, 12].map((id) => ({ id, key: 'b' }))]);
    await t.advance('3m');
    assert.deepEqual(await done(t), [11, 12]);
    await t.ingest('writer', { id: 1, key: 'a' });
    await t.advance('1m');
    assert.deepEqual(seen, [11, 12, 1, 2, 3, 4]);
    await t.stop();
  });

  test('a row whose number was skipped is a dead letter', async () => {
    const { pipelines } = jobsPipeline({
      pipeline: { key: ({ key }) => key, order: { by: ({ id }) => id, gap: { skipAfter: '5m' } } },
    });
    const t = await testMill({ pipelines });
    await t.ingest('writer', { id: 2, key: 'a' });
    await t.advance('10m');
    await t.ingest('writer', { id: 1, key: 'a' });
    await t.ingest('writer', { id: 3, key: 'a' });
    await t.advance('3m');
    assert.deepEqual(await done(t), [2, 3]);
    assert.match((await letterOf(t, 1)).reason, /number 1 came after it was skipped/);
    await t.stop();
  });

  test('a row with a slow handler keeps no later row from the same run', async () => {
    const handle = ({ what }: { what: string }) => (what === 'hang' ? new Promise<void>(() => {}) : undefined);
    const { pipelines } = jobsPipeline({ pipeline: { timeout: '1s' }, handle });
    const t = await testMill({ pipelines });
    await add(t, 'hang', 'hang', 'hang', 'good', 'good');
    await t.advance('2m');
    assert.deepEqual(await done(t), [4, 5]);
    assert.equal(counts(t).deadLetters, 3);
    await t.stop();
  });

  test('a stop in the middle of a run loses no row and takes none twice', async () => {
    const waiting: (() => void)[] = [];
    let isHeld = true;
    const handle = () => (isHeld ? new Promise<void>((end) => waiting.push(end)) : undefined);
    const { seen, pipelines } = jobsPipeline({ handle, schedule: { batch: 3, concurrency: 1 } });
    const t = await testMill({ pipelines });
    await add(t, 'long', 'good', 'good', 'good');
    await t.advance('1m');
    await until(() => waiting.length === 1);
    isHeld = false;
    await t.stop();
    await t.start();
    await t.advance('2m');
    assert.deepEqual(await done(t), [2, 3, 4]);
    assert.equal((await letters(t)).length, 1);
    assert.deepEqual(seen, [2, 2, 3, 4]);
    await t.stop();
  });
});

test('a row deleted or changed between the look at the table and its turn is read as it is then', async () => {
  const waiting: (() => void)[] = [];
  const whats: string[] = [];
  const handle = ({ what }: { what: string }) => {
    whats.push(what);
    return what === 'first' ? new Promise<void>((end) => waiting.push(end)) : undefined;
  };
  const { pipelines } = jobsPipeline({ schedule: { batch: 10, concurrency: 1 }, handle });
  const t = await testMill({ pipelines });
  await add(t, 'first', 'good', 'good', 'good');
  await t.advance('1m');
  await until(() => waiting.length === 1);
  await t.ingest('writer', { id: 2, done: 1 });
  await t.ingest('writer', { id: 3, what: 'long' });
  await t.ingest('writer', { id: 4, what: 'new' });
  await until(() => t.mill.counts().writer?.depth === 0);
  waiting[0]?.();
  await t.drain();
  assert.deepEqual(whats, ['first', 'new']);
  assert.match((await letterOf(t, 3)).reason, /short word/);
  await t.stop();
});

test('a run over a table without rows has no events', async () => {
  const { pipelines, seen } = jobsPipeline();
  const t = await testMill({ pipelines });
  await t.advance('3m');
  assert.deepEqual(seen, []);
  assert.equal((await t.mill.schedule('work').status()).lastFailure, null);
  await t.stop();
});

test('an event() may be asynchronous and may throw anything', async () => {
  const odd: readonly unknown[] = [
    'a text',
    7,
    null,
    undefined,
    Object.create(null),
    Object.assign(new Error(), { message: Symbol('odd') }),
  ];
  const { pipelines } = jobsPipeline({
    source: {
      async event(job) {
        await setImmediate();
        if (job.id <= odd.length) throw odd[job.id - 1];
        return job;
      },
    },
  });
  const t = await testMill({ pipelines });
  await add(t, ...odd.map(() => 'bad'), 'good');
  await t.advance('1m');
  assert.deepEqual(await done(t), [odd.length + 1]);
  const noError = 'event: expected an Error to be thrown, found';
  assert.deepEqual(await letters(t), [
    '1: event: a text',
    `2: ${noError} 7`,
    `3: ${noError} null`,
    `4: ${noError} nothing`,
    `5: ${noError} {}`,
    `6: event: ${describeFound(Symbol('odd'))}`,
  ]);
  await t.stop();
});

test('a rows() that throws or asks for something missing is the run’s fault, not a row’s', async () => {
  let rows = (): never => failing();
  const { pipelines } = jobsPipeline({ source: { rows: (query) => (rows as unknown as (from: typeof query) => never)(query) } });
  const t = await testMill({ pipelines });
  await add(t, 'good');
  const failure = async () => {
    await t.advance('1m');
    return (await t.mill.schedule('work').status()).lastFailure;
  };
  assert.equal(await failure(), 'not today');
  rows = (() => undefined) as never;
  assert.match((await failure()) ?? '', /undefined/);
  const asking = (condition: RawBuilder<boolean>) =>
    ((query: never) => (query as never as { where(c: unknown): unknown }).where(condition)) as never;
  rows = asking(sql`no_such_column = 1`);
  assert.match((await failure()) ?? '', /no_such_column/);
  rows = ((query: { select(what: unknown): unknown }) => query.select(sql`no_such_column`.as('what'))) as never;
  assert.match((await failure()) ?? '', /no_such_column/);
  assert.deepEqual(await letters(t), []);
  await t.stop();
});

test('limit and offset in rows() have no effect; joins and distinct take each row once', async () => {
  const variants: readonly NonNullable<JobsOptions['source']>[] = [
    { rows: (query) => query.selectAll().where('done', '=', 0).orderBy('id').limit(1).offset(1) },
    { rows: (query) => query.selectAll().distinct().where('done', '=', 0).orderBy('id') },
    {
      rows: (query) =>
        query.innerJoin('jobs as other', 'other.key', 'jobs.key').selectAll('jobs').where('jobs.done', '=', 0).orderBy('jobs.id'),
    },
  ];
  for (const source of variants) {
    const { pipelines, seen } = jobsPipeline({ source });
    const t = await testMill({ pipelines });
    await add(t, 'long', 'good', 'good', 'good');
    await t.advance('1m');
    assert.deepEqual(seen, [2, 3]);
    await t.advance('1m');
    assert.deepEqual(seen, [2, 3, 4]);
    assert.equal((await letters(t)).length, 1);
    await t.stop();
  }
});

test('a primary key may have several columns, or be empty, odd, long or beyond JavaScript’s integers, and a row may be unreadable', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-rows-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const columns = { name: 'text', nth: 'integer', extra: 'json?', done: 'integer' } as const;
  const parts = table('parts', columns, { primaryKey: ['name', 'nth'], defaults: { done: 0 } });
  const assemble = pipeline('assemble', {
    event: z.object({ name: z.string(), nth: z.int() }),
    tables: { parts },
    schedule: {
      every: '1m',
      batch: 1,
      source: tableSource(parts, {
        rows: (query) => query.selectAll().select(sql<number>`abs(nth)`.as('size')).where('done', '=', 0).orderBy('done'),
        event: ({ name, nth }) => (name === 'good' ? { name, nth } : failing()),
      }),
    },
    handle: ({ name, nth }, _state, turn) => turn.update(parts, { name, nth, done: 1 }),
  });
  const file = join(folder, 'parts.db');
  const t = await testMill({ pipelines: [assemble], store: sqlite(file) });
  const database = new DatabaseSync(file);
  context.after(() => database.close());
  const long = 'é'.repeat(5_000);
  const odd: readonly (readonly [name: string, nth: number | bigint, extra: string | null])[] = [
    ['', 0, null],
    ['"; DROP TABLE parts --', -1, null],
    ['a\0b 🚀', 1, null],
    [long, 2, null],
    ['big', 9_007_199_254_740_993n, null],
    ['big', 9_007_199_254_740_992n, null],
    ['big', -9_223_372_036_854_775_808n, null],
    ['good', 3, '{'],
    ['good', 4, '[]'],
  ];
  database.exec('PRAGMA ignore_check_constraints = ON');
  for (const row of odd) database.prepare('INSERT INTO parts (name, nth, extra) VALUES (?, ?, ?)').run(...row);
  await t.advance('3m');
  assert.equal((await t.mill.schedule('assemble').status()).lastFailure, null);
  const rows = database.prepare('SELECT name, nth FROM parts WHERE done = 1').all();
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [{ name: 'good', nth: 4 }],
  );
  const letters = await t.deadLetters();
  const key = (name: string, nth: number | string) => JSON.stringify({ table: 'parts', key: { name, nth } });
  assert.deepEqual(
    letters.map(originOf).toSorted(),
    [
      ...odd.slice(0, 4).map(([name, nth]) => key(name, Number(nth))),
      key('big', '9007199254740993'),
      key('big', '9007199254740992'),
      key('big', '-9223372036854775808'),
      key('good', 3),
    ].toSorted(),
  );
  const reasonOf = (origin: string) => letters.find((letter) => originOf(letter) === origin)?.reason ?? '';
  assert.match(reasonOf(key('big', '9007199254740993')), /^row: nth: .*9007199254740993$/);
  assert.match(reasonOf(key('big', '-9223372036854775808')), /^row: .*integer overflow/);
  assert.match(reasonOf(key('good', 3)), /^row: extra: .*JSON/);
  assert.ok(letters.every((letter) => letter.key.length <= 512));
  assert.equal(letters.find((letter) => originOf(letter) === key('', 0))?.key, '["",0]');
  for (const { id } of letters) await t.mill.redrive(id);
  assert.deepEqual(await t.deadLetters(), []);
  await t.advance('1m');
  assert.equal((await t.deadLetters()).length, 8);
  await t.stop();
});

test('a row with a primary key that no handler could have written is a dead letter, and others are taken', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-rows-'));
  context.after(() => rmSync(folder, { recursive: true }));
  for (const [type, rows] of [
    ['real', '(9e999, 0), (-9e999, 0), (1.5, 0)'],
    ['text', "(cast(x'ff' as text), 0), (cast(x'eda080' as text) || 'a', 0), (char(65533), 0), ('b', 0)"],
  ] as const) {
    const parts = table('parts', { id: type, done: 'integer' }, { primaryKey: ['id'], defaults: { done: 0 } });
    const assemble = pipeline('assemble', {
      event: z.object({ id: z.union([z.string(), z.number()]) }),
      tables: { parts },
      schedule: {
        every: '1m',
        batch: 1,
        source: tableSource(parts, {
          rows: (query) => query.selectAll().where('done', '=', 0).orderBy('done'),
          event: ({ id }) => ({ id }),
        }),
      },
      handle: ({ id }, _state, turn) => turn.update(parts, { id: id as never, done: 1 }),
    });
    const file = join(folder, `${type}.db`);
    const t = await testMill({ pipelines: [assemble], store: sqlite(file) });
    const database = new DatabaseSync(file);
    database.exec(`INSERT INTO parts (id, done) VALUES ${rows}`);
    await t.advance('3m');
    const letters = await t.deadLetters();
    assert.equal(letters.length, 2);
    for (const { reason } of letters) assert.match(reason, /^row: no handler could have written the primary key/);
    assert.equal(database.prepare('SELECT count(*) AS n FROM parts WHERE done = 1').get()?.n, type === 'real' ? 1 : 2);
    database.close();
    await t.stop();
  }
});

test('a primary key may be of a type that JavaScript and SQL write differently', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-rows-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const flags = table('flags', { flag: 'boolean', done: 'integer' }, { primaryKey: ['flag'], defaults: { done: 0 } });
  const raise = pipeline('raise', {
    event: z.object({ flag: z.boolean() }),
    tables: { flags },
    schedule: {
      every: '1m',
      batch: 1,
      source: tableSource(flags, {
        rows: (query) => query.selectAll().where('done', '=', 0).orderBy('flag'),
        event: ({ flag }) => (flag ? { flag } : failing()),
      }),
    },
    handle: ({ flag }, _state, turn) => turn.update(flags, { flag, done: 1 }),
  });
  const file = join(folder, 'flags.db');
  const t = await testMill({ pipelines: [raise], store: sqlite(file) });
  const database = new DatabaseSync(file);
  context.after(() => database.close());
  database.exec('INSERT INTO flags (flag) VALUES (0), (1)');
  await t.advance('3m');
  const rows = database.prepare('SELECT flag FROM flags WHERE done = 1 ORDER BY flag').all();
  assert.deepEqual(
    rows.map(({ flag }) => flag),
    [1],
  );
  assert.deepEqual(
    (await t.deadLetters()).map((letter) => [originOf(letter), letter.key]),
    [['{"table":"flags","key":{"flag":0}}', '0']],
  );
  await t.stop();
});

test('a refused event of a custom source shows in the schedule’s status', async () => {
  const source = () => [
    { id: 1, key: 'k', what: 'a text that is too long' },
    { id: 2, key: 'k', what: 'good' },
  ];
  const { pipelines, seen } = jobsPipeline({ schedule: { source } });
  const t = await testMill({ pipelines });
  await t.advance('1m');
  const refused = 'an event was refused: pipeline work: what: expected a short word';
  assert.equal((await t.mill.schedule('work').status()).lastFailure, refused);
  assert.deepEqual([seen, await letters(t)], [[2], []]);
  await t.stop();
});

test('a custom source may pass on a table’s events, and gets events', async () => {
  const inner = tableSource(jobs, {
    rows: (query) => query.selectAll().where('done', '=', 0).orderBy('id'),
    event: ({ id, key, what }) => (what === 'throw' ? failing() : { id, key, what }),
  });
  const { pipelines, seen } = jobsPipeline({
    schedule: {
      batch: 10,
      async *source(run) {
        for await (const job of inner(run) as AsyncIterable<{ id: number; key: string; what: string }>) if (job.id !== 2) yield job;
      },
    },
  });
  const t = await testMill({ pipelines });
  await add(t, 'good', 'good', 'good', 'throw');
  await t.advance('1m');
  assert.deepEqual(seen, [1, 3]);
  assert.equal((await t.mill.schedule('work').status()).lastFailure, 'event: not today');
  await t.stop();
});

test('a run whose source fails waits for events under way', async () => {
  const waiting: (() => void)[] = [];
  const handle = () => new Promise<void>((end) => waiting.push(end));
  async function* source() {
    yield { id: 1, key: 'k', what: 'good' };
    failing();
  }
  const { pipelines } = jobsPipeline({ schedule: { source }, handle });
  const t = await testMill({ pipelines });
  await add(t, 'good');
  await t.advance('1m');
  await until(() => waiting.length === 1);
  assert.equal((await t.mill.schedule('work').status()).isAtWork, true);
  waiting[0]?.();
  await t.drain();
  const { isAtWork, lastFailure } = await t.mill.schedule('work').status();
  assert.deepEqual([isAtWork, lastFailure, await done(t)], [false, 'not today', [1]]);
  await t.stop();
});

test('a run waits for its rows’ dead letters, and its status shows one that cannot be written', async () => {
  const base = memory();
  const held: (() => void)[] = [];
  let asked = 0;
  const pendingOrigins: Store['pendingOrigins'] = async (partition, origins) => {
    asked += 1;
    // The run itself makes the first look; the second precedes the dead letter.
    if (asked === 2) await new Promise<void>((go) => held.push(go));
    if (asked === 2) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the answer was lost');
    return base.pendingOrigins(partition, origins);
  };
  const { pipelines } = jobsPipeline();
  const t = await testMill({ pipelines, store: withCalls(base, { pendingOrigins }) });
  await add(t, 'throw');
  const advanced = t.advance('1m');
  await until(() => held.length === 1);
  assert.equal((await t.mill.schedule('work').status()).isAtWork, true);
  held[0]?.();
  await advanced;
  assert.deepEqual([await letters(t), (await t.mill.schedule('work').status()).lastFailure], [[], 'the answer was lost']);
  await t.advance('1m');
  assert.deepEqual([await letters(t), (await t.mill.schedule('work').status()).lastFailure], [['1: event: not today'], null]);
  await t.stop();
});
