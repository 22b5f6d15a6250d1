import * as z from 'zod';
import { type Mill, markCutShort, type ReadOptions } from '../../src/index.ts';
import { decodeCursor, forPage, type Page, pageOf, pageParameters } from '../../src/server/index.ts';
import { pipelineName } from './pipeline.ts';
import { silentWorker, Worker } from './worker.ts';

/** The parameters of the list. */
export const WorkerQuery = z.object(pageParameters);

/** A worker as shown. */
export const WorkerAnswer = z.object({
  worker: z.int(),
  worker_listened: z.int().meta({ description: 'The worker that spoke to it last; 0 before any has.' }),
  message_listened: z.string().meta({ description: 'The last message it heard.' }),
  messages_heard: z.int(),
  messages_spoken: z.int(),
});
export type WorkerAnswer = z.infer<typeof WorkerAnswer>;

const Cursor = z.tuple([z.int().min(0)]);

/** Time that a read waits for earlier events to be handled, in milliseconds. */
const freshnessMs = 250;

/** Returns a page of all workers, by number. Throws `MILL_INVALID_REQUEST` for a cursor from another list. */
export async function listWorkers(
  mill: Mill,
  workers: number,
  query: z.infer<typeof WorkerQuery>,
  reading: ReadOptions = {},
): Promise<Page<WorkerAnswer>> {
  const { limit } = query;
  const [after] = query.cursor === undefined ? [0] : await decodeCursor(Cursor, query.cursor);
  await heard(mill);
  const count = Math.max(0, Math.min(workers - after, limit + 1));
  const items = await readWorkers(mill, { from: after + 1, count }, reading);
  return pageOf(items, { limit, cursor: ({ worker }) => [worker], item: (item) => item });
}

/** Returns one worker, reflecting every message accepted before. */
export async function findWorker(mill: Mill, worker: number, reading: ReadOptions = {}): Promise<WorkerAnswer> {
  await heard(mill);
  return readWorker(mill, worker, reading);
}

/** A message is heard in a later turn, so first everything must be said, and then heard. */
async function heard(mill: Mill): Promise<void> {
  if (await mill.settled(pipelineName, freshnessMs)) await mill.settled(pipelineName, freshnessMs);
}

/** Reads each separately, until they fill a page. */
async function readWorkers(
  mill: Mill,
  { from, count }: { readonly from: number; readonly count: number },
  reading: ReadOptions,
): Promise<readonly WorkerAnswer[]> {
  const workers: WorkerAnswer[] = [];
  let characters = 0;
  while (workers.length < count) {
    const worker = await readWorker(mill, from + workers.length, reading);
    workers.push(worker);
    characters += worker.message_listened.length;
    if (characters < forPage.charactersMax || workers.length < 2) continue;
    markCutShort(workers);
    break;
  }
  return workers;
}

async function readWorker(mill: Mill, worker: number, reading: ReadOptions): Promise<WorkerAnswer> {
  const state = await mill.state(pipelineName, String(worker), { ...reading, waitMs: 0 });
  return { worker, ...(state === undefined ? silentWorker : Worker.parse(state)) };
}
