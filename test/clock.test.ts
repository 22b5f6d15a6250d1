import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Program, temporaryFolder } from './program.ts';

const hourMs = 3_600_000;

/** Loaded before the program: a wall clock that its pipelines can set. Its timers count elapsed time, as always. */
const preload = `
const now = Date.now;
globalThis.jumpMs = 0;
Date.now = () => now() + globalThis.jumpMs;
`;

/**
 * Pipelines whose answers name the jump made so far. An event without a jump sets a timer; for an event with a jump the first attempt fails, and
 * the clock jumps before the second one is due.
 */
const pipelines = `
import { pipeline } from 'millrace';
import * as z from 'zod';

const say = (what) => console.log(what + ' after a jump of ' + globalThis.jumpMs);
const Anything = z.object({ by: z.number().default(0) });
const scheduled = (name, cadence) =>
  pipeline(name, { event: Anything, schedule: { ...cadence, source: () => (say(name), []) }, handle: () => undefined });

export const jumps = pipeline('jumps', {
  event: Anything,
  key: () => 'one',
  retry: { backoff: '300ms', jitter: 0 },
  handle({ by }, _state, turn) {
    if (by === 0) return turn.timers.set('ring', { after: '30m' });
    if (turn.attempt > 1) return say('retry');
    setTimeout(() => { globalThis.jumpMs = by; }, 100);
    throw new Error('not yet');
  },
  timers: { ring: () => say('timer') },
});
export const half_seconds = scheduled('half_seconds', { every: '500ms' });
export const seconds = scheduled('seconds', { cron: '* * * * * *' });
export const twenty_minutes = scheduled('twenty_minutes', { every: '20m' });
`;

async function serve(context: TestContext): Promise<{ readonly program: Program; readonly url: string }> {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'jumps.ts'), pipelines);
  const words = ['serve', './jumps.ts', '--port', '0', '--database', 'jumps.db'];
  const environment = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` };
  const program = new Program(context, words, { folder, environment });
  return { program, url: await program.listening() };
}

async function jump(url: string, by: number): Promise<void> {
  const answer = await fetch(`${url}/pipelines/jumps/events`, { method: 'POST', body: JSON.stringify({ by }) });
  assert.equal(answer.status, 202);
}

test('a server whose clock is set back an hour continues its retries and schedules at once', { timeout: 30_000 }, async (context) => {
  const { program, url } = await serve(context);
  for (const name of ['half_seconds', 'seconds']) await program.printed(new RegExp(`${name} after a jump of 0`));
  await jump(url, -hourMs);
  const startedAt = performance.now();
  for (const name of ['retry', 'half_seconds', 'seconds']) await program.printed(new RegExp(`${name} after a jump of -${hourMs}`));
  assert.ok(performance.now() - startedAt < 10_000);
  assert.equal((await fetch(`${url}/health`)).status, 200);
  assert.equal((await program.kill('SIGTERM')).code, 0);
});

test('a server that wakes after an hour does everything that came due meanwhile at once', { timeout: 30_000 }, async (context) => {
  const { program, url } = await serve(context);
  await jump(url, 0);
  await jump(url, hourMs);
  const startedAt = performance.now();
  for (const name of ['retry', 'timer', 'twenty_minutes', 'half_seconds', 'seconds'])
    await program.printed(new RegExp(`${name} after a jump of ${hourMs}`));
  assert.ok(performance.now() - startedAt < 10_000);
  assert.equal((await fetch(`${url}/health`)).status, 200);
  assert.equal((await program.kill('SIGTERM')).code, 0);
});
