import assert from 'node:assert/strict';
import test from 'node:test';
import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import { serve } from '../../server/fixture.test.ts';
import { ServerCalls } from './server-calls.ts';

const mails = pipeline('mails', {
  event: z.object({ to: z.string() }),
  retry: { attempts: 1 },
  handle({ to }) {
    throw new Error(`no mailbox for ${to}`);
  },
});

test('a list has more items if the server leaves some out even on its last page', async (t) => {
  const { url, mill } = await serve(t, { pipelines: [mails] });
  // Words that no placeholder replaces, so that each is a group of its own.
  const wordOf = (at: number) => String(at).replace(/\d/g, (digit) => 'ghijklmnop'.charAt(Number(digit)));
  const fail = async (from: number, to: number) => {
    for (let at = from; at < to; at += 1) await mill.ingest('mails', { to: wordOf(at) });
    await mill.settled('mails', 60_000);
  };
  const calls = new ServerCalls({ url }, {});
  const groups = async (limit: number) => {
    const { items, hasMore } = await calls.listing('/dead-letters/groups', { limit });
    return [items.length, hasMore];
  };
  await fail(0, 1_000);
  assert.deepEqual(await groups(20), [20, true]);
  assert.deepEqual(await groups(1_000), [1_000, false]);
  await fail(1_000, 1_001);
  assert.deepEqual(await groups(5_000), [1_000, true]);
});
