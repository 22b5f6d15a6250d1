import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import { MillraceError } from '../errors.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { memory } from '../store/memory/memory-store.ts';
import { Commits } from './commits.ts';
import { assemble } from './engine-parts.ts';
import { GapWatch } from './gap-watch.ts';
import { Ledger } from './ledger.ts';
import { DeliveryAttempts } from './outbox/delivery-attempts.ts';
import { PartitionPause, Pause } from './pause.ts';
import { Refusals } from './refusals.ts';
import { TenureState } from './tenure-state.ts';
import { TurnPlaces } from './turn-places.ts';
import { Waits } from './waits.ts';

const orders = pipeline('orders', { event: z.object({ id: z.string() }), key: ({ id }) => id, handle: () => undefined });
const id = { pipeline: 'orders', slice: 0 };

/** The commits of a tenure on an in-memory store, and everything they reported. */
async function made() {
  const store = memory();
  const { engine, partitions } = assemble({ store, pipelines: [orders] });
  await store.open({ pipelines: [{ name: 'orders', numbered: false }], tables: [] });
  const lease = await store.claim(id);
  const { clock, log, limits } = engine;
  const counters = partitions.counters('orders');
  const pause = new Pause();
  const partition = {
    id,
    refusals: new Refusals(),
    ledger: new Ledger(counters),
    waits: new Waits({ clock, log, limits, pipeline: orders }),
    gapWatch: new GapWatch({ clock, log, pipeline: orders }),
    deliveryAttempts: new DeliveryAttempts('orders', engine),
    pause: new PartitionPause(pause),
  };
  const told: string[] = [];
  const hooks = { flushed: (): void => undefined };
  const state = new TenureState((error) => told.push(`failed: ${error instanceof MillraceError ? error.code : error}`));
  const shared = { declaration: orders, counters, gates: new Map(), pause, places: new TurnPlaces(100, clock) };
  const commits: Commits = new Commits(
    { engine, pipeline: shared, partition, lease, state, progressed: () => undefined },
    {
      closing: ({ number }) => told.push(`closing ${number}`),
      landed: () => undefined,
      committed: ({ number }) => told.push(`committed ${number}`),
      rests: () => undefined,
      flushed: () => hooks.flushed(),
    },
  );
  const decide = () => {
    commits.draft.turns += 1;
    commits.flushSoon();
  };
  return { store, state, commits, told, decide, hooks };
}

describe('the commits of a tenure', () => {
  test('are made at the end of the turn of the event loop, one at a time', async () => {
    const { commits, told, decide, hooks } = await made();
    decide();
    decide();
    await commits.committed();
    assert.deepEqual(told, ['closing 1', 'committed 1']);
    // A turn that ends while the second commit is under way.
    hooks.flushed = () => {
      hooks.flushed = () => undefined;
      told.push('a turn has ended');
      decide();
    };
    decide();
    await setImmediate();
    await commits.committed();
    assert.deepEqual(told.slice(2), ['closing 2', 'a turn has ended', 'committed 2', 'closing 3', 'committed 3']);
  });

  test('do not begin by themselves once the tenure ends; earlier decisions are committed on request', async () => {
    const { state, commits, told, decide } = await made();
    decide();
    state.end();
    await setImmediate();
    await commits.ended();
    assert.deepEqual([told, commits.isIdle], [[], false]);
    await commits.commitRest();
    assert.deepEqual([told, commits.isIdle, commits.landed.reached], [['closing 1', 'committed 1'], true, 1]);
  });

  test('end with the first failure, which voids later decisions', async () => {
    const { store, commits, told, decide } = await made();
    await store.claim(id);
    decide();
    await setImmediate();
    decide();
    await commits.ended();
    await commits.commitRest();
    assert.deepEqual(told, ['closing 1', 'failed: MILL_STORE_FENCED']);
    assert.deepEqual([commits.isIdle, commits.landed.reached], [false, 0]);
    commits.abandon();
    assert.equal(commits.isIdle, true);
  });
});
