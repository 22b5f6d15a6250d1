import type { InletRead, InletRequest, InletTopic } from '../../pipeline/inlet.ts';
import { clientOptions, keepErrors, reasonOf, rethrowMissing } from './client.ts';
import { committedRecords, type FetchedPartition } from './fetched-records.ts';
import type { KafkaOptions } from './kafka-options.ts';

/** Maximum wait of the broker, for any caller: a request must not run into its own time-out. In milliseconds. */
const waitMsMax = 5_000;
/** A partition with records that returns none may have an oversized one; this is the most to request. */
const bytesMaxOfRecord = 128 * 1024 * 1024;
/** Special moments that select the ends of a partition. */
const ends = { earliest: -2n, latest: -1n };

/** A fetch from one broker, pending or answered. */
interface Fetch {
  /** The starting offsets, by partition. */
  readonly from: ReadonlyMap<number, number>;
  readonly answer: Promise<readonly FetchedPartition[]>;
}

/** The part of the client that reads. */
type Consumer = InstanceType<typeof import('@platformatic/kafka')['Consumer']>;

/**
 * Reads partitions from the brokers that lead them, with plain fetches: there is no group, and nothing is committed. Each broker has at
 * most one pending fetch. One that is slower than another continues, and its records count if they are still wanted.
 */
export class TopicReader {
  readonly #options: KafkaOptions;
  #consumer: Consumer | undefined;
  #topic: { readonly id: string; readonly leaders: readonly number[] } | undefined;
  readonly #fetches = new Map<number, Fetch>();
  /** Partitions that returned nothing, and the size requested for them. */
  readonly #large = new Map<number, number>();

  constructor(options: KafkaOptions) {
    this.#options = options;
  }

  async topic(signal: AbortSignal): Promise<InletTopic> {
    const { topic } = this.#options;
    const consumer = await this.#connected();
    return aborting(signal, async () => {
      const metadata = await consumer.metadata({ topics: [topic], forceUpdate: true });
      const found = metadata.topics.get(topic);
      if (found === undefined) throw new Error(`expected a topic ${topic}, found none`);
      const leaders = found.partitions.map(({ leader }) => leader);
      if (this.#topic?.id !== found.id || this.#topic.leaders.some((leader, at) => leader !== leaders[at])) this.#fetches.clear();
      this.#topic = { id: found.id, leaders };
      const list = async (timestamp: bigint) => (await consumer.listOffsets({ topics: [topic], timestamp })).get(topic) ?? [];
      const [earliest, latest] = await Promise.all([list(ends.earliest), list(ends.latest)]);
      const partitions = leaders.map((_, partition) => {
        return { partition, earliest: Number(earliest[partition] ?? 0n), end: Number(latest[partition] ?? 0n) };
      });
      return { id: found.id, partitions };
    });
  }

  async read(request: InletRequest, signal: AbortSignal): Promise<readonly InletRead[]> {
    const consumer = await this.#connected();
    if (this.#topic === undefined) await this.topic(signal);
    const asked = new Map(request.positions.map(({ partition, offset }) => [partition, offset]));
    for (const [leader, partitions] of this.#byLeader(asked)) {
      if (!this.#fetches.has(leader)) this.#fetches.set(leader, this.#fetch(consumer, leader, partitions, request));
    }
    return aborting(signal, async () => {
      const under = Array.from(this.#fetches);
      const [leader, fetch] = await Promise.race(
        under.map(async ([leader, fetch]) => {
          await fetch.answer.catch(() => undefined);
          return [leader, fetch] as const;
        }),
      );
      if (this.#fetches.get(leader) === fetch) this.#fetches.delete(leader);
      return this.#readsOf(await fetch.answer, fetch.from, asked);
    });
  }

  async close(): Promise<void> {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    this.#fetches.clear();
    await consumer?.close(true);
  }

  async #connected(): Promise<Consumer> {
    if (this.#consumer === undefined) {
      const { Consumer } = await import('@platformatic/kafka').catch(rethrowMissing);
      // A consumer must name a group. It never joins it.
      this.#consumer ??= new Consumer({ ...clientOptions(this.#options), groupId: 'millrace', autocommit: false });
      keepErrors(this.#consumer);
    }
    return this.#consumer;
  }

  #byLeader(asked: ReadonlyMap<number, number>): ReadonlyMap<number, readonly (readonly [number, number])[]> {
    return Map.groupBy(asked, ([partition]) => this.#topic?.leaders[partition] ?? -1);
  }

  /**
   * Partitions come in a different order each time: the broker returns an oversized record only from the first partition that has records.
   */
  #fetch(consumer: Consumer, leader: number, positions: readonly (readonly [number, number])[], { waitMs, bytesMax }: InletRequest): Fetch {
    const turned = positions.toSorted(() => Math.random() - 0.5);
    const partitions = turned.map(([partition, offset]) => ({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: BigInt(offset),
      lastFetchedEpoch: -1,
      partitionMaxBytes: this.#large.get(partition) ?? bytesMax,
    }));
    const topics = [{ topicId: this.#topic?.id ?? '', partitions }];
    const fetched = async () => {
      const response = await consumer.fetch({ node: leader, topics, maxWaitTime: Math.min(waitMs, waitMsMax), minBytes: 1 });
      return response.responses.flatMap((answered) => answered.partitions);
    };
    const answer = fetched();
    // The next reader gets the failure.
    answer.catch(() => undefined);
    return { from: new Map(positions), answer };
  }

  #readsOf(
    answered: readonly FetchedPartition[],
    from: ReadonlyMap<number, number>,
    asked: ReadonlyMap<number, number>,
  ): readonly InletRead[] {
    return answered.flatMap((partition) => {
      const offset = from.get(partition.partitionIndex);
      if (offset === undefined || asked.get(partition.partitionIndex) !== offset) return [];
      const read = committedRecords(partition, offset);
      this.#noteSize(read, offset);
      return [read];
    });
  }

  #noteSize({ partition, next, end = 0 }: InletRead, from: number): void {
    if (next > from || end <= from) this.#large.delete(partition);
    else this.#large.set(partition, Math.min(bytesMaxOfRecord, 4 * (this.#large.get(partition) ?? 1024 * 1024)));
  }
}

/** Waits for an answer until the signal aborts. Describes a failure in one line. */
async function aborting<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work(), aborted]);
  } catch (thrown) {
    signal.throwIfAborted();
    throw new Error(reasonOf(thrown), { cause: thrown });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
