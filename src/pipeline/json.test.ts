import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { copyJson, effectJson, NotJson } from './json.ts';

test('a copy equals a JSON round trip, and shares nothing with the value', () => {
  // A key `__proto__` is refused.
  const json = fc.jsonValue({ noUnicodeString: false }).filter((value) => !JSON.stringify(value).includes('"__proto__":'));
  fc.assert(
    fc.property(json, (value) => {
      const copied = copyJson(value);
      assert.deepStrictEqual(copied, JSON.parse(JSON.stringify(value)));
      assert.ok(typeof value !== 'object' || value === null || copied !== value);
    }),
  );
});

test('any value’s copy equals its JSON round trip, or the value is refused', () => {
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

test('an undefined property counts as absent, and zero has no sign', () => {
  assert.deepStrictEqual(copyJson({ a: undefined, b: [-0] }), { b: [0] });
});

test('an object from another realm is JSON, but an instance of its classes is not', () => {
  assert.deepEqual(copyJson(runInNewContext('({ a: [1] })')), { a: [1] });
  assert.throws(() => copyJson(runInNewContext('new Date(0)')), NotJson);
});

test('a refused value is named with its place', () => {
  const odd = { items: [{ 'a key': { at: Number.NaN } }] };
  assert.throws(() => effectJson(odd, 'payload'), {
    code: 'MILL_INVALID_EFFECT',
    message: 'payload.items[0].a key.at: expected JSON, found NaN',
  });
  assert.throws(() => effectJson([7n], 'payload'), { message: 'payload[0]: expected JSON, found a bigint' });
  assert.throws(() => effectJson(undefined, 'payload'), { message: 'payload: expected JSON, found undefined' });
});

test('an exception from a getter is passed on unchanged', () => {
  const broken = Object.defineProperty({}, 'a', {
    enumerable: true,
    get() {
      throw new RangeError('not today');
    },
  });
  assert.throws(() => copyJson({ broken }), RangeError);
});

test('a value that contains itself is refused at that place', () => {
  const parent: { children: object[] } = { children: [] };
  const shared = { n: 1 };
  parent.children.push({ shared }, { shared, parent });
  assert.throws(() => effectJson({ parent }, 'next state'), {
    message: 'next state.parent.children[1].parent: expected JSON, found an object that holds itself',
  });
  const list: unknown[] = [1];
  list.push(list);
  assert.throws(() => effectJson(list, 'payload'), { message: 'payload[1]: expected JSON, found an array that holds itself' });
});

test('a value that is merely nested too deeply is refused as such', () => {
  let deep: unknown = 1;
  for (let level = 0; level < 1_001; level += 1) deep = [deep];
  assert.throws(() => copyJson(deep), { message: 'expected JSON, found more than 1000 levels of nesting' });
});

test('an object with properties that would come out empty is refused', () => {
  const map: unknown[] & { total?: number } = [];
  map.total = 5;
  const hidden = Object.defineProperty({}, 'n', { value: 1 });
  for (const value of [Math, JSON, Reflect, { [Symbol('n')]: 1 }, hidden])
    assert.throws(() => effectJson({ value }, 'state'), {
      message: 'state.value: expected JSON, found an object with properties that JSON drops',
    });
  assert.throws(() => copyJson(map), { message: 'expected JSON, found an array with properties that JSON drops' });
  assert.deepEqual(copyJson([{}, [], { a: 1, '': 1 }, { a: undefined }]), [{}, [], { a: 1, '': 1 }, {}]);
});
