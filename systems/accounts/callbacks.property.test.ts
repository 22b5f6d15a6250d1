import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { testMill } from '../../src/testing/index.ts';
import type { Happening } from './happening.ts';
import { accountsPipeline } from './pipeline.ts';
import { accountsTable, updatesTable } from './tables.ts';

const startAt = Date.UTC(2026, 0, 1);

const arrivals = fc.array(
  fc.record({
    /** Time since the previous one, in milliseconds. */
    afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1000 })),
    id: fc.constantFrom('a', 'b', 'c'),
    version: fc.integer({ min: 0, max: 9 }),
    callbackTimeMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2000 })),
    /** True if the power is cut once it is handled. */
    crash: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  }),
  { minLength: 1, maxLength: 16 },
);
type Arrival = typeof arrivals extends fc.Arbitrary<(infer One)[]> ? One : never;

/** The expected fate of a version. Times are milliseconds from the start. */
interface Fate {
  readonly id: string;
  readonly version: number;
  readonly indexedAt: number;
  callbackAt?: number;
  cancelledAt?: number;
  cancelledBy?: number;
}

/** The rules, from the moments of arrival alone. */
function fatesOf(sequence: readonly Arrival[]): readonly Fate[] {
  const fates: Fate[] = [];
  const pending = new Map<string, { readonly fate: Fate; readonly dueAt: number }>();
  const newest = new Map<string, number>();
  let now = 0;
  for (const { afterMs, id, version, callbackTimeMs } of sequence) {
    now += afterMs;
    if (version <= (newest.get(id) ?? -1)) continue;
    newest.set(id, version);
    const before = pending.get(id);
    if (before !== undefined && before.dueAt > now) Object.assign(before.fate, { cancelledAt: now, cancelledBy: version });
    else if (before !== undefined) before.fate.callbackAt = before.dueAt;
    const fate = { id, version, indexedAt: now };
    fates.push(fate);
    pending.set(id, { fate, dueAt: now + callbackTimeMs });
  }
  for (const { fate, dueAt } of pending.values()) fate.callbackAt = dueAt;
  return fates;
}

function linesOf({ id, version, indexedAt, callbackAt, cancelledAt, cancelledBy }: Fate): readonly string[] {
  const end =
    callbackAt === undefined ? `${cancelledAt} cancelled ${id} ${version} ${cancelledBy}` : `${callbackAt} callback ${id} ${version}`;
  return [`${indexedAt} indexed ${id} ${version}`, end];
}

test('every indexed version fires once, when it is due, or is cancelled once by a newer one; versions only rise', async () => {
  const property = fc.asyncProperty(arrivals, fc.boolean(), async (sequence, crashBeforeCommit) => {
    const told: string[] = [];
    const observe = ({ at, event, id, version, ...more }: Happening) => {
      if (event !== 'ignored') told.push([at - startAt, event, id, version, ...Object.values(more)].join(' '));
    };
    const t = await testMill({ pipelines: [accountsPipeline(observe)], startAt, crashBeforeCommit });
    const versions = new Map<string, number>();
    for (const { afterMs, crash, ...update } of sequence) {
      await t.advance(afterMs);
      await t.ingest('accounts', { ...update, accountType: 'escrow', tokens: 1 });
      await t.drain();
      for (const { id, version } of await t.rows(accountsTable)) {
        assert.ok(version >= (versions.get(id) ?? 0), 'a version fell');
        versions.set(id, version);
      }
      if (crash) await t.crash();
    }
    await t.advance(2001);
    const fates = fatesOf(sequence);
    const since = (text: string | null) => (text === null ? undefined : Date.parse(text) - startAt);
    const stored = (await t.rows(updatesTable)).map((row) => ({
      ...{ id: row.id, version: row.version, indexedAt: since(row.indexed_at) },
      ...{ callbackAt: since(row.callback_at), cancelledAt: since(row.cancelled_at), cancelledBy: row.cancelled_by ?? undefined },
    }));
    const nothing = { callbackAt: undefined, cancelledAt: undefined, cancelledBy: undefined };
    const inOrder = fates.map((fate) => ({ ...nothing, ...fate })).sort((a, b) => (`${a.id}${a.version}` < `${b.id}${b.version}` ? -1 : 1));
    assert.deepEqual(stored, inOrder);
    // After a failed commit the turns run again, and report everything again.
    const toldOnce = crashBeforeCommit ? [...new Set(told)] : told;
    assert.deepEqual(toldOnce.sort(), fates.flatMap(linesOf).sort());
    await t.stop();
  });
  await fc.assert(property, { numRuns: 1_000 });
});
