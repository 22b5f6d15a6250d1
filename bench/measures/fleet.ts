import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { HostedPeer } from '../host/hosted-peer.ts';
import { peerNamed } from '../peers/index.ts';
import type { Cleanup } from '../servers/cleanup.ts';
import { untilEven } from '../servers/until-even.ts';
import { numbersOf } from '../work/event.ts';
import { judge, type Verdict } from '../work/verdict.ts';
import { BackendSampler, type BackendWaits } from './backend-waits.ts';
import type { Room, Rooms } from './rooms.ts';
import type { Settings } from './throughput.ts';

/** The result of a fleet of Millrace processes on one database in one run. Rates are events per second, of all together. */
export interface FleetResult {
  readonly run: number;
  readonly processes: number;
  readonly events: number;
  readonly ingestRate: number;
  readonly drainRate: number;
  /** Processor time per event of the drain, in all processes of Millrace and in the server. In microseconds. */
  readonly ownCpuUs: number;
  readonly serverCpuUs: number;
  /** The share of the machine's processors that both used during the drain, from 0 to 1. */
  readonly machineShare: number;
  /** The busiest Millrace process's use of one processor, from 0; above 1 with threads. */
  readonly busiestShare: number;
  readonly waits: BackendWaits;
  readonly verdict: Verdict;
  readonly miscounted: number;
}

const peer = 'millrace-postgres';
const warmUpEvents = 20_000;
const pollMs = 5;

/** Lets one process and then two drain a backlog of the same size, each time on a new database. */
export async function measureFleets(run: number, rooms: Rooms, settings: Settings, cleanup: Cleanup): Promise<FleetResult[]> {
  const results: FleetResult[] = [];
  for (const processes of [1, 2]) {
    const room = await rooms.enter(peerNamed(peer));
    try {
      const events = results[0]?.events;
      results.push({ run, ...(await measureFleet({ processes, events }, room, settings, cleanup)) });
    } finally {
      await room.leave();
    }
  }
  return results;
}

interface FleetSize {
  readonly processes: number;
  /** Size of the backlog; undefined: as many as take the time given by the settings. */
  readonly events: number | undefined;
}

async function measureFleet(size: FleetSize, room: Room, settings: Settings, cleanup: Cleanup): Promise<Omit<FleetResult, 'run'>> {
  const hosts = Array.from({ length: size.processes }, () => new HostedPeer(cleanup));
  try {
    await start(hosts, room, settings);
    await fill(hosts, warmUpEvents);
    const warmUp = await drain(hosts, warmUpEvents, settings);
    await Promise.all(hosts.map((host) => host.call('rest')));
    const events = size.events ?? Math.round((warmUpEvents / warmUp) * 1_000 * settings.seconds);
    const ingestRate = (events / (await fill(hosts, events))) * 1_000;
    const sampler = await BackendSampler.start(room.database);
    const before = await processorTimes(hosts, room);
    const drainMs = await drain(hosts, warmUpEvents + events, settings);
    const after = await processorTimes(hosts, room);
    const waits = await sampler.stop();
    const own = after.own.map((ms, nth) => ms - (before.own[nth] ?? 0));
    const ownMs = own.reduce((sum, ms) => sum + ms, 0);
    const serverMs = after.server - before.server;
    return {
      processes: size.processes,
      events,
      ingestRate,
      drainRate: (events / drainMs) * 1_000,
      ownCpuUs: (ownMs / events) * 1_000,
      serverCpuUs: (serverMs / events) * 1_000,
      machineShare: (ownMs + serverMs) / drainMs / availableParallelism(),
      busiestShare: Math.max(...own) / drainMs,
      waits,
      ...(await check(hosts)),
    };
  } finally {
    for (const host of hosts) await host.kill();
  }
}

/** Starts them one after another: the first makes the tables. Resolves when each has its share of the work. */
async function start(hosts: readonly HostedPeer[], room: Room, { keys, seed, stallMs }: Settings): Promise<void> {
  const { folder, database, redisPort } = room;
  for (const [nth, host] of hosts.entries())
    await host.call('start', { peer, folder, database, redisPort, keys, seed, stallMs, place: { nth, of: hosts.length } });
  const client = new Client({ connectionString: database });
  await client.connect();
  try {
    await untilEven(client, hosts.length);
  } finally {
    await client.end();
  }
}

/** Resolves to the milliseconds it took. */
async function fill(hosts: readonly HostedPeer[], events: number): Promise<number> {
  const startedAt = performance.now();
  const shareOf = (nth: number) => Math.floor(events / hosts.length) + (nth < events % hosts.length ? 1 : 0);
  await Promise.all(hosts.map((host, nth) => host.call('fill', shareOf(nth))));
  return performance.now() - startedAt;
}

/** Works until this many events are handled in total; resolves to the milliseconds it took. */
async function drain(hosts: readonly HostedPeer[], events: number, { stallMs }: Settings): Promise<number> {
  const startedAt = performance.timeOrigin + performance.now();
  await Promise.all(hosts.map((host) => host.call('work')));
  for (;;) {
    const all = await Promise.all(hosts.map((host) => host.call('progress')));
    const count = all.reduce((sum, one) => sum + one.count, 0);
    const lastAt = Math.max(...all.map((one) => one.lastAt));
    if (count >= events) return lastAt - startedAt;
    const quietMs = performance.timeOrigin + performance.now() - Math.max(startedAt, lastAt);
    if (quietMs > stallMs) throw new Error(`stalled: ${count} of ${events} events handled, none for ${stallMs} ms`);
    await sleep(pollMs);
  }
}

interface ProcessorTimes {
  readonly own: readonly number[];
  readonly server: number;
}

async function processorTimes(hosts: readonly HostedPeer[], room: Room): Promise<ProcessorTimes> {
  return { own: await Promise.all(hosts.map((host) => host.call('cpu'))), server: room.serverCpuMs() };
}

/** Checks that every event has one effect, in the order of its key, and that the states count them all. */
async function check(hosts: readonly HostedPeer[]): Promise<Pick<FleetResult, 'verdict' | 'miscounted'>> {
  const [first] = hosts;
  if (first === undefined) throw new Error('expected a process');
  const produced = (await Promise.all(hosts.map((host) => host.call('produced')))).flat();
  const history = await first.call('history');
  const miscounted = Math.abs(history.length - (await first.call('countOfStates')));
  return { verdict: judge(history, numbersOf(produced)), miscounted };
}
