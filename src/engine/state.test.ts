import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import type { MillraceError } from '../errors.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { memory } from '../store/memory/memory-store.ts';
import { testMill } from '../testing/test-mill.ts';
import { readState } from './state.ts';

const Visit = z.object({ page: z.string() });
const First = z.object({ visits: z.int() });
const Second = z.object({ count: z.int().min(1), since: z.int() });

const first = pipeline('visits', {
  event: Visit,
  key: ({ page }) => page,
  state: First,
  handle: (_visit, state) => ({ visits: (state?.visits ?? 0) + 1 }),
});

/** The same pipeline with another state, and the states it was asked to upgrade. */
function upgraded() {
  const asked: unknown[] = [];
  const second = pipeline('visits', {
    event: Visit,
    key: ({ page }) => page,
    state: {
      schema: Second,
      version: 3,
      upgrade(stored, from) {
        asked.push([stored, from]);
        return { count: (stored as z.infer<typeof First>).visits, since: from };
      },
    },
    handle: (_visit, state) => ({ count: (state?.count ?? 0) + 1, since: state?.since ?? 0 }),
  });
  return { asked, second };
}

const problem = (message: RegExp) => (error: MillraceError) => error.code === 'MILL_INVALID_STATE' && message.test(error.message);

test('a state of an older version is upgraded when its key is read, and stored again with its next turn', async () => {
  const store = memory();
  const before = await testMill({ pipelines: [first], store });
  for (const page of ['/', '/', '/home']) await before.ingest('visits', { page });
  await before.drain();
  await before.stop();
  const { asked, second } = upgraded();
  const after = await testMill({ pipelines: [second], store });
  assert.deepEqual(await after.state('visits', '/'), { count: 2, since: 1 });
  await after.ingest('visits', { page: '/' });
  await after.drain();
  assert.deepEqual(asked.splice(0), [
    [{ visits: 2 }, 1],
    [{ visits: 2 }, 1],
  ]);
  assert.deepEqual(await after.state('visits', '/'), { count: 3, since: 1 });
  assert.deepEqual(asked, []);
  await after.stop();
});

test('a state of a newer version is refused, so that no older program misreads it', async () => {
  assert.throws(
    () => readState(first, { json: '{"visits":1}', version: 2 }, true),
    problem(/expected version 1 or older, found version 2 of a newer pipeline/),
  );
});

test('an upgrade that does not fit the schema is refused with what was expected', () => {
  assert.throws(
    () => readState(upgraded().second, { json: '{"visits":0}', version: 2 }, true),
    problem(/upgrading from version 2 to 3: count: /),
  );
});

test('a missing state stays missing, whatever the version', () => {
  assert.equal(readState(upgraded().second, null, true), undefined);
});
