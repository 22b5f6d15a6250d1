import { setTimeout as pause } from 'node:timers/promises';
import { type Ingested, type Mill, MillraceError } from '../../../src/index.ts';
import { forever } from '../../shared/forever.ts';
import { integerFrom, type Random } from '../../shared/random.ts';
import { pipelineName } from '../pipeline.ts';
import type { UpdatesFile } from './updates-file.ts';

export interface Arrivals {
  readonly file: UpdatesFile;
  /** The longest delay of an update after the previous one. */
  readonly maxDelayMs: number;
  readonly random: Random;
  /** Called with the number of updates ingested or skipped. */
  onDone(count: number): void;
  /** Called for an invalid update. */
  onSkipped(index: number, reason: string): void;
}

/** Maximum simultaneous updates that share a commit. */
const burstMax = 500;

/**
 * Ingests updates in order, each after a delay. Skips the delay for updates that an earlier run ingested. Throws if the engine
 * accepts nothing.
 */
export async function takeIn(mill: Mill, { file, maxDelayMs, random, onDone, onSkipped }: Arrivals): Promise<void> {
  const size = maxDelayMs === 0 ? burstMax : 1;
  let arrivedAt = 0;
  let isNew = false;
  for (let first = 0; first < file.updates.length; first += size) {
    // Drawn for recognised updates too, so that a seed gives every update the same delay in every run.
    const delayMs = integerFrom(random, 0, maxDelayMs);
    if (isNew) await pause(Math.max(0, arrivedAt + delayMs - performance.now()));
    const burst = file.updates.slice(first, first + size);
    // The engine keeps the order of the calls.
    const calls = burst.map((update, at) => mill.ingest(pipelineName, update, { id: file.idOf(first + at) }));
    arrivedAt = performance.now();
    const taken = await Promise.allSettled(calls);
    isNew = !taken.every((one) => one.status === 'fulfilled' && one.value.status === 'duplicate');
    for (const [at, one] of taken.entries()) reportSkipped(one, (reason) => onSkipped(first + at, reason));
    onDone(burst.length);
    // Keeps the number of waiting updates within the engine's limit.
    if (size > 1) await mill.settled(pipelineName, forever);
  }
}

/** Rethrows any error that is not the update's fault. */
function reportSkipped(taken: PromiseSettledResult<Ingested>, report: (reason: string) => void): void {
  if (taken.status === 'fulfilled') return;
  const error: unknown = taken.reason;
  if (!(error instanceof MillraceError && isFaultOfUpdate(error))) throw error;
  const faults = error.issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  report(faults.join('; ') || error.message);
}

function isFaultOfUpdate({ code }: MillraceError): boolean {
  return code === 'MILL_INVALID_EVENT' || code === 'MILL_BODY_TOO_LARGE';
}
