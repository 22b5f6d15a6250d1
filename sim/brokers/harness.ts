import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../src/errors.ts';
import { integerFrom, pick, type Random, randomOf } from '../../systems/shared/random.ts';
import { freePort } from '../../test/free-port.ts';
import { type FleetDatabase, startDatabase } from '../fleet/database.ts';
import { harm, type ProcessFault, processFaults } from '../fleet/faults.ts';
import { anyHealthy, waitUntil } from '../fleet/harness.ts';
import { Member, type MemberCounts, sumOf } from '../fleet/member.ts';
import { allAtWork, atRest, Patience } from '../fleet/rest.ts';
import type { Broker, BrokerKind, BrokerOptions } from './broker.ts';
import { check, type Findings } from './checks.ts';
import { startKafka } from './kafka-broker.ts';
import { startNats } from './nats-broker.ts';
import { ProducerOfSteps } from './producer.ts';
import { type TakeOverCounts, TakeOvers } from './take-overs.ts';

/** Faults of a process, or of a server of the broker. */
export const brokerFaults = ['kill', 'freeze', 'kill-broker', 'stop', 'cut-late', 'cut-lost'] as const;
export type BrokerFault = (typeof brokerFaults)[number];

export interface BrokersOptions {
  readonly kind: BrokerKind;
  /** Number of the broker's servers. */
  readonly nodes: number;
  readonly seed: number;
  readonly events: number;
  readonly keys: number;
  readonly partitions: number;
  /** The interval, in steps of a key, between deliveries. */
  readonly deliverEvery: number;
  /** The faults, one after another. */
  readonly faults: readonly BrokerFault[];
  /** Interval between the beginnings of two faults, in milliseconds. */
  readonly everyMs: number;
  /** Duration of a freeze or a cut, in milliseconds: longer than a lease. */
  readonly lastsMs: number;
  /** Aborts to end it at once. */
  readonly signal: AbortSignal;
  /** Takes a line of progress. */
  progress(line: string): void;
}

export interface BrokersOutcome {
  readonly events: number;
  readonly repeatedBatches: number;
  readonly faults: readonly BrokerFault[];
  readonly takeOvers: TakeOverCounts;
  readonly harms: Harms;
  readonly counted: MemberCounts;
  readonly findings: Findings;
  /** The violations found; empty if every promise was kept. */
  readonly broken: readonly string[];
  /** The folder of the logs; undefined if nothing is broken. */
  readonly folder: string | undefined;
}

/** The observed consequences of the faults. */
interface Harms {
  /** Number of faults of processes that made slices, and the partitions read with them, change hands. */
  rebalances: number;
  /** Number of processes frozen past their leases, and of their batches dropped after they woke up. */
  zombies: number;
  lateBatches: number;
  /** Number of kills of a server of the broker while deliveries were waiting, and the most that waited. */
  killsUnderDeliveries: number;
  deliveriesWaitingMax: number;
}

const starts: Readonly<Record<BrokerKind, (options: BrokerOptions) => Promise<Broker>>> = { kafka: startKafka, nats: startNats };
const pipelines = fileURLToPath(new URL('./pipelines.ts', import.meta.url));
const names = ['steps'];
const size = 3;
/** Downtime of a broker's server, in milliseconds. */
const awayMs = { least: 500, most: 3_000 };
/** Time for leases to change hands after a fault, and for a process to notice after a freeze that it was replaced, in milliseconds. */
const noticeMs = { others: 15_000, zombie: 3_000 };

/**
 * Runs three processes that take steps from a topic and deliver some to another one, while the processes and the broker's servers are killed
 * and frozen. At the end everything is compared with the steps written. Throws if it was aborted.
 */
export async function brokers(options: BrokersOptions): Promise<BrokersOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-brokers-'));
  const database = await startDatabase('postgres');
  const broker = await starts[options.kind](options);
  const members: Member[] = [];
  const dead = new AbortController();
  const deaths: string[] = [];
  const ended = (words: string) => {
    deaths.push(words);
    dead.abort();
  };
  let broken: readonly string[] | undefined;
  try {
    const environment = { ...broker.environment, BROKERS_DELIVER_EVERY: String(options.deliverEvery) };
    for (let nth = 1; nth <= size; nth += 1) {
      const name = `process ${nth}`;
      members.push(await Member.start({ name, folder, port: await freePort(), database, served: pipelines, environment, ended }));
    }
    const signal = AbortSignal.any([options.signal, dead.signal]);
    const outcome = await run({ ...options, signal }, { broker, members, database });
    options.signal.throwIfAborted();
    broken = [...deaths, ...outcome.broken];
    return { ...outcome, broken, folder: broken.length === 0 ? undefined : folder };
  } finally {
    await Promise.all(members.map((member) => member.close()));
    await broker.stop();
    await database.stop();
    if (broken?.length === 0) rmSync(folder, { recursive: true, force: true });
  }
}

interface Surroundings {
  readonly broker: Broker;
  readonly members: readonly Member[];
  readonly database: FleetDatabase;
}

async function run(options: BrokersOptions, surroundings: Surroundings): Promise<Omit<BrokersOutcome, 'folder'>> {
  const { broker, members, database } = surroundings;
  const { signal, faults, everyMs, seed, deliverEvery } = options;
  const { query } = database;
  const broken: string[] = [...(await allAtWork(members, names, signal))];
  const takeOvers = await TakeOvers.from(query, broker.source, options.kind === 'nats' ? 1 : options.partitions);
  const overMs = (faults.length + 1) * everyMs;
  const producer = new ProducerOfSteps({ ...options, broker, overMs, random: randomOf(seed, 1) });
  const writing = producer.run();
  // The caller that awaits the end gets the failure.
  writing.catch(() => undefined);
  const harms: Harms = { rebalances: 0, zombies: 0, lateBatches: 0, killsUnderDeliveries: 0, deliveriesWaitingMax: 0 };
  await harmAll(options, { ...surroundings, takeOvers, harms }, broken);
  await writing;
  if (!signal.aborted)
    broken.push(
      ...(await allTaken(query, broker, signal)),
      ...(await allAtWork(members, names, signal)),
      ...(await atRest(query, names, signal)),
    );
  for (const member of members) await member.look();
  const findings = await check({ query, written: producer.written, deliverEvery, steps: broker.steps(), delivered: broker.delivered() });
  return {
    events: producer.written.values().reduce((sum, n) => sum + n, 0),
    repeatedBatches: producer.repeated,
    faults,
    takeOvers: await takeOvers.count(),
    harms,
    counted: members.map(({ counted }) => counted).reduce(sumOf),
    findings,
    broken: [...broken, ...findings.broken],
  };
}

interface Harming extends Surroundings {
  readonly takeOvers: TakeOvers;
  readonly harms: Harms;
}

/** Inflicts all faults. Resolves once all of them are over. */
async function harmAll(options: BrokersOptions, harming: Harming, broken: string[]): Promise<void> {
  const { broker, members } = harming;
  const { faults, everyMs, lastsMs, seed, signal, progress } = options;
  const random = randomOf(seed, 2);
  const underWay: Promise<unknown>[] = [];
  const began = performance.now();
  for (const [nth, fault] of faults.entries()) {
    await waitUntil(began + (nth + 1) * everyMs, signal);
    if (signal.aborted) break;
    const member = isOfProcess(fault) ? await anyReader(members, random) : undefined;
    const who = member?.name ?? `server ${integerFrom(random, 1, broker.nodes)}`;
    progress(`${Math.round((performance.now() - began) / 1_000)} s: ${fault} of ${who}`);
    const harmed = member === undefined ? killBroker(harming, who, random) : harmProcess(harming, member, { fault, lastsMs });
    underWay.push(harmed.catch((error: unknown) => broken.push(`${fault} of ${who}: ${messageOf(error)}`)));
    // A majority of the cluster must stay up.
    if (member === undefined) await underWay.at(-1);
  }
  await Promise.all(underWay);
}

/** Chooses a healthy process, preferably one that reads the topic: a topic with a single partition has only one reader. */
async function anyReader(members: readonly Member[], random: Random): Promise<Member> {
  const any = await anyHealthy(members, random);
  const reading = await Promise.all(members.map((member) => member.isHealthy && isReading(member)));
  const readers = members.filter((member, nth) => reading[nth] && member.isHealthy);
  return readers.length > 0 ? pick(random, readers as [Member, ...Member[]]) : any;
}

async function isReading({ connection }: Member): Promise<boolean> {
  const answer = await connection.get('/pipelines/steps');
  if (answer.kind !== 'answered' || answer.status !== 200) return false;
  const { source } = answer.body as { readonly source: { readonly partitions: readonly unknown[] } };
  return source.partitions.length > 0;
}

function isOfProcess(fault: BrokerFault): fault is ProcessFault {
  return processFaults.some((one) => one === fault);
}

/** Inflicts a fault on a process, and notes whether its share moved, and what it still tried as a zombie. */
async function harmProcess(
  { takeOvers, harms }: Harming,
  member: Member,
  { fault, lastsMs }: { readonly fault: BrokerFault; readonly lastsMs: number },
): Promise<void> {
  const before = await takeOvers.count();
  await member.look();
  const dropped = member.counted.droppedBatches;
  await harm(member, fault as ProcessFault, lastsMs);
  if (fault === 'freeze') {
    harms.zombies += 1;
    await pause(noticeMs.zombie);
    await member.look();
    harms.lateBatches += Math.max(0, member.counted.droppedBatches - dropped);
  }
  const isMoved = async () => (await takeOvers.count()).slices > before.slices;
  for (const until = performance.now() + noticeMs.others; performance.now() < until; await pause(200)) {
    if (!(await isMoved())) continue;
    harms.rebalances += 1;
    return;
  }
}

async function killBroker({ broker, database, harms }: Harming, who: string, random: Random): Promise<void> {
  const node = Number(who.split(' ')[1]) - 1;
  await broker.kill(node);
  await pause(integerFrom(random, awayMs.least, awayMs.most));
  const [waiting] = await database.query('SELECT count(*) AS count FROM millrace_deliveries');
  const count = Number(waiting?.count);
  if (count > 0) harms.killsUnderDeliveries += 1;
  harms.deliveriesWaitingMax = Math.max(harms.deliveriesWaitingMax, count);
  await broker.run(node);
}

/** Resolves once the store has read each partition to its end. Returns the unread partitions if there is no more progress. */
async function allTaken(query: FleetDatabase['query'], broker: Broker, signal: AbortSignal): Promise<readonly string[]> {
  const ends = await broker.ends();
  const patience = new Patience();
  for (; ; await pause(500)) {
    const rows = await query(`SELECT "partition", next FROM millrace_source_offsets WHERE pipeline = 'steps'`);
    const next = new Map(rows.map((row) => [Number(row.partition), Number(row.next)]));
    const behind = Array.from(ends).filter(([partition, end]) => (next.get(partition) ?? 0) < end);
    if (behind.length === 0 || signal.aborted) return [];
    const left = behind.reduce((sum, [partition, end]) => sum + end - (next.get(partition) ?? 0), 0);
    if (patience.isOver(left))
      return behind.map(
        ([partition, end]) => `partition ${partition} was read up to ${next.get(partition) ?? 0} of ${end}, and no further`,
      );
  }
}
