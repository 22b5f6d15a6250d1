import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import test, { type TestContext } from 'node:test';
import { checkout, environmentOfPrograms, temporaryFolder } from './program.ts';

const talk = `
import { spawnSync } from 'node:child_process';
import { pipeline } from 'millrace';
import * as z from 'zod';

// A child that shares the pipe as its stderr makes it block again.
if (process.env.SHARES_STDERR) spawnSync(process.execPath, ['--eval', ''], { stdio: ['ignore', 'ignore', 'inherit'] });

export default pipeline('talk', {
  event: z.object({ lines: z.int(), to: z.enum(['log', 'stdout']) }),
  handle({ lines, to }, _state, turn) {
    for (let n = 0; n < lines; n += 1) {
      if (to === 'log') turn.log.info('x'.repeat(1_000), { n });
      else console.log('x'.repeat(1_000));
    }
  },
});
`;

/** Makes an open named pipe, which a test may begin to read whenever it likes. */
function namedPipe(context: TestContext) {
  const path = join(temporaryFolder(context), 'log');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, 'r+');
  context.after(() => closeSync(fd));
  return { path, fd };
}

/** Serves with a log and an output that nobody reads beyond the ready line until the test does. */
async function serveUnread(context: TestContext, stderr: 'pipe' | number = 'pipe') {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'talk.ts'), talk);
  const words = [join(checkout, 'bin/millrace.js'), 'serve', './talk.ts', '--port', '0', '--database', 'memory:'];
  const env = { ...environmentOfPrograms(), SHARES_STDERR: typeof stderr === 'number' ? '1' : '' };
  const child: ChildProcess = spawn(process.execPath, words, { cwd: folder, env, stdio: ['ignore', 'pipe', stderr] });
  context.after(() => child.kill('SIGKILL'));
  child.stderr?.pause();
  const stdout = child.stdout as Readable;
  const [ready] = await once(stdout.setEncoding('utf8'), 'data');
  stdout.pause();
  const url = /http:\/\/\S+/.exec(String(ready))?.[0] ?? '';
  const say = async (to: 'log' | 'stdout', lines: number) => {
    const answer = await fetch(`${url}/pipelines/talk/events`, { method: 'POST', body: JSON.stringify({ lines, to }) });
    assert.equal(answer.status, 202);
    // The handler has run once this is answered.
    await fetch(`${url}/health`).then((health) => assert.equal(health.status, 200));
  };
  const dropped = async () => {
    const text = await (await fetch(`${url}/metrics?format=prometheus`)).text();
    return Number(/^millrace_log_lines_dropped_total (\d+)$/m.exec(text)?.[1]);
  };
  return { child, say, dropped };
}

async function end(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = await ended;
  return code;
}

test('an unread log blocks neither requests nor a signal; its lines are dropped, counted, and reported once somebody reads', async (context) => {
  const { path, fd } = namedPipe(context);
  const { child, say, dropped } = await serveUnread(context, fd);
  await say('log', 5_000);
  const count = await dropped();
  assert.ok(count > 3_000, String(count));
  let text = '';
  const told = Promise.withResolvers<void>();
  const reader = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'inherit'] });
  context.after(() => reader.kill());
  reader.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (/log lines were dropped.*\n/.test(text)) told.resolve();
  });
  await told.promise;
  const lines = text.trimEnd().split('\n');
  assert.equal(JSON.parse(lines.at(-1) ?? '').lines, count);
  const kept = lines.slice(0, -1).map((line) => JSON.parse(line).n);
  assert.deepEqual(
    kept,
    Array.from({ length: 5_000 - count }, (_, n) => n),
  );
  assert.equal(await dropped(), count);
  assert.equal(await end(child), 0);
});

test('a signal ends a server with an unread log, a log whose reader is gone, or an unread output', async (context) => {
  const unread = await serveUnread(context);
  await unread.say('log', 5_000);
  assert.equal(await end(unread.child), 0);
  const closed = await serveUnread(context);
  closed.child.stderr?.destroy();
  await closed.say('log', 5_000);
  assert.equal(await end(closed.child), 0);
  const silent = await serveUnread(context);
  await silent.say('stdout', 5_000);
  assert.equal(await silent.dropped(), 0);
  assert.equal(await end(silent.child), 0);
});
