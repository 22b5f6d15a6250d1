import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findInexactNumbers, inexactNumbersAsText, inexactNumbersOf } from './inexact-numbers.ts';

/** The places of all numbers that JavaScript rounds in a text. */
function pathsIn(text: string): string[] {
  return inexactNumbersOf(findInexactNumbers(text)?.value).issues.map(({ path }) => path);
}

test('integers that JavaScript rounds and numbers beyond its range are found, with their places', () => {
  for (const source of [
    '1405478888888888901',
    '-1405478888888888901',
    '9007199254740993',
    '1152921504606846976',
    '1405478888888888901.0',
    '1405478888888888901.000e0',
    '140547888888888890.1e1',
    '14054788888888.88901e5',
    '1405478888888888901e2',
    '1e400',
    '-1E+400',
    '1e-400',
    `${'9'.repeat(400)}`,
    `0.${'0'.repeat(400)}1`,
  ]) {
    assert.deepEqual(pathsIn(`{"a":[{"b":${source}}]}`), ['a[0].b'], source);
    assert.deepEqual(pathsIn(`[ ${source} , 1]`), ['[0]'], source);
    assert.deepEqual(pathsIn(`{"deep":{"list":[[1,${source}]]},"x":${source}}`), ['deep.list[0][1]', 'x'], source);
  }
});

test('numbers that JavaScript keeps are accepted, and so are rounded fractions', () => {
  for (const source of [
    '9007199254740991',
    '-9007199254740992',
    '9007199254740994',
    '1405478888888888800',
    '1e23',
    '1E+300',
    '5e-324',
    '-0',
    '0e999',
    '0.000e-999',
    '0.30000000000000004',
    '13.404953999999999',
    '123456789012345678.5',
    '1405478888888888800.00',
    '1000000000000000000000',
  ]) {
    assert.deepEqual(pathsIn(`{"a":${source},"b":[${source}]}`), [], source);
  }
});

test('text that only looks like a number is not one', () => {
  for (const text of ['"id: 1405478888888888901"', '": 1405478888888888901,"', '"a1e400"', '"x, 1e400 "', '{"1405478888888888901":1}']) {
    assert.equal(findInexactNumbers(text), undefined, text);
  }
});

test('in any text, exactly the integers that JavaScript changes are found', () => {
  const digits = fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n });
  fc.assert(
    fc.property(fc.array(digits, { maxLength: 5 }), fc.string({ maxLength: 20 }), (integers, padding) => {
      const text = `{${JSON.stringify(padding)}:[${integers.join(',')}]}`;
      const lost = integers.flatMap((integer, at) => (expanded(Number(integer)) === integer ? [] : [at]));
      assert.deepEqual(
        inexactNumbersOf(findInexactNumbers(text)?.value).issues.map(({ path }) => path.match(/\[(\d+)\]$/)?.[1]),
        lost.map(String),
      );
    }),
    { numRuns: 2_000 },
  );
});

/** The exact decimal value of a number. */
function expanded(value: number): bigint {
  const [mantissa = '', exponent] = String(value).split('e+');
  if (exponent === undefined) return BigInt(mantissa);
  const [whole = '', fraction = ''] = mantissa.split('.');
  return BigInt(whole + fraction.padEnd(Number(exponent), '0'));
}

test('a value knows its own inexact numbers, and so do its nested values', () => {
  const { value } = findInexactNumbers('{"events":[{"id":1},{"id":1405478888888888901},{"n":{"id":1e400}}]}') ?? {};
  const { events } = value as { events: object[] };
  assert.deepEqual(
    events.map((event) => inexactNumbersOf(event).issues.map(({ path }) => path)),
    [[], ['id'], ['n.id']],
  );
  assert.deepEqual(inexactNumbersOf(value).issues[0], {
    path: 'events[1].id',
    message: 'expected a number that JavaScript can hold exactly, found 1405478888888888901; send it as text',
  });
});

test('as text they stay as written, and all others stay numbers', () => {
  const { value } = findInexactNumbers('{"a":1405478888888888901,"b":[1e400,2],"c":1405478888888888901.50e1}') ?? {};
  inexactNumbersAsText(value);
  assert.deepEqual(value, { a: '1405478888888888901', b: ['1e400', 2], c: '1405478888888888901.50e1' });
});

test('the first hundred of many are listed, with their total', () => {
  const text = `[${Array.from({ length: 1_000 }, () => '{"id":1405478888888888901}').join(',')}]`;
  assert.equal(pathsIn(text).length, 100);
  assert.equal(inexactNumbersOf(findInexactNumbers(text)?.value).issueCount, 1_000);
});

test('each one of many is refused or taken as text, even beyond those listed', () => {
  const text = `{"events":[${Array.from({ length: 150 }, (_, at) => `{"id":9007199254740993,"list":[${'1e400,'.repeat(at)}1e400]}`)}]}`;
  const { events } = Object(findInexactNumbers(text)?.value);
  for (const event of events) {
    assert.equal(inexactNumbersOf(event).issues[0]?.path, 'id');
    inexactNumbersAsText(event);
    assert.equal(event.id, '9007199254740993');
    assert.ok(event.list.every((item: unknown) => item === '1e400'));
  }
});
