import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import * as z from 'zod';
import { until } from '../../test/until.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { sqlite } from '../store/sqlite/sqlite-store.ts';
import { silentLogger } from './logger.ts';
import { millrace } from './mill.ts';

test('turns that ended while another program locked the database are committed once it is free, once each', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
  const path = join(folder, 'mill.db');
  const go = Promise.withResolvers<void>();
  const counted = pipeline('counted', {
    event: z.object({ key: z.string() }),
    key: ({ key }) => key,
    state: z.object({ count: z.int() }),
    async handle(_event, state) {
      await go.promise;
      return { count: (state?.count ?? 0) + 1 };
    },
  });
  const warned = Promise.withResolvers<void>();
  const reasons: unknown[] = [];
  const log = {
    ...silentLogger,
    warn(fields: object) {
      reasons.push('code' in fields && fields.code);
      warned.resolve();
    },
  };
  const mill = millrace({ store: sqlite(path, { busyTimeoutMs: 10 }), pipelines: [counted], log });
  const other = new DatabaseSync(path, { timeout: 60_000 });
  t.after(async () => {
    await mill.stop();
    other.close();
    rmSync(folder, { recursive: true });
  });
  await mill.start();
  for (const key of ['a', 'a', 'b']) await mill.ingest('counted', { key });
  other.exec('BEGIN IMMEDIATE');
  go.resolve();
  await warned.promise;
  await assert.rejects(mill.ingest('counted', { key: 'b' }), { code: 'MILL_STORE_BUSY' });
  assert.match(mill.health().reason ?? '', /another program has locked the database/);
  other.exec('COMMIT');
  assert.ok(await mill.idle(60_000));
  await until(() => mill.health().status === 'ok');
  assert.deepEqual(await mill.state('counted', 'a'), { count: 2 });
  assert.deepEqual(await mill.state('counted', 'b'), { count: 1 }, 'what was refused is not stored');
  assert.deepEqual(reasons, ['MILL_STORE_BUSY'], 'one line in the log');
});
