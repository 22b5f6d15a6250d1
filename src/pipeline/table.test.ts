import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ColumnType, table, toSqlChange, toSqlValues } from './table.ts';

const integers = '(from -9007199254740991 to 9007199254740991)';
const texts = '(well-formed, without U+0000)';

/** Values that a column cannot hold, each with what the message says of it. */
const refused: readonly (readonly [type: ColumnType, value: unknown, words: string])[] = [
  ['integer', 2 ** 53 + 2, `expected integer ${integers}, found 9007199254740994`],
  ['integer', 2 ** 53, `expected integer ${integers}, found 9007199254740992`],
  ['integer', -(2 ** 53), `expected integer ${integers}, found -9007199254740992`],
  ['integer?', 1.5, `expected integer? ${integers}, found 1.5`],
  ['integer', Number.NaN, `expected integer ${integers}, found NaN`],
  ['integer', Number.POSITIVE_INFINITY, `expected integer ${integers}, found Infinity`],
  ['integer', 5n, `expected integer ${integers}, found 5n`],
  ['integer', '5', `expected integer ${integers}, found "5"`],
  ['real', Number.NEGATIVE_INFINITY, 'expected real (finite), found -Infinity'],
  ['real', Number.NaN, 'expected real (finite), found NaN'],
  ['text', 'a\ud83d', `expected text ${texts}, found "a\\ud83d"`],
  ['text?', 'a\udc00b', `expected text? ${texts}, found "a\\udc00b"`],
  ['text', 'a\u0000b', `expected text ${texts}, found "a\\u0000b"`],
  ['text', 5, `expected text ${texts}, found 5`],
  ['text', undefined, `expected text ${texts}, found nothing`],
  ['boolean', 1, 'expected boolean, found 1'],
  ['boolean', 'true', 'expected boolean, found "true"'],
];

test('a value that the column cannot hold is refused with table, column, expected and found, by every way of writing', () => {
  for (const [type, value, words] of refused) {
    const things = table('things', { id: 'text', value: type }, { primaryKey: ['id'] });
    const error = { code: 'MILL_INVALID_EFFECT', message: `table things: column value: ${words}` };
    assert.throws(() => toSqlValues(things, { id: 'a', value }), error);
    if (value !== undefined) assert.throws(() => toSqlChange(things, { id: 'a', value }), error);
  }
});

test('a default that the column cannot hold is refused as a value is', () => {
  for (const [type, value, words] of refused) {
    assert.throws(() => table('things', { id: 'text', value: type }, { defaults: { value } as never }), {
      code: 'MILL_INVALID_DECLARATION',
      message: `table things: defaults: column value: ${words}`,
    });
  }
});

test('what is found is shown short, whatever it is', () => {
  const things = table('things', { id: 'text' });
  const circle: unknown[] = [];
  circle.push(circle);
  const shown = (id: unknown) => {
    const { message } = assertThrows(() => toSqlValues(things, { id }));
    return message.slice(message.indexOf('found ') + 'found '.length);
  };
  assert.equal(shown(`\u0000${'x'.repeat(10_000)}`), `"\\u0000${'x'.repeat(59)}"…`);
  assert.equal(shown(`\u0000${'x'.repeat(58)}🚀 and on`), `"\\u0000${'x'.repeat(58)}"…`);
  assert.equal(shown({ long: 'y'.repeat(10_000) }), `{"long":"${'y'.repeat(51)}…`);
  assert.equal(shown(circle), 'an object');
  assert.equal(shown(Symbol('x')), 'a symbol');
  assert.equal(shown({ n: 1n }), 'an object');
});

test('a primary key is never null, whatever its type says', () => {
  const numbered = table('numbered', { id: 'integer?', text: 'text?' }, { primaryKey: ['id'] });
  assert.deepEqual(toSqlValues(numbered, { id: 1 }), [1, null]);
  for (const write of [toSqlValues, toSqlChange]) {
    assert.throws(() => write(numbered, { id: null }), {
      code: 'MILL_INVALID_EFFECT',
      message: `table numbered: column id: expected integer ${integers}, found null`,
    });
  }
});

test('the largest values of each type are taken', () => {
  const all = table('all_types', { text: 'text', integer: 'integer', real: 'real', boolean: 'boolean' });
  assert.deepEqual(toSqlValues(all, { text: '🚀\u0001', integer: Number.MIN_SAFE_INTEGER, real: -Number.MAX_VALUE, boolean: false }), [
    '🚀\u0001',
    Number.MIN_SAFE_INTEGER,
    -Number.MAX_VALUE,
    0,
  ]);
});

function assertThrows(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  return assert.fail('expected an error');
}

test('a table that cannot be meant is refused', () => {
  const declared = (columns: unknown, options?: unknown) => () => table('things', columns as never, options as never);
  const columns = { id: 'text', at: 'integer' };
  const refused: readonly (readonly [declare: () => unknown, message: string])[] = [
    [declared(columns, { primarykey: ['id'] }), 'primarykey is no option; did you mean primaryKey?'],
    [declared(columns, { primaryKey: 'id' }), `primaryKey: expected an array of columns, such as ['id'], found "id"`],
    [declared(columns, { primaryKey: ['key'] }), 'primaryKey[0]: expected a column of the table (id, at), found "key"'],
    [declared(columns, { primaryKey: ['id', 'id'] }), 'primaryKey: expected each column once, found id twice'],
    [declared(columns, { indexes: ['at'] }), `indexes[0]: expected an array of columns, such as ['id'], found "at"`],
    [declared(columns, { indexes: [[]] }), 'indexes[0]: expected at least one column'],
    [declared(columns, { defaults: { key: 1 } }), 'defaults: expected columns of the table (id, at), found "key"'],
    [declared({ id: 'string' }), 'column id: expected text, integer, real, boolean or json, with a ? where it may be null, found "string"'],
    [declared({ id: ['text'] }), 'column id: expected text, integer, real, boolean or json, with a ? where it may be null, found ["text"]'],
    [declared(['id']), 'expected an object of columns and their types by name, found ["id"]'],
    [declared({}), 'expected at least one column'],
  ];
  for (const [declare, message] of refused)
    assert.throws(declare, { code: 'MILL_INVALID_DECLARATION', message: `table things: ${message}` });
  for (const name of [null, ['things'], 'Things', 'millrace_things', 'sqlite_things'])
    assert.throws(() => table(name as never, { id: 'text' }), { code: 'MILL_INVALID_DECLARATION', message: /^table: expected a name / });
});
