import assert from 'node:assert/strict';
import test from 'node:test';
import * as z from 'zod';
import { inPlainWords } from './plain-words.ts';

const schema = inPlainWords(
  z.object({
    name: z.string().min(1).max(3).optional(),
    kind: z.enum(['one', 'two']).optional(),
    count: z.int().min(0).max(9).optional(),
    speed: z.number().positive().optional(),
    list: z.array(z.string()).min(1).max(2).optional(),
    own: z.string().min(5, 'expected five letters').optional(),
    data: z.record(z.string(), z.unknown()).optional(),
  }),
);

function faultsOf(value: unknown): readonly (readonly [string, string])[] {
  const result = schema['~standard'].validate(value);
  assert.ok(!(result instanceof Promise));
  return (result.issues ?? []).map(({ path = [], message }) => [path.join('.'), message] as const);
}

test('faults say what was expected and what was found', () => {
  for (const [value, fault] of [
    [{ name: 5 }, 'expected a text, found 5'],
    [{ name: null }, 'expected a text, found null'],
    [{ name: {} }, 'expected a text, found an object'],
    [{ name: '' }, 'expected at least 1 character, found none'],
    [{ name: 'four' }, 'expected at most 3 characters, found 4'],
    [{ kind: 'three' }, 'expected one or two, found "three"'],
    [{ kind: 'x'.repeat(51) }, 'expected one or two, found a text'],
    [{ kind: [] }, 'expected one or two, found an array'],
    [{ count: '5' }, 'expected a number, found a text'],
    [{ count: 1.5 }, 'expected an integer, found 1.5'],
    [{ count: -1 }, 'expected at least 0, found -1'],
    [{ count: 10 }, 'expected at most 9, found 10'],
    [{ speed: 0 }, 'expected more than 0, found 0'],
    [{ speed: Infinity }, 'expected a number, found Infinity'],
    [{ list: [] }, 'expected at least 1 item, found none'],
    [{ list: ['a', 'b', 'c'] }, 'expected at most 2 items, found 3'],
    [{ own: 'x' }, 'expected five letters'],
    [{ data: true }, 'expected an object, found true'],
  ] as const) {
    assert.deepEqual(faultsOf(value), [[Object.keys(value)[0], fault]]);
  }
  const strict = inPlainWords(z.strictObject({}))['~standard'].validate({ more: 1, 'and so on': 2 });
  assert.equal('issues' in strict && strict.issues?.[0]?.message, 'expected no other fields, found "more", "and so on"');
  assert.deepEqual(faultsOf(undefined), [['', 'expected an object, found nothing']]);
});

test('what a schema accepts, and its JSON Schema, stay the same', () => {
  const plain = z.object({ name: z.string().toLowerCase(), count: z.int().default(7) });
  const { validate, jsonSchema } = inPlainWords(plain)['~standard'];
  assert.deepEqual(validate({ name: 'ANN', other: 1 }), { value: { name: 'ann', count: 7 } });
  const options = { target: 'draft-2020-12' } as const;
  assert.deepEqual(jsonSchema.input(options), plain['~standard'].jsonSchema.input(options));
});
