import assert from 'node:assert/strict';
import { type Columns, type Table, table } from '../../pipeline/table.ts';
import type { Store, StoreDeclaration } from '../store.ts';
import { add, declaration, own, put, refusal, rowsOf, type StoreTest, type Subject } from './fixtures.ts';

const readings = table('readings', { id: 'text', value: 'integer' }, { primaryKey: ['id'], indexes: [['value']] });

/** Tests declared tables, created and migrated when the store opens. */
export function migrationContract(it: StoreTest): void {
  it('a new table is created, with its key', async (subject) => {
    const store = await subject.reopen(withTables(readings));
    await write(store, subject, ['a', 1], ['a', 2]);
    assert.deepEqual(await rowsOf(store, 'readings', 'id'), [{ id: 'a', value: 2 }]);
  });

  it('the same declaration finds its rows again', async (subject) => {
    await write(await subject.reopen(withTables(readings)), subject, ['a', 1]);
    assert.deepEqual(await rowsOf(await subject.reopen(withTables(readings)), 'readings', 'id'), [{ id: 'a', value: 1 }]);
  });

  it('a table that is no longer declared keeps its rows', async (subject) => {
    await write(await subject.reopen(withTables(readings)), subject, ['a', 1]);
    assert.equal((await rowsOf(await subject.reopen(), 'readings', 'id')).length, 1);
    assert.equal((await rowsOf(await subject.reopen(withTables(readings)), 'readings', 'id')).length, 1);
  });

  it('new nullable columns are null in old rows, wherever the declaration puts them', async (subject) => {
    await write(await subject.reopen(withTables(readings)), subject, ['a', 1]);
    const wider = table(
      'readings',
      { note: 'text?', id: 'text', scale: 'real?', value: 'integer', extra: 'json?' },
      { primaryKey: ['id'] },
    );
    const store = await subject.reopen(withTables(wider));
    await write(store, subject, ['noted', 'b', 0.5, 2, '[]']);
    assert.deepEqual(sortedByName(await rowsOf(store, 'readings', 'id')), [
      { extra: null, id: 'a', note: null, scale: null, value: 1 },
      { extra: '[]', id: 'b', note: 'noted', scale: 0.5, value: 2 },
    ]);
  });

  it('new columns with a default have it in old rows, even if they do not allow null', async (subject) => {
    await write(await subject.reopen(withTables(readings)), subject, ['a', 1]);
    const defaults = { unit: "it's “°C”", scale: -1.5e300, count: -7, good: true, tags: ['é', 1], note: 'none' };
    const columns = { unit: 'text', scale: 'real', count: 'integer', good: 'boolean', tags: 'json', note: 'text?' } as const;
    const wider = table('readings', { id: 'text', value: 'integer', ...columns }, { primaryKey: ['id'], defaults });
    const store = await subject.reopen(withTables(wider));
    await write(store, subject, ['b', 2, 'K', 1, 2, 0, '{}', null]);
    assert.deepEqual(await rowsOf(store, 'readings', 'id'), [
      { id: 'a', value: 1, ...defaults, good: 1, tags: '["é",1]' },
      { id: 'b', value: 2, unit: 'K', scale: 1, count: 2, good: 0, tags: '{}', note: null },
    ]);
  });

  it('a changed default changes no row and is not refused', async (subject) => {
    const withDefault = (value: number | undefined) =>
      withTables(table('readings', readings.columns, { primaryKey: ['id'], defaults: value === undefined ? {} : { value } }));
    await write(await subject.reopen(withDefault(1)), subject, ['a', 5]);
    for (const value of [2, undefined, 3]) {
      assert.deepEqual(await rowsOf(await subject.reopen(withDefault(value)), 'readings', 'id'), [{ id: 'a', value: 5 }]);
    }
  });

  it('indexes may come and go', async (subject) => {
    await write(await subject.reopen(withTables(readings)), subject, ['a', 1]);
    for (const indexes of [[], [['value', 'id']], [['id'], ['value']]] as const) {
      const store = await subject.reopen(withTables({ ...readings, indexes }));
      await write(store, subject, ['a', 1], ['b', indexes.length]);
      assert.deepEqual(await rowsOf(store, 'readings', 'id'), [
        { id: 'a', value: 1 },
        { id: 'b', value: indexes.length },
      ]);
    }
  });

  it('two releases alternate on one database, and each keeps what only the other declares', async (subject) => {
    const second = table(
      'readings',
      { id: 'text', note: 'text?', unit: 'text', value: 'integer', extra: 'json?' },
      { primaryKey: ['id'], defaults: { unit: 'K' }, indexes: [['value'], ['note']] },
    );
    const written = ['a', 'b', 'c', 'd'];
    for (const [at, id] of written.entries()) {
      const isSecond = at % 2 === 1;
      const store = await subject.reopen(withTables(isSecond ? second : readings));
      const update = isSecond ? ['a', `by ${id}`, 'C', at, '[]'] : ['a', at];
      await write(store, subject, update, isSecond ? [id, null, 'F', at, null] : [id, at]);
    }
    const store = await subject.reopen(withTables(readings));
    assert.deepEqual(
      (await rowsOf(store, 'readings', 'id')).map((row) =>
        Object.entries(row)
          .toSorted()
          .map(([, value]) => value),
      ),
      [
        ['[]', 'a', 'by d', 'C', 3],
        [null, 'b', null, 'F', 1],
        [null, 'c', null, 'K', 2],
        [null, 'd', null, 'F', 3],
      ],
    );
  });

  it('a column may be withdrawn if rows can be added without it, even from an append-only table', async (subject) => {
    const columns = { what: 'text' } as const;
    const wider = table('journal', { ...columns, note: 'text?', unit: 'text' }, { defaults: { unit: 'K' } });
    await subject.reopen(withTables(readings, wider));
    const store = await subject.reopen(withTables(readings, table('journal', columns)));
    const owner = await own(store, subject.visits);
    await owner.commit({ rows: [add('journal', ['it happened'])] });
    assert.deepEqual(sortedByName(await rowsOf(store, 'journal', 'what')), [{ note: null, unit: 'K', what: 'it happened' }]);
  });

  it('a json column added later accepts only JSON', async (subject) => {
    await write(await subject.reopen(withTables(readings)), subject, ['a', 1]);
    const columns = { id: 'text', value: 'integer', extra: 'json?', tags: 'json' } as const;
    const wider = table('readings', columns, { primaryKey: ['id'], defaults: { tags: [] } });
    const store = await subject.reopen(withTables(wider));
    await refusal(write(store, subject, ['b', 1, 'redacted', '[]']), 'MILL_COMMIT_REFUSED');
    await refusal(write(store, subject, ['b', 1, null, 'redacted']), 'MILL_COMMIT_REFUSED');
    await write(store, subject, ['b', 1, null, '{}']);
    assert.deepEqual(await rowsOf(store, 'readings', 'id'), [
      { id: 'a', value: 1, extra: null, tags: '[]' },
      { id: 'b', value: 1, extra: null, tags: '{}' },
    ]);
  });

  it('a new non-null column without a default is refused', async (subject) => {
    await refused(subject, { id: 'text', value: 'integer', unit: 'text' }, ['id'], /unit/);
  });

  it('removing a column that rows need is refused', async (subject) => {
    await refused(subject, { id: 'text' }, ['id'], /value/);
  });

  it('a changed column type is refused', async (subject) => {
    await refused(subject, { id: 'text', value: 'text' }, ['id'], /value/);
  });

  it('a column that no longer allows null is refused', async (subject) => {
    const store = await subject.reopen(withTables(table('readings', { id: 'text', value: 'integer?' }, { primaryKey: ['id'] })));
    await write(store, subject, ['a', null]);
    const { message } = await refusal(subject.reopen(withTables(readings)), 'MILL_TABLE_CHANGED');
    assert.match(message, /readings.*value/);
  });

  it('a changed primary key is refused', async (subject) => {
    await refused(subject, { id: 'text', value: 'integer' }, ['id', 'value'], /value/);
    await refused(subject, { id: 'text', value: 'integer' }, [], /id/);
  });

  it('if one table is refused, no table is changed', async (subject) => {
    const other = table('others', { id: 'text' }, { primaryKey: ['id'] });
    await subject.reopen(withTables(other, readings));
    const wider = table('others', { id: 'text', note: 'text?' }, { primaryKey: ['id'] });
    const brandNew = table('brand_new', { id: 'text' });
    const changed = table('readings', { id: 'text', value: 'text' }, { primaryKey: ['id'] });
    await refusal(subject.reopen(withTables(brandNew, wider, changed)), 'MILL_TABLE_CHANGED');
    const store = await subject.reopen(withTables(other, readings));
    await refusal(store.query('SELECT * FROM brand_new', []), 'MILL_INVALID_REQUEST');
    await refusal(store.query('SELECT note FROM others', []), 'MILL_INVALID_REQUEST');
  });
}

/**
 * Opens with the original `readings`, then expects another declaration of it to be refused with the expected and the found value, and its
 * rows to remain.
 */
async function refused(subject: Subject, columns: Columns, primaryKey: readonly string[], column: RegExp): Promise<void> {
  await write(await subject.reopen(withTables(readings)), subject, ['a', 1]);
  const { message } = await refusal(subject.reopen(withTables(table('readings', columns, { primaryKey }))), 'MILL_TABLE_CHANGED');
  for (const part of [/readings/, column, /expected/, /found/]) assert.match(message, part);
  const store = await subject.reopen(withTables(readings));
  assert.deepEqual(await rowsOf(store, 'readings', 'id'), [{ id: 'a', value: 1 }]);
}

function withTables(...tables: readonly Table[]): StoreDeclaration {
  return { ...declaration, tables };
}

async function write(store: Store, { visits }: Subject, ...rows: Parameters<typeof put>[1][]): Promise<void> {
  const owner = await own(store, visits);
  await owner.commit({ rows: [put('readings', ...rows)] });
}

/** A column added later may be anywhere in a row. */
function sortedByName(rows: readonly object[]): object[] {
  return rows.map((row) => Object.fromEntries(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1))));
}
