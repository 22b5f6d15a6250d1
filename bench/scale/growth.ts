import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { HostedPeer } from '../host/hosted-peer.ts';
import type { Cleanup } from '../servers/cleanup.ts';
import { median } from '../work/distribution.ts';
import { millraceOn } from './millrace-on.ts';

export interface Size {
  readonly events: number;
  readonly keys: number;
}

export interface GrowthSettings {
  readonly small: Size;
  readonly large: Size;
  /** Events of one measurement. */
  readonly measured: number;
  readonly rounds: number;
}

/** The cost of an event, taken in (batches of 100) and handled: microseconds of time, and of processor time of the whole process. */
export interface Cost {
  readonly elapsedUs: number;
  readonly cpuUs: number;
}

export interface Growth {
  /** The keys of the measured events: equally many in both databases, or all of each. */
  readonly load: 'the same keys' | 'all keys';
  readonly small: Cost;
  readonly large: Cost;
  /** Ratio of large to small: medians of the ratios within a round. */
  readonly ratio: Cost;
}

/** Number of events that one process takes in while a database is filled. */
const eventsPerFill = 1_000_000;

/** Measures the cost of an event in a small and in a large database, in turns. */
export async function measureGrowth(folder: string, settings: GrowthSettings, cleanup: Cleanup): Promise<Growth[]> {
  const { small, large, measured, rounds } = settings;
  const [smallFolder, largeFolder] = [join(folder, 'small'), join(folder, 'large')];
  await build(smallFolder, small, cleanup);
  await build(largeFolder, large, cleanup);
  const loads = [
    { load: 'the same keys', keys: { small: small.keys, large: small.keys } },
    { load: 'all keys', keys: { small: small.keys, large: large.keys } },
  ] as const;
  const results: Growth[] = [];
  for (const { load, keys } of loads) {
    const pairs: { readonly small: Cost; readonly large: Cost }[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      pairs.push({
        small: await measure(smallFolder, keys.small, measured, round, cleanup),
        large: await measure(largeFolder, keys.large, measured, round, cleanup),
      });
    }
    const middle = (of: (pair: (typeof pairs)[number]) => number) => median(pairs.map(of));
    results.push({
      load,
      small: { elapsedUs: middle((pair) => pair.small.elapsedUs), cpuUs: middle((pair) => pair.small.cpuUs) },
      large: { elapsedUs: middle((pair) => pair.large.elapsedUs), cpuUs: middle((pair) => pair.large.cpuUs) },
      ratio: {
        elapsedUs: middle((pair) => pair.large.elapsedUs / pair.small.elapsedUs),
        cpuUs: middle((pair) => pair.large.cpuUs / pair.small.cpuUs),
      },
    });
  }
  return results;
}

/** Takes in this many events of this many keys, and handles them. */
export async function build(folder: string, { events, keys }: Size, cleanup: Cleanup): Promise<void> {
  mkdirSync(folder);
  for (let stored = 0; stored < events; stored += eventsPerFill) {
    const host = new HostedPeer(cleanup);
    await host.call('recover', millraceOn(folder, keys, stored + 1));
    await host.call('fill', Math.min(eventsPerFill, events - stored));
    await host.call('drain');
    await host.call('stop');
    await host.kill();
  }
}

async function measure(folder: string, keys: number, events: number, seed: number, cleanup: Cleanup): Promise<Cost> {
  const host = new HostedPeer(cleanup);
  try {
    await host.call('recover', millraceOn(folder, keys, seed));
    // Warms up the code, and the most frequently used keys.
    await host.call('fill', events);
    await host.call('drain');
    const cpuBefore = await host.call('cpu');
    const startedAt = performance.now();
    await host.call('fill', events);
    await host.call('drain');
    const elapsedMs = performance.now() - startedAt;
    const cpuMs = (await host.call('cpu')) - cpuBefore;
    await host.call('stop');
    return { elapsedUs: (elapsedMs / events) * 1_000, cpuUs: (cpuMs / events) * 1_000 };
  } finally {
    await host.kill();
  }
}
