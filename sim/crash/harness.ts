import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { randomOf } from '../../systems/shared/random.ts';
import { Endpoints } from './endpoints.ts';
import { Group } from './group.ts';
import { Tally } from './tally.ts';

export interface CrashOptions {
  readonly rounds: number;
  /** Rounds on one database. */
  readonly groupSize: number;
  /** Number of kills followed by a power cut on a copy. */
  readonly powerCuts: number;
  readonly seed: number;
  /** Aborts to end it at once. */
  readonly signal: AbortSignal;
  /** Takes a line of progress. */
  progress(line: string): void;
}

export interface CrashOutcome {
  readonly tally: Tally;
  /** The violations found, each with its place; empty if every promise was kept. */
  readonly broken: readonly string[];
  /** The files of the broken group; undefined if nothing is broken. */
  readonly folder: string | undefined;
}

/** Kills the real server again and again. Ends after the first group with a violation. Throws if it was aborted. */
export async function crash(options: CrashOptions): Promise<CrashOutcome> {
  const { rounds, groupSize, seed, signal } = options;
  const tally = new Tally();
  const folder = mkdtempSync(join(tmpdir(), 'millrace-crash-'));
  const endpoints = await Endpoints.listen(randomOf(seed, 0));
  let broken: readonly string[] = [];
  try {
    const port = await freePort();
    for (let group = 1; broken.length === 0 && tally.rounds < rounds && !signal.aborted; group += 1) {
      const last = Math.min(rounds, tally.rounds + groupSize);
      broken = await runGroup({ ...options, group, last, endpoints, port, tally, folder: join(folder, `group-${group}`) });
    }
  } finally {
    await endpoints.close();
    if (broken.length === 0) rmSync(folder, { recursive: true, force: true });
  }
  signal.throwIfAborted();
  return { tally, broken, folder: broken.length === 0 ? undefined : folder };
}

interface GroupRun extends CrashOptions {
  readonly group: number;
  /** The number of its last round. */
  readonly last: number;
  readonly endpoints: Endpoints;
  readonly port: number;
  readonly tally: Tally;
  readonly folder: string;
}

async function runGroup(run: GroupRun): Promise<readonly string[]> {
  const { tally, last, rounds, powerCuts, seed, folder, signal } = run;
  mkdirSync(folder, { recursive: true });
  // Ends the clients of this group, for whatever reason.
  const own = new AbortController();
  const group = new Group({ ...run, signal: AbortSignal.any([signal, own.signal]) });
  const first = tally.rounds + 1;
  const broken: string[] = [];
  try {
    while (tally.rounds < last && group.broken.length === 0 && !signal.aborted) {
      const isDue = (round: number) => Math.ceil((round * powerCuts) / rounds);
      await group.round({ withCut: isDue(tally.rounds + 1) > isDue(tally.rounds) });
    }
    if (group.broken.length === 0 && !signal.aborted) await group.finish();
  } catch (error) {
    broken.push(messageOf(error));
  } finally {
    own.abort();
    await group.close();
  }
  broken.unshift(...group.broken);
  // An aborted run proves nothing.
  if (signal.aborted) return [];
  if (broken.length === 0) {
    rmSync(folder, { recursive: true });
    run.progress(`rounds ${first} to ${tally.rounds}: ${tally.killed} kills, ${tally.cuts.made} power cuts, everything is fine`);
  }
  return broken.map((words) => `seed ${seed}, rounds ${first} to ${tally.rounds}: ${words}`);
}

/** Returns a port below the ephemeral range: a client that connects while the server is down must not connect to itself. */
async function freePort(): Promise<number> {
  for (let port = 20_000 + Math.floor(Math.random() * 10_000); ; port += 1) if (await isFree(port)) return port;
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  return promise;
}
