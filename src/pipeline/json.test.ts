import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { copyJson, effectJson, NotJson } from './json.ts';

test('a copy is what writing JSON and reading it again gives, and shares nothing with the value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const copied = copyJson(value);
      assert.deepStrictEqual(copied, JSON.parse(JSON.stringify(value)));
      assert.ok(typeof value !== 'object' || value === null || copied !== value);
    }),
  );
});

test('whatever value there is, its copy is what JSON gives back, or it is refused', () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withSparseArray: true,
  });
  let copies = 0;
  let refusals = 0;
  fc.assert(
    fc.property(anything, (value) => {
      try {
        const copied = copyJson(value);
        assert.deepStrictEqual(copied, JSON.parse(JSON.stringify(value)));
        copies += 1;
      } catch (error) {
        assert.ok(error instanceof NotJson, String(error));
        refusals += 1;
      }
    }),
    { numRuns: 1_000 },
  );
  assert.ok(copies > 100 && refusals > 100, `${copies} copies, ${refusals} refusals`);
});

test('a property that is undefined counts as absent, and zero has no sign', () => {
  assert.deepStrictEqual(copyJson({ a: undefined, b: [-0] }), { b: [0] });
});

test('an object of another realm is JSON, an instance of its classes is not', () => {
  assert.deepEqual(copyJson(runInNewContext('({ a: [1] })')), { a: [1] });
  assert.throws(() => copyJson(runInNewContext('new Date(0)')), NotJson);
});

test('what is refused is named with its place', () => {
  const odd = { items: [{ 'a key': { at: Number.NaN } }] };
  assert.throws(() => effectJson(odd, 'payload'), {
    code: 'MILL_INVALID_EFFECT',
    message: 'payload.items[0].a key.at: expected JSON, found NaN',
  });
  assert.throws(() => effectJson([7n], 'payload'), { message: 'payload[0]: expected JSON, found a bigint' });
  assert.throws(() => effectJson(undefined, 'payload'), { message: 'payload: expected JSON, found undefined' });
});

test('what a getter throws is told as it is', () => {
  const broken = Object.defineProperty({}, 'a', {
    enumerable: true,
    get() {
      throw new RangeError('not today');
    },
  });
  assert.throws(() => copyJson({ broken }), RangeError);
});
