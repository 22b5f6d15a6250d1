import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import { timeBounds, timeOrder, toRfc3339 } from './moment.ts';

/** Returns texts of moments in the order in which the database sorts them. */
function sorted(context: TestContext, texts: readonly string[]) {
  const compiler = new Kysely<Record<string, never>>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (kysely) => new SqliteIntrospector(kysely),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
  const database = new DatabaseSync(':memory:');
  context.after(() => database.close());
  database.exec('CREATE TABLE messages (created_at TEXT)');
  for (const text of texts) database.prepare('INSERT INTO messages VALUES (?)').run(text);
  const order = timeOrder('created_at').compile(compiler).sql;
  const rows = database.prepare(`SELECT created_at, ${order} AS time FROM messages ORDER BY time`).all();
  return rows.map(({ created_at, time }) => ({ text: String(created_at), time: String(time) }));
}

/** In chronological order. */
const moments = [
  '2026-11-20T23:59:59.999Z',
  '2026-11-21',
  '2026-11-21 09:59:59',
  '2026-11-21T10:00:00',
  '2026-11-21T10:00:00.001Z',
  '2026-11-21 10:00:00.25',
  '2026-11-21T10:00:00.500Z',
  '2026-11-21T10:00:01Z',
  '2026-11-21 10:00:02+00:00',
];

test('moments are in chronological order, written by a program or by SQL', (context) => {
  assert.deepEqual(
    sorted(context, moments.toReversed()).map(({ text }) => text),
    moments,
  );
});

test('a bound applies to every form of its moment', (context) => {
  const same = ['2026-11-21 10:00:00', '2026-11-21T10:00:00Z', '2026-11-21T10:00:00.000Z', '2026-11-21 10:00:00+00:00'];
  const { first, last } = timeBounds('2026-11-21T10:00:00.000Z');
  for (const { time } of sorted(context, same)) assert.ok(first <= time && time <= last, time);
  for (const { time } of sorted(context, moments.slice(0, 3))) assert.ok(time < first, time);
  for (const { time } of sorted(context, moments.slice(4))) assert.ok(time > last, time);
  const half = timeBounds('2026-11-21T10:00:00.500Z');
  for (const { time } of sorted(context, ['2026-11-21 10:00:00.5', '2026-11-21T10:00:00.500Z'])) {
    assert.ok(half.first <= time && time <= half.last, time);
  }
});

test('a moment is returned as RFC 3339, and anything else unchanged', () => {
  for (const [text, answer] of [
    ['2026-11-21 10:00:00', '2026-11-21T10:00:00.000Z'],
    ['2026-11-21T10:00:00Z', '2026-11-21T10:00:00.000Z'],
    ['2026-11-21T10:00:00.25', '2026-11-21T10:00:00.250Z'],
    ['2026-11-21 13:00:00+03:00', '2026-11-21T10:00:00.000Z'],
    ['2026-11-21 13:00:00.123456 +0300', '2026-11-21T10:00:00.123Z'],
    ['2026-11-21 10:00', '2026-11-21T10:00:00.000Z'],
    ['2026-11-21', '2026-11-21T00:00:00.000Z'],
    ['2026-13-45 10:00:00', '2026-13-45 10:00:00'],
    ['yesterday', 'yesterday'],
  ] as const) {
    assert.equal(toRfc3339(text), answer);
  }
});
