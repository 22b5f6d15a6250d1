import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { MillraceError } from '../errors.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { testMill } from '../testing/test-mill.ts';

test('an event nested too deeply is refused with the beginning of the place, however long that is', async () => {
  const t = await testMill({ pipelines: [pipeline('nested', { event: z.unknown(), handle() {} })] });
  let event: object = {};
  for (let level = 0; level < 2_000; level += 1) event = { inside: event };
  await assert.rejects(t.ingest('nested', event), (error) => {
    assert.ok(error instanceof MillraceError);
    assert.match(error.message, /^pipeline nested: inside\.inside\.[a-z.]{1,200}…: expected JSON, found more than 1000 levels of nesting$/);
    assert.match(error.issues[0]?.path ?? '', /^inside\.[a-z.]{1,200}…$/);
    return true;
  });
  await t.stop();
});
