import { setTimeout as sleep } from 'node:timers/promises';
import { HostedPeer } from '../host/hosted-peer.ts';
import type { StartOptions } from '../host/protocol.ts';
import type { PeerDescription } from '../peers/index.ts';
import type { Cleanup } from '../servers/cleanup.ts';
import { judge } from '../work/verdict.ts';
import type { Room } from './rooms.ts';
import type { Settings } from './throughput.ts';

/** The effects of a `kill -9` in the middle of the work. */
export interface Crash {
  /** Events acknowledged before it. */
  readonly acknowledged: number;
  /** Of these, the ones without an effect when the recovery time was over: lost, or stuck. */
  readonly missing: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  /** From the start after it to the first handled event; null if none came in time, or nothing was left. */
  readonly firstProgressMs: number | null;
  /** Until the last acknowledged event had its effect, to half a second; null if some did not have it in time. */
  readonly recoveredMs: number | null;
}

const pollMs = 500;
const attemptsMin = 500;

/**
 * Lets a peer take in and handle batches side by side, with at most two seconds of work ahead, kills its process, and restarts it on the
 * remains. The servers keep running.
 */
export async function measureCrash(
  peer: PeerDescription,
  room: Room,
  settings: Settings,
  drainRate: number,
  cleanup: Cleanup,
): Promise<Crash> {
  const { keys, seed, stallMs } = settings;
  const { folder, database, redisPort } = room;
  const options: StartOptions = { peer: peer.name, folder, database, redisPort, keys, seed, stallMs };
  const acknowledged = await workAndKill(options, drainRate, cleanup);
  const host = new HostedPeer(cleanup);
  try {
    const startedAt = performance.now();
    await host.call('recover', options);
    let recoveredMs: number | null = null;
    while (recoveredMs === null && performance.now() - startedAt < settings.recoveryMs) {
      if (judge(await host.call('history'), acknowledged).missing === 0) recoveredMs = performance.now() - startedAt;
      // Also after the last one: an event handled twice may come after a missing one.
      await sleep(pollMs);
    }
    const firstProgressMs = await host.call('firstProgress');
    const { missing, duplicates, outOfOrder } = judge(await host.call('history'), acknowledged);
    return { acknowledged: acknowledged.size, missing, duplicates, outOfOrder, firstProgressMs, recoveredMs };
  } finally {
    await host.kill();
  }
}

/** Resolves to the numbers of the acknowledged events. */
async function workAndKill(options: StartOptions, drainRate: number, cleanup: Cleanup): Promise<ReadonlySet<number>> {
  const host = new HostedPeer(cleanup);
  try {
    await host.call('start', options);
    await host.call('work');
    await host.call('pour', Math.max(attemptsMin, drainRate * 2));
    const enough = Math.max(attemptsMin, drainRate);
    const deadline = performance.now() + options.stallMs;
    while (host.acknowledged.size < enough && performance.now() < deadline) await sleep(1);
  } finally {
    await host.kill();
  }
  return host.acknowledged;
}
