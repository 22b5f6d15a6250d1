import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { HostedPeer } from '../host/hosted-peer.ts';
import type { Cleanup } from '../servers/cleanup.ts';
import { millraceOn } from './millrace-on.ts';

export interface Restart {
  readonly backlog: number;
  /** From the call of `start()` until the effects of a first event are durable. */
  readonly firstProgressMs: number;
}

const timeoutMs = 120_000;

/** Takes in a backlog while the handlers rest, kills the process, and restarts it on the remains. */
export async function measureRestart(folder: string, backlog: number, keys: number, cleanup: Cleanup): Promise<Restart> {
  mkdirSync(folder);
  const first = new HostedPeer(cleanup);
  await first.call('start', millraceOn(folder, keys, 1));
  await first.call('fill', backlog);
  await first.kill();
  const second = new HostedPeer(cleanup);
  try {
    await second.call('recover', millraceOn(folder, keys, 2));
    const deadline = performance.now() + timeoutMs;
    let firstProgressMs: number | null = null;
    while (firstProgressMs === null) {
      if (performance.now() > deadline) throw new Error(`expected progress within ${timeoutMs} ms of the restart, found none`);
      await sleep(5);
      firstProgressMs = await second.call('firstProgress');
    }
    return { backlog, firstProgressMs };
  } finally {
    await second.kill();
  }
}
