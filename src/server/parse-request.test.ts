import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import type { Schema } from '../pipeline/schema.ts';
import { jsonSchemaOf, parseRequest } from './parse-request.ts';

test('a valid request is parsed by the schema', async () => {
  assert.deepEqual(await parseRequest(z.object({ page: z.coerce.number() }), { page: '2', more: 1 }), { page: 2 });
});

test('an invalid request is refused with every issue and its place', async () => {
  const schema = z.object({ to: z.string(), list: z.array(z.object({ n: z.int() })) });
  await assert.rejects(parseRequest(schema, { list: [{ n: 1 }, { n: 'x' }] }), {
    code: 'MILL_INVALID_REQUEST',
    issues: [
      { path: 'to', message: 'Invalid input: expected string, received undefined' },
      { path: 'list[1].n', message: 'Invalid input: expected number, received string' },
    ],
  });
});

test('asynchronous schemas are awaited', async () => {
  const schema = z.string().refine(async (text) => text === 'yes');
  assert.equal(await parseRequest(schema, 'yes'), 'yes');
  await assert.rejects(parseRequest(schema, 'no'), { code: 'MILL_INVALID_REQUEST' });
});

test('the docs distinguish input from output', () => {
  const schema = z.object({ at: z.string().default('now') });
  assert.deepEqual(jsonSchemaOf(schema).required, undefined);
  assert.deepEqual(jsonSchemaOf(schema, 'output').required, ['at']);
});

test('anything JSON Schema cannot express is documented as any value', () => {
  const silent: Schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
  assert.deepEqual(jsonSchemaOf(silent), {});
  assert.deepEqual(jsonSchemaOf(z.object({ at: z.date() })).properties, { at: {} });
});
