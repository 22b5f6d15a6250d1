import { Consumer, type Message } from '@platformatic/kafka';
import type { Peer } from '../peers/peer.ts';
import type { WorkEvent } from '../work/event.ts';
import type { Reader, ReaderMeans } from './reader.ts';

/** The rows of one message at a time. */
export interface MessageRows extends Pick<Peer, 'history' | 'countOfStates'> {
  open(): Promise<void>;
  /** Reads the state of the key, and writes it and the history, in one transaction. */
  handle(event: WorkEvent): Promise<void>;
  close(): Promise<void>;
}

/**
 * Number of messages of a partition after which its offset is committed to the broker: about once per fetch, like `eachMessage` of kafkajs.
 */
const messagesPerOffset = 1_000;
/** Maximum messages waiting in a lane before reading pauses. */
const waitingMax = 200;

interface Lane {
  waiting: number;
  /** Resolves when all given messages are handled. */
  done: Promise<void>;
}

/**
 * A typical consumer: a member of a group that handles one message at a time, each in its own transaction, and commits offsets to the
 * broker. It writes no log, and everything handled since its last offset comes again after a crash.
 *
 * @param lanes number of partitions worked on at once, `partitionsConsumedConcurrently` of kafkajs
 */
export function makePerMessageReader(rows: MessageRows, lanes: number, { brokers, topic, handled }: ReaderMeans): Reader {
  const consumer = new Consumer({ clientId: 'per-message', groupId: `per-message-${process.pid}`, bootstrapBrokers: [brokers] });
  const first = Promise.withResolvers<void>();
  const all: Lane[] = Array.from({ length: lanes }, () => ({ waiting: 0, done: Promise.resolve() }));
  const counts = new Map<number, number>();
  let isStopping = false;
  let working: Promise<void> = Promise.resolve();

  async function handle({ partition, offset, value }: Message): Promise<void> {
    if (isStopping) return;
    await rows.handle(JSON.parse(value.toString('utf8')) as WorkEvent);
    handled();
    const count = (counts.get(partition) ?? 0) + 1;
    counts.set(partition, count);
    if (count % messagesPerOffset === 0) await consumer.commit({ offsets: [{ topic, partition, offset: offset + 1n, leaderEpoch: -1 }] });
  }

  async function work(): Promise<void> {
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 250 });
    for await (const message of stream) {
      first.resolve();
      if (isStopping) break;
      const lane = all[message.partition % lanes] as Lane;
      lane.waiting += 1;
      lane.done = lane.done
        .then(() => handle(message))
        .finally(() => {
          lane.waiting -= 1;
        });
      if (lane.waiting >= waitingMax) await lane.done;
    }
    await Promise.all(all.map(({ done }) => done));
  }

  return {
    history: () => rows.history(),
    countOfStates: () => rows.countOfStates(),
    async start() {
      await rows.open();
      working = work();
      // Joining a group takes seconds, which say nothing about the rate.
      await Promise.race([first.promise, working]);
    },
    async stop() {
      isStopping = true;
      await Promise.all(all.map(({ done }) => done));
      await consumer.close(true);
      await working;
    },
    close: () => rows.close(),
  };
}
