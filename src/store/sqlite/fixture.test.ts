import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { NewEvent, Store, StoreDeclaration } from '../store.ts';
import { type SqliteOptions, sqlite } from './sqlite-store.ts';

export const visits = { pipeline: 'visits', slice: 0 };
export const declaration: StoreDeclaration = { pipelines: [{ name: 'visits', numbered: false }], tables: [] };

/** An event with a body of about this many characters, for a pipeline without keys. */
export function visit(bodyLength = 1): NewEvent {
  const body = JSON.stringify('x'.repeat(bodyLength));
  const named = { partition: visits, key: 'a', id: 'id', knownSince: null, number: null };
  return { ...named, acceptedAt: 1_750_000_000_000, body, traceparent: null, origin: null };
}

/** A store that is closed when the test ends. */
export async function opened(t: TestContext, path: string, options?: SqliteOptions): Promise<Store> {
  const store = sqlite(path, options);
  await store.open(declaration);
  undoAtEnd(t, () => store.close());
  return store;
}

/** The positions in the log of a store. */
export async function positionsIn(store: Store): Promise<readonly number[]> {
  return (await store.read(visits, 0, 1_000)).map(({ position }) => position);
}

const undoings = new WeakMap<TestContext, (() => unknown)[]>();

/** Undoes something when the test ends, in reverse order: a mount inside a folder is removed before the folder. */
export function undoAtEnd(t: TestContext, undo: () => unknown): void {
  let ours = undoings.get(t);
  if (ours === undefined) {
    ours = [];
    undoings.set(t, ours);
    t.after(async () => {
      for (const undoing of ours?.reverse() ?? []) await undoing();
    });
  }
  ours.push(undo);
}

/** A folder that is gone when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
  undoAtEnd(t, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Mounts a file or folder at another place until the test ends; returns false and skips the test if that is not permitted. */
export function bindMountOrSkip(t: TestContext, from: string, to: string): boolean {
  try {
    execFileSync('mount', ['--bind', from, to], { stdio: 'pipe' });
  } catch {
    t.skip('only root on Linux may mount');
    return false;
  }
  undoAtEnd(t, () => execFileSync('umount', ['--lazy', to]));
  return true;
}

/**
 * A small file system in memory, mounted in a folder of this name until the test ends; returns undefined and skips the test if that is not
 * permitted.
 */
export function mountOrSkip(t: TestContext, point: string, size = '1m'): string | undefined {
  mkdirSync(point);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', point], { stdio: 'pipe' });
  } catch {
    t.skip('only root on Linux may mount a file system');
    return undefined;
  }
  undoAtEnd(t, () => execFileSync('umount', ['--lazy', point]));
  return point;
}

/** Another process with a connection to a database, which runs the SQL it is given. */
export interface OtherProcess {
  readonly pid: number;
  /** Resolves when it has run. */
  exec(sql: string): Promise<void>;
  end(): Promise<void>;
  /** Kills it like a crash. Resolves when the process and its locks are gone. */
  kill(): Promise<void>;
}

const otherProgram = `
  const { DatabaseSync } = require('node:sqlite');
  const db = new DatabaseSync(process.argv[1], { timeout: 5000 });
  process.on('message', (sql) => {
    for (const one of sql.split(';')) if (one.trim()) db.prepare(one).all();
    process.send('done');
  });
  process.on('disconnect', () => process.exit());
  process.send('ready');`;

export async function otherProcess(t: TestContext, path: string): Promise<OtherProcess> {
  const child: ChildProcess = spawn(process.execPath, ['-e', otherProgram, path], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  undoAtEnd(t, () => child.kill('SIGKILL'));
  const answered = async () => {
    const [answer] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
    assert.equal(typeof answer, 'string', `it has ended: ${answer}`);
  };
  await answered();
  return {
    pid: child.pid ?? 0,
    async exec(sql) {
      child.send(sql);
      await answered();
    },
    async end() {
      const exit = once(child, 'exit');
      child.disconnect();
      await exit;
    },
    async kill() {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
