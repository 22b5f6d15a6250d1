import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../src/errors.ts';
import { pick, type Random, randomOf } from '../../systems/shared/random.ts';
import { freePort } from '../../test/free-port.ts';
import { check, type Findings } from './checks.ts';
import { Book, Clients } from './clients.ts';
import { type DatabaseKind, type FleetDatabase, startDatabase } from './database.ts';
import { type Fault, harm, harmDatabase, isProcessFault } from './faults.ts';
import { Member } from './member.ts';
import { type Noted, note, type Standstill, stalls, standstills } from './pauses.ts';
import { Receiver } from './receiver.ts';
import { allAtWork, atRest } from './rest.ts';
import { timelineFaults } from './timelines.ts';

export interface FleetOptions {
  readonly database: DatabaseKind;
  readonly seed: number;
  readonly keys: number;
  /** Events per second of all clients together. */
  readonly rate: number;
  /** The faults, one after another. */
  readonly faults: readonly Fault[];
  /** Interval between the beginnings of two faults, in milliseconds. */
  readonly everyMs: number;
  /** Duration of a freeze or a cut, in milliseconds. */
  readonly lastsMs: number;
  /** Aborts to end it at once. */
  readonly signal: AbortSignal;
  /** Takes a line of progress. */
  progress(line: string): void;
}

export interface FleetOutcome {
  readonly answers: Book['answers'];
  readonly refusalMsMax: number;
  /** Unanswered requests to a process that could have answered. */
  readonly silent: number;
  readonly acknowledged: number;
  readonly findings: Findings;
  readonly fenced: number;
  readonly standstills: readonly Standstill[];
  /** The violations found; empty if every promise was kept. */
  readonly broken: readonly string[];
  /** The folder of the logs; undefined if nothing is broken. */
  readonly folder: string | undefined;
}

const pipelines = fileURLToPath(new URL('./pipelines.ts', import.meta.url));
const names = ['steps', 'numbers', 'echoes'];
const size = 3;
/** Time limit for acknowledging everything sent, in milliseconds. */
const patienceMs = 60_000;

/** Runs a fleet of three under load and faults, and compares its results with what is known. Throws if it was aborted. */
export async function fleet(options: FleetOptions): Promise<FleetOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-fleet-'));
  const database = await startDatabase(options.database);
  const receiver = await Receiver.listen(randomOf(options.seed, 1));
  const members: Member[] = [];
  // If one of them is dead, the others may wait for ever.
  const dead = new AbortController();
  const deaths: string[] = [];
  const ended = (words: string) => {
    deaths.push(words);
    dead.abort();
  };
  let outcome: FleetOutcome | undefined;
  try {
    for (let nth = 1; nth <= size; nth += 1) {
      const name = `process ${nth}`;
      const environment = { FLEET_RECEIVER: receiver.url };
      members.push(await Member.start({ name, folder, port: await freePort(), database, served: pipelines, environment, ended }));
    }
    const signal = AbortSignal.any([options.signal, dead.signal]);
    outcome = await run({ ...options, signal }, { receiver, members, database, folder });
    options.signal.throwIfAborted();
    return { ...outcome, broken: [...deaths, ...outcome.broken], folder: outcome.broken.length + deaths.length === 0 ? undefined : folder };
  } finally {
    await Promise.all(members.map((member) => member.close()));
    await receiver.close();
    await database.stop();
    if (outcome?.broken.length === 0 && deaths.length === 0) rmSync(folder, { recursive: true, force: true });
  }
}

interface Surroundings {
  readonly receiver: Receiver;
  readonly members: readonly Member[];
  readonly database: FleetDatabase;
  readonly folder: string;
}

async function run(options: FleetOptions, { receiver, members, database, folder }: Surroundings): Promise<FleetOutcome> {
  const { signal } = options;
  const { query } = database;
  const book = new Book();
  const broken: string[] = [...(await allAtWork(members, names, signal))];
  const clients = new Clients({ ...options, members, book });
  const noted = await harmAll(options, { members, database, broken });
  const unanswered = await Promise.race([clients.end(), pause(patienceMs, 'late', { signal, ref: false }).catch(() => undefined)]);
  if (unanswered === 'late') broken.push(`after ${patienceMs} ms there are still events that no process has taken in`);
  if (!signal.aborted) broken.push(...(await allAtWork(members, names, signal)), ...(await atRest(query, names, signal)));
  for (const member of members) await member.look();
  const findings = await check(query, book, receiver.arrivals);
  const stood = await standstills(query, noted);
  broken.push(...findings.broken, ...stalls(stood), ...(signal.aborted ? [] : await timelineFaults(members, query, book)));
  return {
    answers: book.answers,
    refusalMsMax: book.refusalMsMax,
    silent: book.silent,
    acknowledged: Array.from(book.acknowledged.values(), (keys) => keys.values().reduce((sum, n) => sum + n, 0)).reduce((a, b) => a + b),
    findings,
    fenced: members.reduce((sum, { counted }) => sum + counted.fencedCommits, 0),
    standstills: stood,
    broken,
    folder: broken.length === 0 ? undefined : folder,
  };
}

interface Harming {
  readonly members: readonly Member[];
  readonly database: FleetDatabase;
  readonly broken: string[];
}

/** Inflicts all faults. Resolves once all of them are over. */
async function harmAll({ faults, everyMs, lastsMs, seed, signal, progress }: FleetOptions, harming: Harming): Promise<readonly Noted[]> {
  const { members, database, broken } = harming;
  const random = randomOf(seed, 2);
  const noted: Noted[] = [];
  const underWay: Promise<unknown>[] = [];
  const began = performance.now();
  for (const [nth, fault] of faults.entries()) {
    await waitUntil(began + (nth + 1) * everyMs, signal);
    if (signal.aborted) break;
    // A process that starts while the database is down exits; its supervisor would restart it.
    if (!isProcessFault(fault)) await Promise.all(underWay);
    const member = await anyHealthy(members, random);
    const one = await note(database.query, fault, member);
    noted.push(one);
    progress(`${Math.round((performance.now() - began) / 1_000)} s: ${fault}${isProcessFault(fault) ? ` of ${member.name}` : ''}`);
    const harmed = isProcessFault(fault) ? harm(member, fault, lastsMs) : harmDatabase(database, fault);
    const over = harmed.then(() => {
      one.backAt = Date.now();
    });
    underWay.push(over.catch((error: unknown) => broken.push(`${fault} of ${member.name}: ${messageOf(error)}`)));
    // The owners are unknown while the database is down.
    if (!isProcessFault(fault)) await underWay.at(-1);
  }
  await Promise.all(underWay);
  await waitUntil(performance.now() + everyMs, signal);
  return noted;
}

/** Chooses a healthy member as soon as another healthy one would remain. */
export async function anyHealthy(members: readonly Member[], random: Random): Promise<Member> {
  for (;;) {
    const healthy = members.filter(({ isHealthy }) => isHealthy);
    if (healthy.length > 1) return pick(random, healthy as [Member, ...Member[]]);
    await pause(100);
  }
}

/** Resolves at a moment on the clock of `performance.now()`, or when it is aborted. */
export async function waitUntil(moment: number, signal: AbortSignal): Promise<void> {
  const waitMs = moment - performance.now();
  if (waitMs > 0) await pause(waitMs, undefined, { signal }).catch(() => undefined);
}
