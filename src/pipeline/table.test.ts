import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeFound } from '../describe-found.ts';
import { type ColumnType, table, toSqlChange, toSqlValues } from './table.ts';

const integers = '(from -9007199254740991 to 9007199254740991)';
const texts = '(well-formed, without U+0000)';
const moments = '(in UTC with milliseconds, such as 2022-02-02T18:39:05.863Z)';

/** Values that a column cannot hold, each with the words of the message. */
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
  ['text(3)', '🚀🚀🚀🚀', `expected text(3) ${texts}, found one of 4 characters: "🚀🚀🚀🚀"`],
  ['text(3)?', 'abcdefgh', `expected text(3)? ${texts}, found one of 8 characters: "abcdefgh"`],
  ['text(3)', 'a\u0000', `expected text(3) ${texts}, found "a\\u0000"`],
  [['open', 'closed'], 'opened', 'expected one of "open", "closed", found "opened"'],
  [['open', 'closed'], 'OPEN', 'expected one of "open", "closed", found "OPEN"'],
  [['open', null], 1, 'expected one of "open", null, found 1'],
  ['moment', '2022-02-02T18:39:05Z', `expected moment ${moments}, found "2022-02-02T18:39:05Z"`],
  ['moment', '2022-02-02T19:39:05.863+01:00', `expected moment ${moments}, found "2022-02-02T19:39:05.863+01:00"`],
  ['moment?', '2022-02-30T18:39:05.863Z', `expected moment? ${moments}, found "2022-02-30T18:39:05.863Z"`],
  ['moment', '2022-02-02T24:00:00.000Z', `expected moment ${moments}, found "2022-02-02T24:00:00.000Z"`],
  ['moment', '+010000-01-01T00:00:00.000Z', `expected moment ${moments}, found "+010000-01-01T00:00:00.000Z"`],
  ['moment', 1_643_827_145_863, `expected moment ${moments}, found 1643827145863`],
  ['boolean', 1, 'expected boolean, found 1'],
  ['boolean', 'true', 'expected boolean, found "true"'],
];

test('a value that the column cannot hold is refused with table, column, expected and found, in every kind of write', () => {
  for (const [type, value, words] of refused) {
    const things = table('things', { id: 'text', value: type }, { primaryKey: ['id'] });
    const error = { code: 'MILL_INVALID_EFFECT', message: `table things: column value: ${words}` };
    assert.throws(() => toSqlValues(things, { id: 'a', value }), error);
    if (value !== undefined) assert.throws(() => toSqlChange(things, { id: 'a', value }), error);
  }
});

test('a default that the column cannot hold is refused like a value', () => {
  for (const [type, value, words] of refused) {
    assert.throws(() => table('things', { id: 'text', value: type }, { defaults: { value } as never }), {
      code: 'MILL_INVALID_DECLARATION',
      message: `table things: defaults: column value: ${words}`,
    });
  }
});

test('messages shorten the found value, whatever it is', () => {
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

test('an enumeration allows null if null is one of its values, and never in the primary key', () => {
  const tickets = table('tickets', { status: ['open', null], id: 'integer' }, { primaryKey: ['id'], defaults: { status: 'open' } });
  assert.deepEqual(
    [toSqlValues(tickets, { id: 1 }), toSqlValues(tickets, { id: 1, status: 'open' })],
    [
      [null, 1],
      ['open', 1],
    ],
  );
  assert.deepEqual(tickets.defaults, { status: 'open' });
  const keyed = table('keyed', { status: ['open', null] }, { primaryKey: ['status'] });
  assert.throws(() => toSqlValues(keyed, { status: null }), {
    code: 'MILL_INVALID_EFFECT',
    message: 'table keyed: column status: expected one of "open", found null',
  });
});

test('a text’s length counts characters, not UTF-16 units, and moments range from the year 0 to the year 9999', () => {
  const things = table('things', { name: 'text(3)', at: 'moment', since: 'moment?' });
  for (const [name, at, since] of [
    ['🚀🚀🚀', '0000-01-01T00:00:00.000Z', null],
    ['', '9999-12-31T23:59:59.999Z', '2024-02-29T12:00:00.000Z'],
  ] as const)
    assert.deepEqual(toSqlValues(things, { name, at, since }), [name, at, since]);
});

test('the largest values of each type are accepted', () => {
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

test('an impossible table is refused', () => {
  const declared = (columns: unknown, options?: unknown) => () => table('things', columns as never, options as never);
  const columns = { id: 'text', at: 'integer' };
  const types = 'text, text(50), integer, real, boolean, json or moment, with a ? where it may be null, or an array of texts';
  const refused: readonly (readonly [declare: () => unknown, message: string])[] = [
    [declared(columns, { primarykey: ['id'] }), 'primarykey is no option; did you mean primaryKey?'],
    [declared(columns, { primaryKey: 'id' }), `primaryKey: expected an array of columns, such as ['id'], found "id"`],
    [declared(columns, { primaryKey: ['key'] }), 'primaryKey[0]: expected a column of the table (id, at), found "key"'],
    [declared(columns, { primaryKey: ['id', 'id'] }), 'primaryKey: expected each column once, found id twice'],
    [declared(columns, { indexes: ['at'] }), `indexes[0]: expected an array of columns, such as ['id'], found "at"`],
    [declared(columns, { indexes: [[]] }), 'indexes[0]: expected at least one column'],
    [declared(columns, { defaults: { key: 1 } }), 'defaults: expected columns of the table (id, at), found "key"'],
    ...['string', 'text(0)', 'text(050)', 'text()', 'text?(50)', 'integer(5)', 'timestamp'].map(
      (type): readonly [() => unknown, string] => [declared({ id: type }), `column id: expected ${types}, found "${type}"`],
    ),
    [declared({ id: { text: 50 } }), `column id: expected ${types}, found {"text":50}`],
    [declared({ id: [] }), 'column id: expected at least one text'],
    [declared({ id: [null] }), 'column id: expected at least one text'],
    [declared({ id: ['a', 'b', 'a'] }), 'column id: expected each value once, found "a" twice'],
    [declared({ id: ['a', null, null] }), 'column id: expected each value once, found null twice'],
    ...['', 'a ', 'a\u0000', '\ud83d', 'x'.repeat(256), 5].map((value): readonly [() => unknown, string] => [
      declared({ id: ['a', value] }),
      `column id: [1]: expected a text of 1 to 255 characters without a blank at its end, or null, found ${describeFound(value)}`,
    ]),
    [declared(['id']), 'expected an object of columns and their types by name, found ["id"]'],
    [declared({}), 'expected at least one column'],
  ];
  for (const [declare, message] of refused)
    assert.throws(declare, { code: 'MILL_INVALID_DECLARATION', message: `table things: ${message}` });
  for (const name of [null, ['things'], 'Things', 'millrace_things', 'sqlite_things'])
    assert.throws(() => table(name as never, { id: 'text' }), { code: 'MILL_INVALID_DECLARATION', message: /^table: expected a name / });
});
