import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { Pruned } from '../../store.ts';
import { opened, temporaryFolder, undoAtEnd, visits } from '../fixture.test.ts';

const events = 60_000;
const keptMax = 55_000;

test('events retained by dead letters are passed over in pieces, and later ones are deleted', async (t) => {
  const path = join(temporaryFolder(t), 'mill.db');
  const store = await opened(t, path);
  await store.claim(visits);
  const plain = new DatabaseSync(path);
  undoAtEnd(t, () => plain.close());
  const upTo = (count: number) => `WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${count}) SELECT`;
  plain.exec(`INSERT INTO millrace_log_visits (position, key, id, accepted_at, body) ${upTo(events)} n, 'a', 'id', n, '1' FROM c;
    INSERT INTO millrace_dead_letters (id, pipeline, slice, key, reason, failed_at, attempts, parked, resolved, position, "order")
      ${upTo(keptMax)} printf('%09d', n), 'visits', 0, 'a', 'boom', 1, 1, 0, 0, n, n FROM c;
    UPDATE millrace_partitions SET cursor = ${events}`);
  const retention = { partition: visits, acceptedBefore: events + 1, idsBefore: 0, limit: 2_000 };
  const round = async () => {
    let removed = 0;
    for (let after: number | null = 0; after !== null; ) {
      const pruned: Pruned = await store.prune({ ...retention, after });
      assert.ok(pruned.after === null || pruned.after - after <= retention.limit, 'a piece is bounded');
      removed += pruned.count;
      after = pruned.after;
    }
    return removed;
  };
  assert.equal(await round(), events - keptMax);
  const [left] = await store.query('SELECT count(*) AS events, max(position) AS last FROM millrace_log_visits', []);
  assert.deepEqual(left, { events: keptMax, last: keptMax });
  // Events that are no longer retained go in a later round.
  plain.exec("DELETE FROM millrace_dead_letters WHERE id <= '000000010'");
  assert.equal(await round(), 10);
});
