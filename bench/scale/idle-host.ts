/**
 * The process whose idleness is measured: `idle-host.ts DATABASE KEYS SECONDS REST_SECONDS`. If KEYS is not 0, it first makes that many
 * keys with a timer each, far in the future. Prints its figures as one line of JSON: soon, and after REST_SECONDS more.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { type Mill, millrace, pipeline, type Store, sqlite } from '../../src/index.ts';
import type { Idleness, Observed } from './idle.ts';

const batch = 1_000;
/** Waits until the preceding work has settled. */
const settleMs = 5_000;

const accounts = pipeline('accounts', {
  event: z.object({ id: z.string(), tokens: z.number() }),
  key: (event) => event.id,
  state: z.object({ tokens: z.number() }),
  timers: { callback: (state) => state },
  handle(event, state, turn) {
    turn.timers.set('callback', { after: '30d' });
    return { tokens: (state?.tokens ?? 0) + event.tokens };
  },
});

const [path = '', keys = '0', seconds = '5', restSeconds = '0'] = process.argv.slice(2);
const calls = { count: 0 };
const mill = await millrace({ store: counted(sqlite(path)), pipelines: [accounts] }).start();
await fill(mill, Number(keys));
await mill.idle(600_000);
await sleep(settleMs);
const soon = await observe(Number(seconds));
await sleep(Number(restSeconds) * 1_000);
const rested = await observe(Number(seconds));
process.stdout.write(`${JSON.stringify({ soon, rested } satisfies Observed)}\n`);
await mill.stop();

async function fill(into: Mill, count: number): Promise<void> {
  for (let made = 0; made < count; made += batch) {
    const events = Array.from({ length: Math.min(batch, count - made) }, (_, index) => ({
      id: `account-${String(made + index).padStart(8, '0')}`,
      tokens: index,
    }));
    await into.ingestBatch('accounts', events);
    // Like a sender that is asked to slow down.
    if ((made / batch) % 50 === 49) await into.settled('accounts', 600_000);
  }
}

async function observe(duration: number): Promise<Idleness> {
  const before = { calls: calls.count, systemCalls: systemCalls(), cpu: process.cpuUsage(), at: performance.now() };
  await sleep(duration * 1_000);
  const cpu = process.cpuUsage(before.cpu);
  return {
    seconds: duration,
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
    cpuPercent: ((cpu.user + cpu.system) / 1_000 / (performance.now() - before.at)) * 100,
    storeCalls: calls.count - before.calls,
    systemCalls: systemCalls() - before.systemCalls,
  };
}

/**
 * Returns the number of system calls that read or write, in all threads; reading the count takes one or two itself. NaN if the system does
 * not report it.
 */
function systemCalls(): number {
  if (process.platform !== 'linux') return Number.NaN;
  const counts = readFileSync('/proc/self/io', 'utf8').matchAll(/sysc[rw]: (\d+)/g);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Counts the calls of a store. */
function counted(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...words: unknown[]) => {
        calls.count += 1;
        return Reflect.apply(member, target, words) as unknown;
      };
    },
  });
}
