import { type Duration, pipeline, type Turn } from '../../src/index.ts';
import { isPromiseLike } from '../shared/promise-like.ts';
import { lastPlace, type Place, placeTable } from './place.ts';
import { actOf, type Speech } from './speech.ts';
import { logSpoken, type Observe } from './spoken.ts';
import { silentWorker, Worker } from './worker.ts';

export const pipelineName = 'workers';

const tables = { placeTable };
type WorkerTurn = Turn<typeof pipelineName, { act: 'hear'; worker: number; speaker: number; message: string }, typeof tables>;

export interface WorkersPipelineOptions {
  /** They are numbered from 1 to this. */
  readonly workers: number;
  readonly observe?: Observe;
  /** Retention of messages in the log. Default 7 d. */
  readonly retain?: Duration;
}

/**
 * One key per worker. A worker's message is sent to another, which hears it in its own turn: so a message is heard once, and messages from
 * one worker to another are heard in order.
 */
export function workersPipeline({ workers, observe = logSpoken, retain = '7d' }: WorkersPipelineOptions) {
  return pipeline(pipelineName, {
    event: actOf(workers),
    key: ({ worker }) => String(worker),
    state: Worker,
    tables,
    // It decides from stored data: a failure would repeat.
    retry: { attempts: 1 },
    retain,
    handle(act, worker = silentWorker, turn) {
      if (act.act === 'hear') return hear(worker, act.speaker, act.message);
      const { worker_listened, message_listened } = worker;
      const { act: _, place, ...speech } = act;
      const told = observe({ ...speech, worker_listened, message_listened, place }, turn);
      return isPromiseLike(told) ? told.then(() => speak(worker, { ...speech, place }, turn)) : speak(worker, { ...speech, place }, turn);
    },
  });
}

function hear(worker: Worker, speaker: number, message: string): Worker {
  return { ...worker, worker_listened: speaker, message_listened: message, messages_heard: worker.messages_heard + 1 };
}

function speak(worker: Worker, speech: Speech & { readonly place: Place | undefined }, turn: WorkerTurn): Worker {
  const { place, message } = speech;
  turn.send(pipelineName, { act: 'hear', worker: speech.destination_worker, speaker: speech.worker, message });
  if (place !== undefined) turn.put(placeTable, { name: lastPlace, ...place });
  return { ...worker, messages_spoken: worker.messages_spoken + 1 };
}
