import assert from 'node:assert/strict';
import test from 'node:test';
import * as z from 'zod';
import { validate } from './schema.ts';

test('the first hundred of many issues are kept, with their total', () => {
  const validated = validate(z.array(z.int()), Array.from({ length: 5_000 }, String));
  assert.ok(!(validated instanceof Promise) && !validated.ok);
  assert.deepEqual([validated.issues.length, validated.issueCount], [100, 5_000]);
  assert.equal(validated.issues.at(-1)?.path, '[99]');
});
