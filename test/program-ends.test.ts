import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { checkout, Program, temporaryFolder } from './program.ts';

const jobs = `
import { exit as imported } from 'node:process';
import { pipeline } from 'millrace';
import * as z from 'zod';

const { exit: taken } = process;
const exits = Promise.withResolvers<void>();

const deeds: Record<string, (turn: { signal: AbortSignal }) => void | Promise<unknown>> = {
  nothing: () => undefined,
  exit: () => process.exit(),
  imported: () => imported(0),
  taken: () => taken(),
  code: () => process.exit(3),
  'exit later': () => {
    exits.resolve();
    return new Promise(() => setTimeout(() => process.exit(0)));
  },
  'exit after': async () => {
    await null;
    process.exit(0);
  },
  'outlast an exit': () => exits.promise.then(() => new Promise((resolve) => setTimeout(resolve, 300))),
  'broken engine': () =>
    void setImmediate(() => {
      throw Object.assign(new Error('broken'), { stack: 'Error: broken\\n    at Door.take (${pathToFileURL(checkout).href}src/engine/door.ts:1:1)' });
    }),
  'abort listener': ({ signal }) => {
    signal.addEventListener('abort', () => {
      throw new Error('cannot abort');
    });
    return new Promise(() => undefined);
  },
  'late in a turn': async () => {
    setTimeout(() => {
      throw new Error('too late');
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
  },
};

export default pipeline('jobs', {
  event: z.object({ job: z.string(), does: z.string() }),
  key: ({ job }) => job,
  state: z.object({ count: z.number() }),
  retry: { attempts: 2, backoff: 1_000, jitter: 0 },
  timeout: 200,
  async handle({ does }, state, turn) {
    await deeds[does]?.(turn);
    return { count: (state?.count ?? 0) + 1 };
  },
});

export const patient = pipeline('patient', {
  event: z.object({ job: z.string(), does: z.string() }),
  key: ({ job }) => job,
  handle: async ({ does }, _state, turn) => void (await deeds[does]?.(turn)),
});

export const plain = pipeline('plain', {
  event: z.object({ job: z.string(), does: z.string() }),
  key: ({ job }) => job,
  retry: { attempts: 2, backoff: 1_000, jitter: 0 },
  handle: ({ does }, _state, turn) => void deeds[does]?.(turn),
});
`;

function folderOf(context: TestContext): string {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'jobs.ts'), jobs);
  return folder;
}

function serve(context: TestContext, folder: string): Program {
  return new Program(context, ['serve', './jobs.ts', '--port', '0', '--database', './mill.db'], { folder });
}

async function post(url: string, job: string, does: string, pipeline = 'jobs'): Promise<void> {
  const answer = await fetch(`${url}/pipelines/${pipeline}/events`, { method: 'POST', body: JSON.stringify({ job, does }) });
  assert.equal(answer.status, 202);
}

async function get(url: string, path: string) {
  return Object(await (await fetch(`${url}${path}`)).json());
}

/** Returns the state of a key of `jobs`, once it has one: a read waits for its turn, but not for long. */
async function stateOf(url: string, key: string): Promise<unknown> {
  for (;;) {
    const { state } = await get(url, `/pipelines/jobs/keys/${key}`);
    if (state !== undefined) return state;
  }
}

function linesOf({ stderr }: Program): readonly Record<string, unknown>[] {
  return stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

for (const [does, pipeline] of [
  ['exit', 'plain'],
  ['exit later', 'jobs'],
] as const) {
  test(`promises 4 and 9: an event whose handler ends the process each time (${does}) is a dead letter after its attempts`, async (context) => {
    const folder = folderOf(context);
    const first = serve(context, folder);
    await post(await first.listening(), 'a', does, pipeline);
    assert.equal((await first.ended).code, 1);
    const line = linesOf(first).find(({ msg }) => msg === 'the served program called process.exit(): stopping');
    assert.equal(line?.level, 'error');
    assert.match(String(line?.stack), /jobs\.ts:\d+/);
    assert.deepEqual([Object(line?.turn).key, Object(line?.turn).attempt], ['a', 1]);
    assert.equal((await serve(context, folder).ended).code, 1);
    const third = serve(context, folder);
    const url = await third.listening();
    const [letter] = (await get(url, '/dead-letters')).items;
    assert.deepEqual([letter.key, letter.attempts], ['a', 2]);
    assert.equal(letter.reason, 'the served program called process.exit(0); it must throw instead');
    await post(url, 'b', 'nothing');
    assert.deepEqual(await stateOf(url, 'b'), { count: 1 });
    assert.equal((await third.kill('SIGTERM')).code, 0);
  });
}

test('however the program calls process.exit(), it fails the attempt, and never succeeds', async (context) => {
  for (const [does, code, pipeline] of [
    ['imported', 1, 'plain'],
    ['taken', 1, 'plain'],
    ['code', 3, 'plain'],
    ['exit after', 1, 'jobs'],
  ] as const) {
    const program = serve(context, folderOf(context));
    await post(await program.listening(), 'a', does, pipeline);
    assert.equal((await program.ended).code, code, does);
    assert.match(program.stderr, /"attempt":1,.*"msg":"attempt failed"/);
  }
});

test('a process.exit() of the program lets work under way end, and does not wait for the call’s own turn', async (context) => {
  const folder = folderOf(context);
  const program = serve(context, folder);
  const url = await program.listening();
  await post(url, 'slow', 'outlast an exit', 'patient');
  await post(url, 'a', 'exit later');
  await program.ended;
  const line = linesOf(program).find(({ msg }) => msg === 'the served program called process.exit(): stopping');
  assert.equal(line?.underWay, 2);
  assert.deepEqual(
    Object(line?.turns).map(({ key }: { key: string }) => key),
    ['slow', 'a'],
  );
});

test('a failure of Millrace itself ends the process gracefully, says which turns are under way, and is not a success', async (context) => {
  const folder = folderOf(context);
  const program = serve(context, folder);
  const url = await program.listening();
  await post(url, 'a', 'broken engine', 'plain');
  assert.equal((await program.ended).code, 1);
  const [line] = linesOf(program).filter(({ level }) => level === 'error');
  assert.deepEqual([line?.msg, line?.reason, line?.underWay], ['Millrace itself failed: stopping', 'broken', 0]);
  const next = serve(context, folder);
  assert.deepEqual((await get(await next.listening(), '/dead-letters')).items, []);
});

test('an exception in a signal listener, or one left behind by a turn, ends no process, is counted, and is logged, with the turn if it began in one', async (context) => {
  const program = serve(context, folderOf(context));
  const url = await program.listening();
  await post(url, 'a', 'late in a turn');
  await post(url, 'b', 'abort listener');
  await program.printed(/gave up, key parked/);
  const strays = linesOf(program).filter(({ msg }) => String(msg).startsWith('an uncaught exception'));
  assert.deepEqual(strays.map(({ reason, turn }) => [reason, Object(turn).key, Object(turn).attempt]).sort(), [
    ['cannot abort', undefined, undefined],
    ['cannot abort', undefined, undefined],
    ['too late', 'a', 1],
  ]);
  assert.deepEqual(await stateOf(url, 'a'), { count: 1 });
  const metrics = await (await fetch(`${url}/metrics?format=prometheus`)).text();
  assert.match(metrics, /^millrace_stray_failures_total\{kind="uncaughtException"\} 3$/m);
  assert.equal((await program.kill('SIGTERM')).code, 0);
});

test('a module that ends the process while loading is a failed start', async (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'jobs.ts'), 'process.exit(0);');
  const { code, stderr } = await serve(context, folder).ended;
  assert.equal(code, 1);
  assert.match(stderr, /^millrace: .*called process\.exit\(0\)/);
});
