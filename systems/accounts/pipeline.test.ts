import assert from 'node:assert/strict';
import { type TestMillOptions, testMill } from '../../src/testing/index.ts';
import { type StoreContext, testOn } from '../stores.fixture.test.ts';
import { type Happening, logHappening } from './happening.ts';
import { accountsPipeline } from './pipeline.ts';
import { accountsTable, updatesTable } from './tables.ts';

const test = testOn('memory', 'postgres', 'mariadb');
/** For tests that sweep three thousand times. */
const longTest = testOn('memory', 'postgres');

const startAt = Date.UTC(2026, 0, 1);

/** The accounts on a clock that stands still at 0; happenings are recorded with their times. */
async function start(context: StoreContext, options: Omit<TestMillOptions, 'pipelines'> = {}) {
  const told: string[] = [];
  const observe = ({ at, event, id, version, ...more }: Happening) => {
    told.push([at - startAt, event, id, `v${version}`, ...Object.entries(more).map(([name, value]) => `${name} v${value}`)].join(' '));
  };
  const t = await testMill({
    pipelines: [accountsPipeline(observe)],
    startAt,
    store: context.openStore({ isVirtual: true }).store,
    ...options,
  });
  context.after(() => t.stop());
  const at = async (ms: number) => t.advance(startAt + ms - t.clock.now());
  const take = async (id: string, version: number | undefined, callbackTimeMs: number, changes: object = {}) => {
    await t.ingest('accounts', { ...anUpdate, id, callbackTimeMs, ...(version === undefined ? {} : { version }), ...changes });
    await t.drain();
  };
  return { t, told, at, take };
}

const anUpdate = { accountType: 'escrow', tokens: 5, data: {} };

test('version 1 with a callback of 400 ms, indexed at 550, calls back at 950', async (context) => {
  const { told, at, take } = await start(context);
  await at(550);
  await take('a', 1, 400);
  await at(2000);
  assert.deepEqual(told, ['550 indexed a v1', '950 callback a v1']);
});

test('version 3 at 650 cancels the callback of version 1 from 550, and calls back at 1050', async (context) => {
  const { told, at, take } = await start(context);
  await at(550);
  await take('a', 1, 400);
  await at(650);
  await take('a', 3, 400);
  await at(2000);
  assert.deepEqual(told, ['550 indexed a v1', '650 indexed a v3', '650 cancelled a v1 by v3', '1050 callback a v3']);
});

longTest('a version that is not newer is ignored and does not affect the callback', async (context) => {
  const { t, told, at, take } = await start(context);
  const hourMs = 3_600_000;
  await take('a', 3, 48 * hourMs);
  await at(100);
  await take('a', 2, 10);
  // Before that it would be a duplicate.
  await at(25 * hourMs);
  await take('a', 3, 10);
  await at(49 * hourMs);
  assert.deepEqual(told, [
    '0 indexed a v3',
    '100 ignored a v2 current v3',
    `${25 * hourMs} ignored a v3 current v3`,
    `${48 * hourMs} callback a v3`,
  ]);
  assert.equal(t.mill.counts().accounts?.ignored, 2);
});

test('an update without a version has version 0, which counts as a version', async (context) => {
  const { told, at, take } = await start(context);
  await take('a', undefined, 100);
  await take('a', 1, 100);
  await take('a', 0, 100, { tokens: 6 });
  await at(1000);
  assert.deepEqual(told, ['0 indexed a v0', '0 indexed a v1', '0 cancelled a v0 by v1', '100 callback a v1']);
});

test('a callback of 0 ms fires at once, after the indexed line, and nothing cancels it', async (context) => {
  const { t, told, at, take } = await start(context);
  await take('a', 1, 400);
  await t.ingestBatch('accounts', [
    { ...anUpdate, id: 'a', version: 2, callbackTimeMs: 0 },
    { ...anUpdate, id: 'a', version: 3, callbackTimeMs: 7 },
  ]);
  await at(1000);
  assert.deepEqual(told, [
    ...['0 indexed a v1', '0 indexed a v2', '0 cancelled a v1 by v2', '0 callback a v2'],
    ...['0 indexed a v3', '7 callback a v3'],
  ]);
});

test('a callback that came due while nothing ran fires at the start, late, before a newer version can cancel it', async (context) => {
  const { t, told, at, take } = await start(context);
  await take('a', 1, 400);
  await take('b', 1, 400);
  await t.mill.stop({ timeoutMs: 0 });
  await at(5000);
  await t.start();
  await t.mill.ingest('accounts', { ...anUpdate, id: 'a', version: 2, callbackTimeMs: 10 });
  await t.drain();
  await at(9000);
  const ofB = told.filter((line) => line.includes(' b '));
  assert.deepEqual(ofB, ['0 indexed b v1', '5000 callback b v1']);
  const ofA = told.filter((line) => line.includes(' a '));
  assert.deepEqual(ofA, ['0 indexed a v1', '5000 callback a v1', '5000 indexed a v2', '5010 callback a v2']);
});

test('a version accepted when the previous callback was due does not cancel it, however late both are handled', async (context) => {
  const { t, told, at } = await start(context);
  // Nothing is handled until this function waits.
  const first = t.ingest('accounts', { ...anUpdate, id: 'a', version: 1, callbackTimeMs: 400 });
  t.clock.turnToNextAlarm(startAt + 400);
  const second = t.ingest('accounts', { ...anUpdate, id: 'a', version: 2, callbackTimeMs: 1000 });
  t.clock.turnToNextAlarm(startAt + 500);
  const third = t.ingest('accounts', { ...anUpdate, id: 'a', version: 3, callbackTimeMs: 50 });
  t.clock.turnToNextAlarm(startAt + 900);
  await Promise.all([first, second, third]);
  await at(2000);
  assert.deepEqual(told, [
    ...['0 indexed a v1', '900 callback a v1', '400 indexed a v2'],
    ...['500 indexed a v3', '500 cancelled a v2 by v3', '900 callback a v3'],
  ]);
});

test('the tables hold the latest version of each account, and each version with its callback’s fate', async (context) => {
  const { t, at, take } = await start(context);
  await take('a', 1, 400, { data: { deep: [1] } });
  await at(100);
  await take('a', 2, 300, { accountType: 'mint', tokens: Number.MAX_SAFE_INTEGER });
  const row = { id: 'a', account_type: 'mint', tokens: Number.MAX_SAFE_INTEGER, version: 2, data: {}, callback_time_ms: 300 };
  const account = { ...row, callback_due_at: '2026-01-01T00:00:00.400Z', updated_at: '2026-01-01T00:00:00.100Z' };
  assert.deepEqual(await t.rows(accountsTable), [account]);
  await at(500);
  assert.deepEqual(await t.rows(accountsTable), [{ ...account, callback_due_at: null }]);
  assert.deepEqual(await t.rows(updatesTable), [
    {
      ...{ id: 'a', account_type: 'escrow', tokens: 5, version: 1, data: { deep: [1] }, callback_time_ms: 400 },
      ...{ indexed_at: '2026-01-01T00:00:00.000Z', callback_at: null, cancelled_at: '2026-01-01T00:00:00.100Z', cancelled_by: 2 },
    },
    { ...row, indexed_at: '2026-01-01T00:00:00.100Z', callback_at: '2026-01-01T00:00:00.400Z', cancelled_at: null, cancelled_by: null },
  ]);
});

test('the same version of the same account is a duplicate', async (context) => {
  const { t, take } = await start(context);
  await take('a', 1, 400);
  assert.equal((await t.ingest('accounts', { ...anUpdate, id: 'a', version: 1, tokens: 9, callbackTimeMs: 1 })).status, 'duplicate');
  assert.equal((await t.ingest('accounts', { ...anUpdate, id: 'a', version: 2, callbackTimeMs: 1 })).status, 'accepted');
});

test('by default happenings are logged with account and version', (_context) => {
  const logged: unknown[] = [];
  const write = (level: string) => (message: string, fields?: object) => logged.push([level, message, fields]);
  const log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  logHappening({ event: 'cancelled', id: 'a', version: 1, by: 3, at: 5 }, { log });
  logHappening({ event: 'ignored', id: 'a', version: 1, current: 3, at: 5 }, { log });
  assert.deepEqual(logged, [['info', 'cancelled', { id: 'a', version: 1, by: 3, at: 5 }]]);
});
