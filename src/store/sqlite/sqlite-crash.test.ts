import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { table } from '../../pipeline/table.ts';
import type { StoreDeclaration } from '../store.ts';
import { sqlite } from './sqlite-store.ts';

const visits = { pipeline: 'visits', slice: 0 };
const steps = table('steps', { cursor: 'integer' }, { primaryKey: ['cursor'] });
const declaration: StoreDeclaration = { pipelines: [{ name: 'visits', numbered: false }], tables: [steps] };

/**
 * Opens the database and runs several appenders at once, beside commits that write one row for each step of the cursor. Prints each id once
 * it is accepted, and each cursor once it is committed.
 */
const program = `
  import { sqlite } from ${JSON.stringify(new URL('./sqlite-store.ts', import.meta.url).href)};
  const [path, run] = process.argv.slice(1);
  const store = sqlite(path);
  await store.open(${JSON.stringify(declaration)});
  const visits = { pipeline: 'visits', slice: 0 };
  const lease = await store.claim(visits);
  async function append(side) {
    for (let i = 0; ; i++) {
      const id = [run, side, i].join('-');
      const [answer] = await store.append([{ partition: visits, key: side, id, knownSince: 0, number: null, acceptedAt: Date.now(), body: '{}', traceparent: null, origin: null }]);
      console.log(answer.status, id, answer.position);
    }
  }
  async function commit() {
    const nothing = { holds: [], gaps: [], releases: [], keys: [], timers: [], outcomes: [], deliveries: [], deadLetters: [], resolvedDeadLetters: [], sends: [] };
    for (let next = lease.standing.cursor + 1; ; next++) {
      await lease.commit({ cursor: next, ...nothing, rows: [{ table: 'steps', write: 'add', rows: [[next]] }] });
      console.log('committed', next);
    }
  }
  await Promise.all([append('a'), append('b'), append('c'), commit()]);
`;

/** Runs the program until it has printed this many lines, kills it, and returns everything it printed. */
async function runAndKill(path: string, run: number, lineCount: number): Promise<string[]> {
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '--eval', program, path, String(run)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.ok(child.stdout);
  const lines: string[] = [];
  const ended = once(child, 'close');
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (lines.length === lineCount) child.kill('SIGKILL');
  }
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  return lines;
}

test('acknowledged events survive kill -9, once each, and the next start takes over at once (promises 1, 2, 8)', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-'));
  const path = join(folder, 'test.db');
  const store = sqlite(path);
  try {
    for (const [run, lineCount] of [40, 150, 333].entries()) {
      const lines = await runAndKill(path, run, lineCount);
      await store.open(declaration);
      const { cursor, head } = (await store.claim(visits)).standing;
      const log = await store.read(visits, 0, 100_000);
      assert.deepEqual(
        log.map(({ position }) => position),
        Array.from({ length: log.length }, (_, i) => i + 1),
      );
      assert.equal(head, Math.max(log.length, cursor));
      const positions = new Map(log.map(({ id, position }) => [id, position]));
      assert.equal(positions.size, log.length, 'an id is there twice');
      for (const line of lines) {
        const [what, id = '', position] = line.split(' ');
        if (what === 'committed') assert.ok(Number(id) <= cursor, line);
        else assert.equal(positions.get(id), Number(position), line);
      }
      assert.deepEqual(await store.query('SELECT count(*) AS count, max(cursor) AS last FROM steps', []), [
        { count: cursor, last: cursor || null },
      ]);
      await store.close();
    }
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
});

test('a database whose owner runs elsewhere is refused, and can be opened once that process is killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-'));
  const path = join(folder, 'test.db');
  const store = sqlite(path);
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', program, path, 'owner'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const closed = once(owner, 'close');
    await Promise.race([once(owner.stdout, 'data'), closed.then(() => assert.fail('the owner could not start'))]);
    await assert.rejects(store.open(declaration), {
      code: 'MILL_STORE_OWNED',
      message: new RegExp(`^${path}: owned by process ${owner.pid} on `),
    });
    owner.kill('SIGKILL');
    owner.stdout.resume();
    await closed;
    await store.open(declaration);
    await store.claim(visits);
  } finally {
    owner.kill('SIGKILL');
    await store.close();
    await rm(folder, { recursive: true });
  }
});
