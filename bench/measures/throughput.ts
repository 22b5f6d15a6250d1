import { HostedPeer } from '../host/hosted-peer.ts';
import type { PeerDescription } from '../peers/index.ts';
import type { Cleanup } from '../servers/cleanup.ts';
import type { Distribution } from '../work/distribution.ts';
import { numbersOf } from '../work/event.ts';
import { judge, type Verdict } from '../work/verdict.ts';
import type { Room } from './rooms.ts';

export interface Settings {
  readonly keys: number;
  readonly seed: number;
  /** The approximate duration of each measurement. */
  readonly seconds: number;
  /** Number of concurrent events when searching for the greatest rate. */
  readonly window: number;
  /** The low rate for measuring every peer's latency, in events per second. */
  readonly lowRate: number;
  readonly stallMs: number;
  /** The longest time for handling events after a kill. */
  readonly recoveryMs: number;
}

/** The results of one peer in one run. Rates are events per second. */
export interface Throughput {
  /** Events in the backlog. */
  readonly events: number;
  readonly ingestRate: number;
  readonly drainRate: number;
  /** Processor time per event of the drain, in the peer's process and in the server's. In microseconds. */
  readonly ownCpuUs: number;
  readonly serverCpuUs: number;
  /** Taken in one by one and handled, `window` at a time. */
  readonly greatestRate: number;
  /** From the moment an event was due to be sent until its effects were durable, at half of the greatest rate. */
  readonly atHalf: Distribution;
  readonly atLowRate: Distribution;
  /** By the history of the events that came in batches, and of those that came one by one. */
  readonly batches: Verdict;
  readonly oneByOne: Verdict;
  /** By the whole history, and all accepted events. */
  readonly all: Verdict;
  /** Effects that the states of keys have missed, or counted too often. */
  readonly miscounted: number;
}

const eventsMin = 2_000;
const eventsMax = 1_000_000;

/** Measures ingest and drain of a backlog, then the greatest rate, then latencies; all in one process and one database. */
export async function measureThroughput(peer: PeerDescription, room: Room, settings: Settings, cleanup: Cleanup): Promise<Throughput> {
  const { keys, seed, seconds, window, lowRate, stallMs } = settings;
  const host = new HostedPeer(cleanup);
  try {
    const { folder, database, redisPort } = room;
    await host.call('start', { peer: peer.name, folder, database, redisPort, keys, seed, stallMs });
    const expected = await warmUp(host);
    const events = Math.round(Math.min(eventsMax, Math.max(eventsMin, expected * seconds)));
    const ingestRate = (events / (await host.call('fill', events))) * 1_000;
    const cpuBefore = { own: await host.call('cpu'), server: room.serverCpuMs() };
    const drainRate = (events / (await host.call('drain'))) * 1_000;
    const cpuAfter = { own: await host.call('cpu'), server: room.serverCpuMs() };
    const batches = await host.call('history');
    const greatestRate = await host.call('saturate', seconds, window);
    const atHalf = await host.call('openLoop', seconds, greatestRate / 2);
    const atLowRate = await host.call('openLoop', seconds, Math.min(lowRate, greatestRate / 2));
    const all = await host.call('history');
    const oneByOne = judge(all.slice(batches.length), []);
    const countOfStates = await host.call('countOfStates');
    const taken = await host.call('produced');
    await host.call('stop');
    return {
      events,
      ingestRate,
      drainRate,
      ownCpuUs: ((cpuAfter.own - cpuBefore.own) / events) * 1_000,
      serverCpuUs: ((cpuAfter.server - cpuBefore.server) / events) * 1_000,
      greatestRate,
      atHalf,
      atLowRate,
      batches: judge(batches, []),
      oneByOne,
      all: judge(all, numbersOf(taken)),
      miscounted: Math.abs(all.length - countOfStates),
    };
  } finally {
    await host.kill();
  }
}

/** Runs small backlogs until the code is warm. Resolves to the number of events drained per second. */
async function warmUp(host: HostedPeer): Promise<number> {
  for (let count = 1_000; ; count *= 5) {
    await host.call('fill', count);
    const ms = await host.call('drain');
    await host.call('rest');
    if (ms > 500 || count > 20_000) return (count / ms) * 1_000;
  }
}
