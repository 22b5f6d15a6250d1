import assert from 'node:assert/strict';
import test from 'node:test';
import { Uuid } from './uuid.ts';

test('a UUID of any version is a valid id, and the same in either case', () => {
  assert.equal(Uuid.parse('193270A9-C9CF-404A-8F83-838E71D9AE67'), '193270a9-c9cf-404a-8f83-838e71d9ae67');
  for (const id of [
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '12345678-1234-f234-0234-123456789abc',
  ]) {
    assert.equal(Uuid.parse(id), id);
  }
  for (const id of [
    '',
    '193270a9c9cf404a8f83838e71d9ae67',
    '{193270a9-c9cf-404a-8f83-838e71d9ae67}',
    '193270a9-c9cf-404a-8f83-838e71d9ae6',
    'g93270a9-c9cf-404a-8f83-838e71d9ae67',
    ' 193270a9-c9cf-404a-8f83-838e71d9ae67',
    5,
  ]) {
    assert.equal(Uuid.safeParse(id).success, false, String(id));
  }
});
