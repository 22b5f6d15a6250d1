import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { until } from '../../../test/until.ts';
import { InboxWatch } from './inbox-watch.ts';

test('reports rows that come and rows that go, but no commits while there are none', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-watch-'));
  const db = new DatabaseSync(join(folder, 'mill.db'));
  context.after(() => {
    db.close();
    rmSync(folder, { recursive: true });
  });
  db.exec('PRAGMA journal_mode = WAL; CREATE TABLE inbox (event TEXT); CREATE TABLE others (text TEXT)');
  const seen: string[] = [];
  const watch = new InboxWatch(join(folder, 'mill.db'), async () => {
    const hasRows = db.prepare('SELECT 1 FROM inbox').get() !== undefined;
    seen.push(hasRows ? 'rows' : 'none');
    return hasRows;
  });
  context.after(watch.listen(() => seen.push('told')));
  /** Runs a statement; returns what was seen once the next query got this answer. */
  const seenAfter = async (statement: string, answer: string) => {
    seen.length = 0;
    db.exec(statement);
    await until(() => seen.includes(answer));
    await setImmediate();
    return seen.slice(seen.indexOf(answer));
  };
  const commit = "INSERT INTO others VALUES ('x')";
  await seenAfter(commit, 'none');
  assert.deepEqual(await seenAfter(commit, 'none'), ['none']);
  assert.deepEqual(await seenAfter("INSERT INTO inbox VALUES ('{}')", 'rows'), ['rows', 'told']);
  assert.deepEqual(await seenAfter('DELETE FROM inbox', 'none'), ['none', 'told']);
  assert.deepEqual(await seenAfter(commit, 'none'), ['none']);
});
