import assert from 'node:assert/strict';
import { test } from 'node:test';
import { table } from '../../pipeline/table.ts';
import { type FoundColumn, type SqlTypes, sqlColumnsOf } from './sql-columns.ts';
import { literal, quoteAll } from './sql-text.ts';
import { indexChanges, missingColumns } from './table-changes.ts';
import { updateStatement } from './write-statements.ts';

/** The types of a database other than SQLite. */
const types: SqlTypes = {
  text: 'text',
  integer: 'bigint',
  real: 'double precision',
  boolean: 'boolean',
  json: 'jsonb',
  moment: 'timestamptz',
};

const accounts = table(
  'accounts',
  { id: 'text', tokens: 'real?', vip: 'boolean', note: 'json?' },
  { primaryKey: ['id'], indexes: [['tokens', 'id']], defaults: { vip: false } },
);

const found = (name: string, type: string, more: Partial<FoundColumn> = {}): FoundColumn => ({
  ...{ name, type, notNull: true, keyPlace: 0, generated: false, optional: false },
  ...more,
});
const id = found('id', 'text', { keyPlace: 1 });

test('columns have the database’s types, and those of a key are never null', () => {
  const columns = sqlColumnsOf(table('pairs', { a: 'integer?', b: 'json?' }, { primaryKey: ['a'] }), types);
  const plain = { default: undefined, json: false, moment: false, texts: undefined, lengthMax: undefined };
  assert.deepEqual(columns, [
    { ...plain, name: 'a', type: 'bigint', notNull: true },
    { ...plain, name: 'b', type: 'jsonb', notNull: false, json: true },
  ]);
});

test('columns report their limits', () => {
  const tickets = table('tickets', { status: ['open', 'closed', null], title: 'text(50)?', at: 'moment' });
  assert.deepEqual(
    sqlColumnsOf(tickets, types).map(({ type, notNull, moment, texts, lengthMax }) => [type, notNull, moment, texts, lengthMax]),
    [
      ['text', false, false, ['open', 'closed'], 6],
      ['text', false, false, undefined, 50],
      ['timestamptz', true, true, undefined, undefined],
    ],
  );
});

test('missing columns are added if they are nullable or have a default, in any database; another type is refused in the database’s words', () => {
  const declared = sqlColumnsOf(accounts, types);
  const missing = missingColumns(accounts, declared, [id, found('mine', 'uuid', { optional: true })]);
  assert.deepEqual(
    missing.map(({ name, default: standard }) => [name, standard]),
    [
      ['tokens', undefined],
      ['vip', 0],
      ['note', undefined],
    ],
  );
  assert.throws(() => missingColumns(accounts, declared, [id, found('tokens', 'numeric', { notNull: false })]), {
    code: 'MILL_TABLE_CHANGED',
    message: /^table accounts: column tokens: expected double precision, found numeric\. /,
  });
});

test('an index that was once declared is dropped, but a user’s index stays', () => {
  const indexes = [
    { name: 'accounts_note_idx', columns: ['note'] },
    { name: 'mine', columns: ['note'] },
  ];
  assert.deepEqual(indexChanges(accounts, indexes), {
    drop: ['accounts_note_idx'],
    create: [{ name: 'accounts_tokens_id_idx', columns: ['tokens', 'id'] }],
  });
});

test('names and texts are quoted so that nothing in them is SQL', () => {
  assert.equal(quoteAll(['a"b', 'order']), '"a""b", "order"');
  assert.deepEqual([literal("it's"), literal(1.5), literal(null)], ["'it''s'", '1.5', 'NULL']);
});

test('an update says which value of the row each parameter has', () => {
  assert.deepEqual(updateStatement(accounts, ['id', 'vip', 'tokens']), {
    sql: 'UPDATE "accounts" SET "vip" = ?, "tokens" = ? WHERE "id" = ?',
    order: [1, 2, 0],
  });
});
