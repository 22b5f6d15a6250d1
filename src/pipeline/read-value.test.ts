import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnReader, expressionReader, UnreadableValue } from './read-value.ts';
import type { ColumnType, FoundValue } from './table.ts';

const moments = 'expected a moment in UTC with milliseconds';
const integers = 'an integer from -9007199254740991 to 9007199254740991';

test('values that a handler can write are read back as written', () => {
  const values: readonly (readonly [ColumnType, FoundValue, unknown])[] = [
    ['text', '', ''],
    ['text', 'a\u0000b', 'a\u0000b'],
    ['integer', 2 ** 53 - 1, 2 ** 53 - 1],
    ['real', -1.5e300, -1.5e300],
    ['boolean', 0, false],
    ['boolean?', 1, true],
    ['json', '{"a":[1,"é"]}', { a: [1, 'é'] }],
    ['json', 'null', null],
    ['text?', null, null],
    ['text(2)', 'longer than a handler could write', 'longer than a handler could write'],
    [['open', 'closed'], 'closed', 'closed'],
    [['open', null], null, null],
    ['moment', '2022-02-02T18:39:05.863Z', '2022-02-02T18:39:05.863Z'],
    ['moment?', null, null],
    ['json?', null, null],
  ];
  for (const [type, found, value] of values) assert.deepEqual(columnReader(type)(found), value, `${type} ${String(found)}`);
});

test('a value that its column’s type cannot hold becomes a placeholder, with what was expected and found', () => {
  const values: readonly (readonly [ColumnType, FoundValue, placeholder: unknown, message: string])[] = [
    ['integer', 2n ** 53n + 1n, 2 ** 53, `expected ${integers}, found 9007199254740993`],
    ['integer', -(2n ** 63n), -(2 ** 63), `expected ${integers}, found -9223372036854775808`],
    ['integer', 1.5, 2, `expected ${integers}, found 1.5`],
    ['integer?', 'many', 0, `expected ${integers}, found "many"`],
    ['real', Number.POSITIVE_INFINITY, Number.MAX_VALUE, 'expected a finite number, found Infinity'],
    ['real?', Number.NEGATIVE_INFINITY, -Number.MAX_VALUE, 'expected a finite number, found -Infinity'],
    ['real', 'fast', 0, 'expected a finite number, found "fast"'],
    ['text', new Uint8Array(3), '', 'expected text, found a blob of 3 bytes'],
    ['text?', new Uint8Array(1), '', 'expected text, found a blob of 1 byte'],
    ['text', 5, '', 'expected text, found 5'],
    ['text', null, '', 'expected text, found null'],
    [['open', 'closed'], 'lost', 'open', 'expected one of "open", "closed", found "lost"'],
    [['open', 'closed'], null, 'open', 'expected one of "open", "closed", found null'],
    ['moment', '2022-02-02T18:39:05.863127Z', '2022-02-02T18:39:05.863Z', `${moments}, found "2022-02-02T18:39:05.863127Z"`],
    ['moment', '2022-02-02 18:39:05', '1970-01-01T00:00:00.000Z', `${moments}, found "2022-02-02 18:39:05"`],
    ['moment', '2022-02-30T18:39:05.8631Z', '1970-01-01T00:00:00.000Z', `${moments}, found "2022-02-30T18:39:05.8631Z"`],
    ['moment?', 1_643_827_145_863, '1970-01-01T00:00:00.000Z', `${moments}, found 1643827145863`],
    ['boolean', 7, true, 'expected 0 or 1, found 7'],
    ['boolean', 2n ** 60n, true, 'expected 0 or 1, found 1152921504606846976'],
    ['boolean', null, false, 'expected 0 or 1, found null'],
    ['json', 'redacted', null, 'expected JSON, found "redacted"'],
    ['json', '', null, 'expected JSON, found ""'],
    ['json', new Uint8Array(2), null, 'expected JSON, found a blob of 2 bytes'],
    ['json', 5, null, 'expected JSON, found 5'],
  ];
  for (const [type, found, placeholder, message] of values) {
    const value = columnReader(type)(found);
    assert.ok(value instanceof UnreadableValue, message);
    assert.deepEqual([value.placeholder, value.message, value.found], [placeholder, message, found]);
  }
});

test('JSON with a number that JavaScript rounds is reported, and shows the nearest number', () => {
  const values: readonly (readonly [json: string, placeholder: unknown, shown: string])[] = [
    ['{"id":[1405478888888888901]}', { id: [1405478888888888901n].map(Number) }, '1405478888888888901'],
    ['-9007199254740993', -(2 ** 53), '-9007199254740993'],
    ['[1e400,-1e400]', [Number.MAX_VALUE, -Number.MAX_VALUE], '1e400'],
    [`[${'9'.repeat(400)}]`, [Number.MAX_VALUE], `${'9'.repeat(60)}…`],
  ];
  for (const [json, placeholder, shown] of values) {
    const value = columnReader('json')(json);
    assert.ok(value instanceof UnreadableValue, json);
    assert.deepEqual(value.placeholder, placeholder);
    assert.equal(value.message, `expected JSON with numbers that JavaScript can hold, found ${shown}`);
  }
});

test('JSON written by JavaScript is never reported, however large its numbers', () => {
  for (const value of [
    [2 ** 53 + 2, -(2 ** 60), 1e21, 1.5e300, 5e-324, 0.1 + 0.2],
    '1405478888888888901',
    { '1405478888888888901': 1e100 },
  ]) {
    assert.deepEqual(columnReader('json')(JSON.stringify(value)), value);
  }
});

test('a message shows the beginning of a long text, without half of a surrogate pair', () => {
  const value = columnReader('json')(`${'x'.repeat(59)}🚀${'x'.repeat(1_000)}`);
  assert.ok(value instanceof UnreadableValue);
  assert.equal(value.message, `expected JSON, found "${'x'.repeat(59)}"…`);
});

test('an expression may be anything except a rounded or non-finite number', () => {
  for (const value of [null, '', 'redacted', 1.5, -(2 ** 53) + 1]) assert.equal(expressionReader(undefined)(value), value);
  assert.equal(expressionReader('text')(5), 5, 'length(text)');
  assert.equal(expressionReader('text')(null), null);
  assert.equal(expressionReader('boolean')(1), true);
  assert.deepEqual(expressionReader('json')('[1]'), [1]);
  const bytes = new Uint8Array(2);
  assert.equal(expressionReader(undefined)(bytes), bytes);
  for (const [type, found, placeholder] of [
    [undefined, 2n ** 62n, 2 ** 62],
    ['text', 2n ** 62n, 2 ** 62],
    [undefined, Number.POSITIVE_INFINITY, Number.MAX_VALUE],
    ['text', bytes, ''],
    ['json', 'redacted', null],
  ] as const) {
    const value = expressionReader(type)(found);
    assert.ok(value instanceof UnreadableValue);
    assert.equal(value.placeholder, placeholder);
  }
});
