import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { declaration, opened, otherProcess, temporaryFolder, visit } from '../fixture.test.ts';
import { sqlite } from '../sqlite-store.ts';
import { backUpSqlite } from './backup.ts';

/**
 * Backs up, restores, or puts a file in its place, and is killed before the nth call that changes files: a call to the file system, or a
 * statement. Ends normally if it makes fewer calls.
 */
const program = `
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  import { DatabaseSync } from 'node:sqlite';
  const [module, command, from, to, before] = process.argv.slice(1);
  let calls = 0;
  function count(target, name) {
    const original = target[name];
    target[name] = function (...parameters) {
      calls += 1;
      if (calls === Number(before)) process.kill(process.pid, 'SIGKILL');
      return original.apply(this, parameters);
    };
  }
  const { [command]: run } = await import(${JSON.stringify(new URL('./', import.meta.url).href)} + module);
  for (const name of ['openSync', 'closeSync', 'fsyncSync', 'renameSync', 'rmSync', 'chmodSync']) count(fs, name);
  for (const name of ['exec', 'prepare', 'close']) count(DatabaseSync.prototype, name);
  syncBuiltinESMExports();
  await run(from, to, { force: true, signal: new AbortController().signal });
`;

const commands = {
  backup: ['backup.ts', 'backUpSqlite'],
  restore: ['restore.ts', 'restoreSqlite'],
  put: ['put-in-place.ts', 'putInPlace'],
} as const;

/** Returns whether it was killed. */
function killedBefore(call: number, command: keyof typeof commands, from: string, to: string): boolean {
  const words = ['--input-type=module', '--eval', program, ...commands[command], from, to, String(call)];
  const { signal, status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  assert.ok(signal === 'SIGKILL' || status === 0, stderr);
  return signal === 'SIGKILL';
}

interface Scene {
  /** Has three events, whose upper-case keys are in the log only. */
  readonly old: string;
  /** Has two events. */
  readonly backup: string;
}

/** Makes the files of a database whose last commit is in its write-ahead log, as a crash leaves them, and of a backup. */
async function scene(t: TestContext): Promise<Scene> {
  const folder = temporaryFolder(t);
  const [old, backup] = [join(folder, 'old.db'), join(folder, 'backup.db')];
  const store = await opened(t, old);
  await store.append([visit(), visit()]);
  await backUpSqlite(old, backup, { force: false, signal: new AbortController().signal });
  await store.append([visit()]);
  await store.close();
  const other = await otherProcess(t, old);
  await other.exec('UPDATE millrace_log_visits SET key = upper(key)');
  await other.kill();
  assert.ok(existsSync(`${old}-wal`));
  return { old, backup };
}

/** Copies the files to a new folder. */
function copyOf(path: string, folder: string): string {
  mkdirSync(folder);
  const copy = join(folder, 'mill.db');
  for (const suffix of ['', '-wal', '-shm']) if (existsSync(`${path}${suffix}`)) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
  return copy;
}

function keysIn(path: string): readonly unknown[] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    assert.equal(db.prepare('PRAGMA integrity_check').get()?.integrity_check, 'ok');
    return db
      .prepare('SELECT key FROM millrace_log_visits ORDER BY position')
      .all()
      .map(({ key }) => key);
  } finally {
    db.close();
  }
}

async function isOpenedByAnEngine(path: string): Promise<void> {
  const store = sqlite(path);
  await store.open(declaration);
  assert.equal((await store.append([visit()]))[0]?.status, 'accepted');
  await store.close();
}

function logsOf(path: string): readonly string[] {
  return ['-wal', '-shm', '-journal'].filter((suffix) => existsSync(`${path}${suffix}`));
}

describe('kill -9 before each step', () => {
  test('of putting a database in place leaves the old one or the new one, whole', async (t) => {
    const { old, backup } = await scene(t);
    const [before, after] = [keysIn(old), keysIn(backup)];
    assert.deepEqual([before.length, after.length, before.some((key) => after.includes(key))], [3, 2, false]);
    const found: number[] = [];
    for (let [call, isKilled] = [1, true]; isKilled; call++) {
      const path = copyOf(old, join(temporaryFolder(t), 'data'));
      copyFileSync(backup, `${path}-complete`);
      isKilled = killedBefore(call, 'put', `${path}-complete`, path);
      // It is usable, and an engine opens it before anybody else has looked.
      await isOpenedByAnEngine(path);
      const keys = keysIn(path).slice(0, -1);
      assert.deepEqual(keys, keys.length === 3 ? before : after, `before call ${call}`);
      found.push(keys.length);
    }
    assert.deepEqual([found.at(0), found.at(-1), new Set(found).size], [3, 2, 2]);
    assert.ok(found.length > 10, `${found.length} calls`);
  });

  test('of replacing a damaged one leaves it, or the new one without its log', async (t) => {
    const { old, backup } = await scene(t);
    const after = keysIn(backup);
    for (let [call, isKilled] = [1, true]; isKilled; call++) {
      const path = copyOf(old, join(temporaryFolder(t), 'data'));
      for (const suffix of ['', '-shm']) writeFileSync(`${path}${suffix}`, 'x'.repeat(10_000));
      writeFileSync(`${path}-wal`, 'x');
      copyFileSync(backup, `${path}-complete`);
      isKilled = killedBefore(call, 'put', `${path}-complete`, path);
      const isOld = readFileSync(path, 'latin1').startsWith('xxx');
      assert.equal(isOld && !isKilled, false);
      if (isOld) continue;
      assert.deepEqual(logsOf(path), []);
      assert.deepEqual(keysIn(path), after);
    }
  });

  // Each run takes half a second, so not every call is tried: the important ones are above.
  test('of a restore leaves the old database or the new one, and the next restore succeeds', async (t) => {
    const { old, backup } = await scene(t);
    const [before, after] = [keysIn(old), keysIn(backup)];
    for (let [call, isKilled] = [2, true]; isKilled; call += 7) {
      const path = copyOf(old, join(temporaryFolder(t), 'data'));
      isKilled = killedBefore(call, 'restore', backup, path);
      const keys = keysIn(path);
      assert.deepEqual(keys, keys.length === 3 ? before : after, `before call ${call}`);
      if (!isKilled) continue;
      assert.equal(killedBefore(0, 'restore', backup, path), false);
      assert.deepEqual(keysIn(path), after);
      assert.deepEqual(
        readdirSync(join(path, '..')).filter((name) => name.includes('partial')),
        [],
      );
    }
  });

  test('of a backup leaves no file under its name, and the next one deletes the remains', async (t) => {
    const { old } = await scene(t);
    const source = keysIn(old);
    for (let [call, isKilled] = [3, true]; isKilled; call += 7) {
      const place = join(temporaryFolder(t), 'copy.db');
      isKilled = killedBefore(call, 'backup', old, place);
      assert.ok(isKilled || existsSync(place));
      if (existsSync(place)) assert.deepEqual(keysIn(place), source, `before call ${call}`);
      if (!isKilled) continue;
      assert.equal(killedBefore(0, 'backup', old, place), false);
      assert.deepEqual(
        readdirSync(join(place, '..')).filter((name) => !/-(shm|wal)$/.test(name)),
        ['copy.db'],
      );
    }
    assert.deepEqual(keysIn(old), source);
  });
});
