import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { isDeepStrictEqual, promisify } from 'node:util';
import { checkout, environmentOfPrograms, Program, temporaryFolder } from './program.ts';

const sums = `
import { isMainThread } from 'node:worker_threads';
import { pipeline, table } from 'millrace';
import * as z from 'zod';

const pages = table('sums', { key: 'text', sum: 'integer' }, { primaryKey: ['key'] });

export default pipeline('sums', {
  run: 'threads',
  module: import.meta.url,
  event: z.object({ key: z.string(), add: z.number() }),
  key: (event) => event.key,
  state: z.object({ sum: z.number(), isMainThread: z.boolean() }),
  tables: { pages },
  timeout: '1s',
  retry: { attempts: 1 },
  handle({ key, add }, state, turn) {
    while (key === 'endless');
    const sum = (state?.sum ?? 0) + add;
    turn.put(pages, { key, sum });
    return { sum, isMainThread };
  },
});
`;

/** Runs `millrace serve` for a module with this text, in an otherwise empty folder: no package.json, no node_modules. */
function serveModule(context: TestContext, text: string): Program {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'sums.ts'), text);
  return new Program(context, ['serve', './sums.ts', '--port', '0', '--database', 'sums.db'], { folder });
}

async function ingest(url: string, key: string, add: number): Promise<void> {
  const { status } = await fetch(`${url}/pipelines/sums/events`, { method: 'POST', body: JSON.stringify({ key, add }) });
  assert.equal(status, 202);
}

/** Asks until the key has this state: a thread has to start first, which may take longer than a read waits. */
async function until(url: string, key: string, isSo: (status: Record<string, unknown>) => boolean): Promise<void> {
  let status: Record<string, unknown>;
  do status = Object(await (await fetch(`${url}/pipelines/sums/keys/${key}`)).json());
  while (!isSo(status));
}

const hasState = (state: object) => (status: Record<string, unknown>) => isDeepStrictEqual(status.state, state);

test('a single module’s handlers run in threads, with the Millrace that serves it', async (context) => {
  const program = serveModule(context, sums);
  const url = await program.listening();
  for (const add of [1, 2, 3]) await ingest(url, 'a', add);
  await until(url, 'a', hasState({ sum: 6, isMainThread: false }));
  const { code, stderr } = await program.kill('SIGTERM');
  assert.deepEqual([code, stderr], [0, '']);
});

test('a handler that never ends affects its key, not the server', async (context) => {
  const program = serveModule(context, sums);
  const url = await program.listening();
  await ingest(url, 'endless', 1);
  await ingest(url, 'a', 1);
  await until(url, 'a', hasState({ sum: 1, isMainThread: false }));
  await until(url, 'endless', ({ status }) => status === 'parked');
  const letters = Object(await (await fetch(`${url}/dead-letters`)).json());
  assert.match(JSON.stringify(letters), /the handler did not end within 1000 ms/);
  const { code } = await program.kill('SIGTERM');
  assert.equal(code, 0);
});

test('a module that its threads cannot load is reported in one line', async (context) => {
  const text = `${sums}\nif (!isMainThread) throw new Error('not in threads');`;
  const { code, stdout, stderr } = await serveModule(context, text).ended;
  assert.match(
    stderr,
    /^millrace: pipeline sums: module: \S+sums\.ts cannot be loaded in a thread: not in threads \(\.\/sums\.ts:\d+:\d+\)\n$/,
  );
  assert.deepEqual([code, stdout], [1, '']);
});

test('flags that would prevent a thread from starting do not reach it', async () => {
  const program = `
    import { millrace } from '${checkout}src/engine/mill.ts';
    import { memory } from '${checkout}src/store/memory/memory-store.ts';
    import { heard, steps } from '${checkout}src/engine/threads/fixture.test.ts';
    const mill = await millrace({ store: memory(), pipelines: [steps, heard] }).start();
    await mill.ingest('steps', { key: 'a', n: 1 });
    const state = await mill.state('steps', 'a', { waitMs: 10_000 });
    await mill.stop();
    console.log(JSON.stringify(state));
  `;
  const words = ['--max-old-space-size=500', '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, words, { env: environmentOfPrograms() });
  assert.deepEqual(JSON.parse(stdout), { steps: [1], alarms: 0, inMainThread: false });
});
