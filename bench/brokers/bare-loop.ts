import { TopicReader } from '../../src/inlets/kafka/topic-reader.ts';
import type { InletRead } from '../../src/pipeline/inlet.ts';
import type { Peer } from '../peers/peer.ts';
import type { WorkEvent } from '../work/event.ts';
import { nextState, type WorkState } from '../work/state.ts';
import type { Reader, ReaderMeans } from './reader.ts';

/** An event of a batch, and its effects. */
export interface BatchRow {
  readonly event: WorkEvent;
  /** The event as in the record. */
  readonly body: string;
  readonly total: number;
}

/** The result of reading one partition. */
export interface Batch {
  readonly partition: number;
  /** The stored offset, and its replacement. */
  readonly expected: number;
  readonly next: number;
  readonly rows: readonly BatchRow[];
  /** The keys that the batch has changed. */
  readonly states: ReadonlyMap<string, WorkState>;
}

/** The rows of the loop in a database. */
export interface BatchRows extends Pick<Peer, 'history' | 'countOfStates'> {
  /** Makes the tables, with the offset 0 for each partition. */
  open(partitions: number): Promise<void>;
  /** Writes the log, the history, the states and the offset, in one transaction. */
  commit(batch: Batch): Promise<void>;
  close(): Promise<void>;
}

/** The same size as Millrace requests. */
const request = { waitMs: 250, bytesMax: 1024 * 1024 };

/**
 * The limit: a consumer that writes Millrace's rows (log, history, state, offset) with as little as possible around it. It makes the same
 * fetches by the same code, and puts the effects of one partition into one transaction, including the offset; meanwhile the next fetch is
 * on its way. All states are in memory. No schema, retries, timers, limits or metrics; no lease, and so no second process.
 */
export function makeBareReader(rows: BatchRows, { brokers, topic, partitions, handled }: ReaderMeans): Reader {
  const reader = new TopicReader({ brokers, topic });
  const stopping = new AbortController();
  const offsets = new Map(Array.from({ length: partitions }, (_, partition) => [partition, 0]));
  const states = new Map<string, WorkState>();
  let working: Promise<void> = Promise.resolve();

  function read(): Promise<readonly InletRead[]> {
    const positions = Array.from(offsets, ([partition, offset]) => ({ partition, offset }));
    return reader.read({ positions, ...request }, stopping.signal);
  }

  function batchOf({ partition, records, next }: InletRead, expected: number): Batch {
    const changed = new Map<string, WorkState>();
    const made = records.map(({ value }): BatchRow => {
      const body = Buffer.from(value ?? []).toString('utf8');
      const event = JSON.parse(body) as WorkEvent;
      const state = nextState(event, states.get(event.key));
      states.set(event.key, state);
      changed.set(event.key, state);
      return { event, body, total: state.count };
    });
    return { partition, expected, next, rows: made, states: changed };
  }

  async function work(): Promise<void> {
    let committing: Promise<void> = Promise.resolve();
    let reading = read();
    while (!stopping.signal.aborted) {
      const reads = (await reading).filter(({ records }) => records.length > 0);
      const taken = reads.map((one) => {
        const expected = offsets.get(one.partition) ?? 0;
        offsets.set(one.partition, one.next);
        return { one, expected };
      });
      reading = read();
      reading.catch(() => undefined);
      for (const { one, expected } of taken) {
        const batch = batchOf(one, expected);
        await committing;
        committing = rows.commit(batch).then(() => {
          for (const _ of batch.rows) handled();
        });
      }
    }
    await committing;
  }

  return {
    history: () => rows.history(),
    countOfStates: () => rows.countOfStates(),
    async start() {
      await rows.open(partitions);
      await reader.topic(stopping.signal);
      working = work().catch((error: unknown) => {
        if (!stopping.signal.aborted) throw error;
      });
    },
    async stop() {
      stopping.abort();
      await working;
      await reader.close();
    },
    close: () => rows.close(),
  };
}
