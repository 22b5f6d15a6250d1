import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import { sqlite } from '../../store/sqlite/sqlite-store.ts';
import { testMill } from '../../testing/test-mill.ts';
import { millrace } from '../mill.ts';

const version6 = join(import.meta.dirname, '../../store/sqlite/schema/version-6.sql');

test('promises 5, 6 and 8: an engine on a database of schema version 6 notifies keys of pending outcomes, redrives, and fires timers', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-older-'));
  const path = join(folder, 'version-6.db');
  const db = new DatabaseSync(path);
  db.exec(await readFile(version6, 'utf8'));
  db.close();
  const called: string[] = [];
  const orders = pipeline('orders', {
    event: z.object({ key: z.string(), tell: z.array(z.string()) }),
    key: ({ key }) => key,
    state: z.object({ seen: z.array(z.string()) }),
    timers: { wake: (state, _turn, data) => ({ seen: [...(state?.seen ?? []), `woken ${JSON.stringify(data)}`] }) },
    deliver: {
      shop: {
        to: {
          async call({ id }) {
            called.push(id);
            return { result: 'delivered' };
          },
        },
        outcome: (state, turn, { status }) => ({ seen: [...(state?.seen ?? []), `${status} ${turn.id}`] }),
      },
    },
    handle: () => undefined,
  });
  context.after(() => rm(folder, { recursive: true }));
  const mill = await millrace({ store: sqlite(path), pipelines: [orders] }).start();
  context.after(() => mill.stop({ timeoutMs: 0 }));
  await mill.idle(10_000);
  assert.deepEqual(await mill.state('orders', 'stuck'), { seen: ['event', 'delivered o/1', 'delivered plain'] });
  const carts = {
    gone: 'pipeline',
    pipeline: 'carts',
    events: 0,
    states: 2,
    timers: 2,
    deliveries: 0,
    outcomes: 2,
    deadLetters: 1,
    inbox: 0,
  };
  assert.deepEqual(mill.leftovers(), [carts]);
  const [letter] = await mill.deadLetters({ pipeline: 'orders', limit: 10 });
  assert.equal(letter?.kind, 'outcome');
  await mill.redrive(letter?.id ?? '');
  await mill.idle(10_000);
  assert.deepEqual(await mill.state('orders', 'broken'), { seen: ['event', 'delivered ü “2”'] });
  assert.deepEqual(called, [], 'what was delivered is not delivered again');
  await mill.stop();
  const later = await testMill({ pipelines: [orders], store: sqlite(path), startAt: 4_000_000_000_000 });
  await later.drain();
  assert.deepEqual((Object(await later.state('orders', 'broken')) as { seen: string[] }).seen.at(-1), 'woken {"é":1}');
  await later.stop();
});
