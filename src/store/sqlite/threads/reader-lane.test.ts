import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { opened, temporaryFolder, undoAtEnd, visits } from '../fixture.test.ts';

/** A store with enough rows that a scan of their pairs takes hours. */
async function withRows(t: TestContext, rows = 30_000) {
  const path = join(temporaryFolder(t), 'mill.db');
  const store = await opened(t, path);
  const plain = new DatabaseSync(path);
  undoAtEnd(t, () => plain.close());
  plain.exec(`INSERT INTO millrace_log_visits (position, key, id, accepted_at, body)
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${rows}) SELECT n, 'a', 'id', 1, '1' FROM n`);
  return store;
}

const endless =
  'SELECT count(*) AS pairs FROM millrace_log_visits AS a, millrace_log_visits AS b, millrace_log_visits AS c WHERE a.body + b.body = c.key';
/** Its inner loops look at a billion rows for each row of the outer one. */
const nested =
  'SELECT count(*) AS found FROM millrace_log_visits AS a, millrace_log_visits AS b, millrace_log_visits AS c WHERE a.body < b.key';
const quick = 'SELECT count(*) AS events FROM millrace_log_visits';
const reason = new Error('the client has gone');

test('a running query ends when its signal is aborted, and its thread answers the next one', async (t) => {
  const store = await withRows(t);
  const started: unknown[] = [];
  const note = (worker: unknown) => started.push(worker);
  process.on('worker', note);
  t.after(() => process.off('worker', note));
  // From here on both threads are busy at the same time.
  await Promise.all([1, 2].map(() => store.query(quick, [], { signal: AbortSignal.timeout(20_000) })));
  for (let time = 0; time < 6; time += 1) {
    const gone = new AbortController();
    const asked = store.query(time % 2 === 0 ? endless : nested, [], { signal: gone.signal });
    setTimeout(() => gone.abort(reason), 100);
    await assert.rejects(asked, reason);
  }
  const still = AbortSignal.timeout(20_000);
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => store.query(quick, [], { signal: still }))), Array(3).fill([{ events: 30_000 }]));
  assert.ok(started.length <= 2, `${started.length} threads were started: some were left to a query that did not end`);
});

test('queries cancelled while waiting never begin, and hold nobody up', async (t) => {
  const store = await withRows(t);
  const gone = new AbortController();
  const asked = Array.from({ length: 300 }, () => store.query(endless, [], { signal: gone.signal }));
  const next = store.query(quick, [], { signal: AbortSignal.timeout(20_000) });
  gone.abort(reason);
  for (const outcome of await Promise.allSettled(asked)) assert.equal(outcome.status === 'rejected' && outcome.reason, reason);
  assert.deepEqual(await next, [{ events: 30_000 }]);
});

test('however many queries run, the engine and callers asking for keys are answered at once', async (t) => {
  const store = await withRows(t);
  const gone = new AbortController();
  const asked = Array.from({ length: 50 }, () => store.query(endless, [], { signal: gone.signal }));
  assert.equal((await store.read(visits, 0, 10)).length, 10);
  assert.equal((await store.load(visits, ['a'])).length, 1);
  assert.equal((await store.load(visits, ['a'], { signal: AbortSignal.timeout(20_000) })).length, 1);
  assert.deepEqual(await store.deadLetters({ limit: 10 }, { signal: AbortSignal.timeout(20_000) }), []);
  assert.deepEqual(await store.query(quick, []), [{ events: 30_000 }], 'the engine queries too');
  gone.abort(reason);
  await Promise.allSettled(asked);
});

test('a statement that cannot be ended keeps its thread, and others are answered', async (t) => {
  const store = await withRows(t, 10);
  const gone = new AbortController();
  // It reads no table rows.
  const counting = 'WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 30000000) SELECT max(n) AS n FROM n';
  const asked = [1, 2].map(() => store.query(counting, [], { signal: gone.signal }));
  const next = store.query(quick, [], { signal: AbortSignal.timeout(30_000) });
  gone.abort(reason);
  for (const outcome of await Promise.allSettled(asked)) assert.equal(outcome.status, 'rejected');
  assert.deepEqual(await next, [{ events: 10 }]);
});

test('a query may use the row id of a table, and an index by name', async (t) => {
  const store = await withRows(t, 3);
  const signal = AbortSignal.timeout(20_000);
  assert.deepEqual(await store.query('SELECT rowid AS place FROM millrace_log_visits WHERE rowid = ?', [2], { signal }), [{ place: 2 }]);
  await assert.rejects(store.query('SELECT absent FROM millrace_log_visits', [], { signal }), {
    code: 'MILL_INVALID_REQUEST',
    message: 'query: no such column: absent',
  });
});
