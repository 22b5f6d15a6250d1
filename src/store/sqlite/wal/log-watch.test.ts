import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Store, StoreLogger } from '../../store.ts';
import { declaration, otherProcess, temporaryFolder, undoAtEnd, visit } from '../fixture.test.ts';
import { sqlite } from '../sqlite-store.ts';

const mebibyte = 1024 * 1024;

async function grow(store: Store, isEnough: () => boolean | Promise<boolean>): Promise<void> {
  for (let times = 0; !(await isEnough()); times += 1) {
    assert.ok(times < 1_000, 'in vain');
    await store.append([visit(mebibyte / 2), visit(mebibyte / 2)]);
  }
}

const bytesOf = async (store: Store) => (await store.stats()).logBytes;

test('the log’s size is always available, and a reader that keeps it growing is reported in the log given at the opening, even across a restart', async (t) => {
  const path = join(temporaryFolder(t), 'mill.db');
  const lines: { readonly level: string; readonly fields: Readonly<Record<string, unknown>>; readonly line: string }[] = [];
  const keep = (level: string) => (fields: object, line: string) => void lines.push({ level, fields: { ...fields }, line });
  const log: StoreLogger = { info: keep('info'), warn: keep('warn') };
  const store = sqlite(path);
  assert.equal(await bytesOf(store), 0);
  await store.open(declaration, log);
  await store.append([visit()]);
  const other = await otherProcess(t, path);
  await other.exec('BEGIN; SELECT count(*) FROM millrace_log_visits');
  await grow(store, async () => (await bytesOf(store)) > 60 * mebibyte);
  await store.close();
  assert.ok((await bytesOf(store)) > 60 * mebibyte, 'the reader still needs it');
  assert.equal(lines.length, 0);

  await store.open(declaration, log);
  undoAtEnd(t, () => store.close());
  await grow(store, () => lines.length > 0);
  const [warning] = lines;
  assert.equal(warning?.level, 'warn');
  assert.match(warning?.line ?? '', /a reader keeps a transaction open/);
  if (process.platform === 'linux') assert.match(warning?.line ?? '', new RegExp(`process ${other.pid};`));
  assert.equal(warning?.fields.file, `${path}-wal`);
  const bytes = Number(warning?.fields.bytes);
  assert.ok(bytes >= 128 * mebibyte && bytes <= (await bytesOf(store)), `${bytes} bytes`);

  await other.exec('COMMIT');
  await grow(store, () => lines.length > 1);
  assert.equal(lines[1]?.level, 'info');
  assert.equal(lines.length, 2);
  assert.ok((await bytesOf(store)) < 128 * mebibyte, 'it is cut back');
});
