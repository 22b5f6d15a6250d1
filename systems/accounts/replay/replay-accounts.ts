import { type Database, type Progress, progressOf, storeFor } from '../../../src/cli/index.ts';
import { type Logger, type Mill, MillraceError, millrace } from '../../../src/index.ts';
import { forever } from '../../shared/forever.ts';
import { randomOf } from '../../shared/random.ts';
import type { Happening } from '../happening.ts';
import { findHighest } from '../highest.ts';
import { countPendingCallbacks } from '../pending.ts';
import { accountsPipeline, pipelineName } from '../pipeline.ts';
import { type Arrivals, takeIn } from './arrivals.ts';
import { Bell } from './bell.ts';
import type { Narrator } from './narrate.ts';
import type { UpdatesFile } from './updates-file.ts';

export interface AccountsReplay {
  readonly file: UpdatesFile;
  readonly maxDelayMs: number;
  readonly seed: number;
  readonly database: Database;
  readonly narrator: Narrator;
  readonly log: Logger;
  /** Resolves on a request to stop before the end. */
  readonly stop: Promise<void>;
}

/** A timer that keeps the process alive while it waits for callbacks; the longest in Node.js. */
const aliveMs = 2 ** 31 - 1;

/**
 * Ingests updates as they would arrive and reports what happens, up to the last callback; then prints the summary. A signal ends it
 * earlier, and the same replay on the same database resumes from there.
 */
export async function replayAccounts({ file, maxDelayMs, seed, database, narrator, log, stop: asked }: AccountsReplay): Promise<void> {
  const stop = Promise.race([asked, outputClosed()]);
  const progress = progressOf(file.updates.length);
  const bell = new Bell();
  const observe = (happening: Happening) => {
    const line = narrator.tell(happening);
    if (line !== '') progress.print(process.stdout, line);
    bell.ring();
  };
  // The position in the file identifies an update.
  const pipeline = accountsPipeline(observe, { identifiedBy: 'caller' });
  const alive = setInterval(() => undefined, aliveMs);
  const mill = millrace({ store: storeFor(database), pipelines: [pipeline], log });
  let summary: string | undefined;
  try {
    const arrivals: Arrivals = {
      ...{ file, maxDelayMs, random: randomOf(seed, 0) },
      onDone: (count) => progress.step(count),
      onSkipped: (index, reason) => progress.print(process.stderr, `millrace: skipped the update at index ${index}: ${reason}\n`),
    };
    const play = async () => {
      // A database may be slow, or never answer.
      await mill.start();
      await playAll(mill, arrivals, { bell, progress });
      return narrator.sumUp(await findHighest(mill));
    };
    summary = await Promise.race([play(), stop.then(() => undefined), mill.stopped.then(() => undefined)]);
    await mill.stop();
  } finally {
    await mill.stop().catch(() => undefined);
    clearInterval(alive);
    progress.end();
  }
  if (summary !== undefined) process.stdout.write(summary);
  else if (database.kind !== 'memory') process.stderr.write('millrace: stopped; run the same command to resume\n');
}

async function playAll(
  mill: Mill,
  arrivals: Arrivals,
  { bell, progress }: { readonly bell: Bell; readonly progress: Progress },
): Promise<void> {
  // Callbacks that came due while nothing ran come before anything new.
  await mill.idle(forever);
  await takeIn(mill, arrivals);
  for (;;) {
    const { rung } = bell;
    await mill.idle(forever);
    await checkNothingGivenUp(mill);
    const pending = await countPendingCallbacks(mill);
    progress.status(pending === 0 ? '' : `pending callbacks: ${pending}`);
    if (pending === 0) return;
    await rung;
  }
}

/** Throws if an account waits for an operator: waiting for it would never end. */
async function checkNothingGivenUp(mill: Mill): Promise<void> {
  const [letter] = await mill.deadLetters({ pipeline: pipelineName, limit: 1 });
  if (letter === undefined) return;
  throw new MillraceError('MILL_CONFLICT', `account ${JSON.stringify(letter.key)} failed permanently: ${letter.reason}`);
}

/** Resolves once stdout has no reader. */
function outputClosed(): Promise<void> {
  return new Promise((resolve) => process.stdout.on('error', () => resolve()));
}
