import { setTimeout as pause } from 'node:timers/promises';
import { type Database, progressOf, storeFor } from '../../../src/cli/index.ts';
import { type Logger, type Mill, MillraceError, millrace } from '../../../src/index.ts';
import { forever } from '../../shared/forever.ts';
import { pipelineName, workersPipeline } from '../pipeline.ts';
import { type Place, placeTable } from '../place.ts';
import { checkPlace, foreignState } from './check-place.ts';
import { dataBytesMax } from './file-message.ts';
import type { MessagesFile } from './messages-file.ts';
import type { Narrator } from './narrate.ts';
import { Stage } from './stage.ts';

export interface WorkersPlay {
  readonly file: MessagesFile;
  readonly database: Database;
  readonly narrator: Narrator;
  readonly log: Logger;
  /** Resolves on a request to stop before the end. */
  readonly stop: Promise<void>;
}

/** A timer that keeps the process alive while the engine works; the longest in Node.js. */
const aliveMs = 2 ** 31 - 1;

/** Bytes of an event in addition to the message. */
const placeBytesMax = 1_024;

/**
 * Plays the messages of a file and prints each as it is said, up to the last one. A signal ends it earlier, and the same play on the same
 * database resumes from there.
 */
export async function playWorkers({ file, database, narrator, log, stop }: WorkersPlay): Promise<void> {
  const { workers } = file;
  const progress = progressOf(file.count);
  const stage = new Stage(file, narrator, progress);
  const alive = setInterval(() => undefined, aliveMs);
  const mill = millrace({
    store: storeFor(database),
    // Messages are never read again.
    pipelines: [workersPipeline({ workers, observe: (spoken) => stage.tell(spoken), retain: '1s' })],
    limits: { eventBytes: dataBytesMax + placeBytesMax },
    log,
  });
  let end: 'played' | 'stopped' | 'closed' | undefined;
  try {
    end = await Promise.race([
      // Waits for a file that another program keeps locked.
      mill
        .start()
        .then(() => play(mill, file, { stage, onPlayed: (count) => progress.step(count) }))
        .then(() => 'played' as const),
      stop.then(() => 'stopped' as const),
      stage.closed.then(() => 'closed' as const),
      stage.broken,
      mill.stopped.then(() => undefined),
    ]);
    await mill.stop(end === 'closed' ? { timeoutMs: 0 } : {});
  } finally {
    await mill.stop({ timeoutMs: 0 }).catch(() => undefined);
    clearInterval(alive);
    progress.end();
  }
  if (end === 'stopped' && database.kind !== 'memory') process.stderr.write('millrace: stopped; run the same command to resume\n');
}

async function play(
  mill: Mill,
  file: MessagesFile,
  { stage, onPlayed }: { readonly stage: Stage; readonly onPlayed: (count: number) => void },
): Promise<void> {
  // Messages accepted by an earlier run are said first.
  await mill.idle(forever);
  await checkNothingGivenUp(mill);
  const place = await findPlace(mill);
  if (place !== undefined) onPlayed(checkPlace(file, place));
  else if (await isAnybodyTalking(mill, file.workers)) throw foreignState();
  stage.resumed();
  let accumulated = place?.accumulated_time ?? 0;
  const startedAt = performance.now() - accumulated;
  for (const { row, says, interval, ...speech } of file.after(place?.row)) {
    accumulated += interval;
    await pauseUntil(startedAt + accumulated);
    await mill.ingest(pipelineName, {
      act: 'speak',
      ...speech,
      place: { row, says, interval, accumulated_time: accumulated, workers: file.workers },
    });
    await mill.idle(forever);
    if (stage.row !== row) await checkNothingGivenUp(mill);
    onPlayed(1);
  }
}

/** Waits for a moment by the clock of `performance.now()`, never less; so that one delay does not shift the rest. */
async function pauseUntil(at: number): Promise<void> {
  for (let leftMs = at - performance.now(); leftMs > 0; leftMs = at - performance.now()) await pause(Math.ceil(leftMs));
}

/** Returns the place of the last message said. */
async function findPlace(mill: Mill): Promise<Place | undefined> {
  return mill.query(placeTable).selectAll().executeTakeFirst();
}

async function isAnybodyTalking(mill: Mill, workers: number): Promise<boolean> {
  const keys = Array.from({ length: workers }, (_, at) => String(at + 1));
  const states = await Promise.all(keys.map((key) => mill.state(pipelineName, key, { waitMs: 0 })));
  return states.some((state) => state !== undefined);
}

/** Throws if a worker waits for an operator: it would stay silent for ever. */
async function checkNothingGivenUp(mill: Mill): Promise<void> {
  const [letter] = await mill.deadLetters({ pipeline: pipelineName, limit: 1 });
  if (letter === undefined) return;
  throw new MillraceError('MILL_CONFLICT', `worker ${letter.key} failed permanently: ${letter.reason}`);
}
