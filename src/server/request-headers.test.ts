import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idempotencyKeyOf, refuseIdempotencyKey } from './idempotency-key.ts';
import { traceOf } from './trace-header.ts';

const readers = {
  traceOf,
  idempotencyKeyOf,
  refuseIdempotencyKey: (request: never) => refuseIdempotencyKey(request, 'this route does not support it'),
};

for (const [call, read] of Object.entries(readers)) {
  test(`${call} refuses anything but a request, and says so`, () => {
    for (const [found, shown] of [
      [undefined, 'nothing'],
      [{ idempotencyKey: 'a' }, '{"idempotencyKey":"a"}'],
    ] as const) {
      const message = `${call}: expected a request with headers, found ${shown}`;
      assert.throws(() => read(found as never), { code: 'MILL_INVALID_DECLARATION', message });
    }
  });
}
