import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';

const lettersMade = 100_000;

/** Fails every event for good or, with an operation under way, applies each redriven one. Prints the progress of the operation. */
const program = `
  import * as z from 'zod';
  import { millrace, pipeline, sqlite } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)};
  const [path, what] = process.argv.slice(1);
  const orders = pipeline('orders', {
    event: z.object({ n: z.int() }),
    key: ({ n }) => String(n),
    state: z.object({ times: z.int() }),
    retry: { attempts: 1 },
    onGiveUp: 'skip',
    handle(event, state) {
      if (what === 'fail') throw new Error('order ' + event.n + ' is refused');
      return { times: (state?.times ?? 0) + 1 };
    },
  });
  const mill = await millrace({ store: sqlite(path), pipelines: [orders] }).start();
  if (what === 'fail') {
    for (let from = 0; from < ${lettersMade}; from += 1000) {
      const events = Array.from({ length: 1000 }, (_, at) => ({ n: from + at }));
      await mill.ingestBatch('orders', events);
      await mill.idle(60_000);
    }
    await mill.operate({ action: 'redrive', filter: { pipeline: 'orders', reason: 'order 1 is refused' }, startAfterMs: 0 });
    await mill.stop();
  } else {
    for (;;) {
      const [{ state, done }] = await mill.operations();
      process.send({ state, done });
      if (state === 'ended') break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await mill.idle(60_000);
    await mill.stop();
    process.disconnect();
  }
`;

interface Progress {
  readonly state: string;
  readonly done: number;
}

function run(path: string, what: 'fail' | 'redrive'): ChildProcess {
  const words = ['--input-type=module', '--eval', program, path, what];
  return spawn(process.execPath, words, { cwd: import.meta.dirname, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

/** Lets the operation continue until it has resolved this many letters, and kills the process. Returns the last reported progress. */
async function runAndKill(path: string, until: number): Promise<Progress> {
  const child = run(path, 'redrive');
  let last: Progress = { state: 'none', done: 0 };
  child.on('message', (progress: Progress) => {
    last = progress;
    if (progress.done >= until) child.kill('SIGKILL');
  });
  assert.deepEqual(await once(child, 'close'), [null, 'SIGKILL'], JSON.stringify(last));
  return last;
}

test('100,000 dead letters are redriven once each, even if the process is killed twice in between', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-redrive-'));
  const path = join(folder, 'mill.db');
  try {
    assert.deepEqual(await once(run(path, 'fail'), 'close'), [0, null]);
    const killed = [await runAndKill(path, 25_000), await runAndKill(path, 60_000)];
    for (const { state, done } of killed) assert.ok(state === 'running' && done < lettersMade, JSON.stringify(killed));
    assert.deepEqual(await once(run(path, 'redrive'), 'close'), [0, null]);
    const db = new DatabaseSync(path, { readOnly: true });
    const states = "SELECT count(*) AS keys, min(json_extract(state, '$.times')) AS least, max(json_extract(state, '$.times')) AS most";
    assert.deepEqual({ ...db.prepare(`${states} FROM millrace_keys_orders`).get() }, { keys: lettersMade, least: 1, most: 1 });
    assert.deepEqual({ ...db.prepare('SELECT count(*) AS letters FROM millrace_dead_letters').get() }, { letters: 0 });
    const counts = 'SELECT state, matched, done, refused FROM millrace_operations';
    assert.deepEqual({ ...db.prepare(counts).get() }, { state: 'ended', matched: lettersMade, done: lettersMade, refused: 0 });
    db.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
