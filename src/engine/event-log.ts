import { MillraceError, messageOf } from '../errors.ts';
import type { Appended, BatchTaken, InboxTaken, Lease, NewDeadLetter, PartitionId, SourceBatch, Store } from '../store/store.ts';
import { AppendHealth } from './append-health.ts';
import { Appender } from './appender.ts';
import type { Clock } from './clock.ts';
import type { Counters } from './counts.ts';
import type { Deadline } from './deadline.ts';
import type { Outgoing } from './draft.ts';
import type { FedEvent } from './feed.ts';
import type { Memory } from './memory.ts';

/** A partition, as the reader of its slice of the log. */
export interface LogReader {
  /** Announces accepted events, in position order. */
  offer(events: readonly FedEvent[]): void;
  /** Notes that the log may hold more events than were announced. */
  look(): void;
  /** Notes that an event on its way is in the log, or will not come. */
  arrived(key: string, accepted: boolean): void;
  /** Drops everything in memory and resumes from disk after a store failure. */
  recover(error: unknown): void;
}

/** The fate of an inbox row: an expected event, or a dead letter. */
export type Taking = { readonly place: number } & ({ readonly outgoing: Outgoing } | { readonly letter: NewDeadLetter });

/** The fate of a broker's record: an expected event, with its dead letter in case it is late, or a dead letter. */
export type RecordTaking = { readonly outgoing: Outgoing; readonly late?: NewDeadLetter | undefined } | { readonly letter: NewDeadLetter };

/** The dependencies of the log, provided by the engine. */
export interface EventLogMeans {
  readonly store: Pick<Store, 'append'>;
  readonly clock: Pick<Clock, 'elapsedMs' | 'after'>;
  readonly memory: Pick<Memory, 'arriving'>;
  reader(partition: PartitionId): LogReader;
  counters(pipeline: string): Counters;
  /** Throws while the engine accepts nothing. */
  checkOpen(): void;
}

/**
 * The front of the log, used by everything that adds events to it: the door, which appends callers' events, and tenures, whose commits
 * append turns' sends. However an event arrived, it is counted here and its partition notified. After an append with an unknown result, the
 * partitions look for themselves.
 */
export class EventLog {
  readonly #means: EventLogMeans;
  readonly #appender: Appender;
  readonly #health: AppendHealth;

  constructor(means: EventLogMeans) {
    this.#means = means;
    this.#health = new AppendHealth(means);
    this.#appender = new Appender(means.store, {
      appended: (events, appended) => this.#appended(events, appended),
      failed: (events, error) => this.#failed(events, error),
    });
  }

  /** The reason the store currently takes no appends; undefined if it does, or if none was tried for a while. */
  get refusal(): string | undefined {
    return this.#health.refusal;
  }

  /** Announces an event that will be appended: until then it takes up memory. */
  expect({ bytes }: Outgoing): void {
    this.#means.memory.arriving.change(bytes);
  }

  /** Appends expected events. Resolves with a verdict for each when they are on disk, and rejects with the store's error. */
  append(events: readonly Outgoing[]): Promise<readonly Appended[]> {
    return this.#appender.append(events);
  }

  /**
   * Takes rows of the inbox under a lease. Resolves when the result is on disk, and rejects with the store's error, in which case the
   * result is unknown.
   */
  async take(lease: Lease | undefined, takings: readonly Taking[]): Promise<readonly InboxTaken[]> {
    const events = takings.flatMap((taking) => ('outgoing' in taking ? [taking.outgoing] : []));
    try {
      const asked = takings.map((taking) => ('outgoing' in taking ? { place: taking.place, event: taking.outgoing.stored } : taking));
      if (lease?.takeInbox === undefined) throw new MillraceError('MILL_STORE_FENCED', 'rows of the inbox cannot be taken without a lease');
      const taken = await lease.takeInbox(asked);
      const verdicts = taken.filter((_, at) => 'outgoing' in (takings[at] as Taking));
      // Nothing to report for a row that somebody else has taken.
      const isThere = (_: unknown, at: number) => verdicts[at]?.status !== 'gone';
      const appended = verdicts.filter(isThere) as Appended[];
      this.#health.succeeded();
      this.#tell(events.filter(isThere), appended);
      this.#arrived(events, verdicts as Appended[]);
      return taken;
    } catch (error) {
      this.#failed(events, error);
      throw error;
    }
  }

  /** Takes records of a broker under a lease. Resolves and rejects as {@link take} does. */
  async takeBatch(
    lease: Lease | undefined,
    { takings, ...move }: Omit<SourceBatch, 'takings'> & { readonly takings: readonly RecordTaking[] },
  ): Promise<BatchTaken> {
    const events = takings.flatMap((taking) => ('outgoing' in taking ? [taking.outgoing] : []));
    try {
      if (lease === undefined) throw new MillraceError('MILL_STORE_FENCED', 'records of a broker cannot be taken without a lease');
      const asked = takings.map((taking) => ('outgoing' in taking ? { event: taking.outgoing.stored, late: taking.late } : taking));
      const answer = await lease.takeBatch({ ...move, takings: asked });
      if (answer.status === 'moved') {
        this.#arrived(events, []);
        return answer;
      }
      const verdicts = answer.taken.filter((_, at) => 'outgoing' in (takings[at] as RecordTaking)) as readonly Appended[];
      this.#health.succeeded();
      this.#tell(events, verdicts);
      this.#arrived(events, verdicts);
      return answer;
    } catch (error) {
      this.#failed(events, error);
      throw error;
    }
  }

  /** Withdraws expected events. */
  withdraw(events: readonly Outgoing[]): void {
    this.#arrived(events, []);
  }

  /** Notes that a commit has appended its turns' sends. */
  sent(events: readonly Outgoing[], appended: readonly Appended[]): void {
    this.#tell(events, appended);
  }

  /** Notes that a commit may or may not have appended its turns' sends. */
  doubted(events: readonly Outgoing[]): void {
    for (const reader of this.#readersOf(events)) reader.look();
  }

  /** Resolves when no append is under way, or at the caller's deadline. */
  idle(deadline: Deadline): Promise<void> {
    return this.#appender.idle(deadline);
  }

  #appended(events: readonly Outgoing[], appended: readonly Appended[]): void {
    this.#health.succeeded();
    this.#tell(events, appended);
    this.#arrived(events, appended);
  }

  /** After this the content of the log is unknown, unless the store was merely locked. */
  #failed(events: readonly Outgoing[], error: unknown): void {
    this.#arrived(events, []);
    const failure = error instanceof MillraceError ? error : new MillraceError('MILL_INTERNAL', messageOf(error), { cause: error });
    // An expired lease has changed nothing.
    if (failure.code === 'MILL_STORE_FENCED') return;
    this.#health.refused(failure);
    if (failure.code === 'MILL_STORE_BUSY') {
      this.#health.probeLater();
      return;
    }
    for (const reader of this.#readersOf(events)) reader.recover(failure);
  }

  /** Counts events that are in the log and hands them to their partitions. */
  #tell(events: readonly Outgoing[], appended: readonly Appended[]): void {
    const offers = new Map<LogReader, FedEvent[]>();
    events.forEach(({ stored, event, bytes }, at) => {
      const verdict = appended[at];
      const counters = this.#means.counters(stored.partition.pipeline);
      if (verdict?.status === 'accepted') {
        const { key, id, number, acceptedAt, body, traceparent, origin } = stored;
        const fed = { position: verdict.position, key, id, number, acceptedAt, body, traceparent, origin, event, bytes };
        const reader = this.#means.reader(stored.partition);
        const offered = offers.get(reader);
        if (offered === undefined) offers.set(reader, [fed]);
        else offered.push(fed);
      } else if (verdict?.status === 'duplicate') counters.count('duplicates');
      else counters.count('rejected');
    });
    for (const [reader, offered] of offers) reader.offer(offered);
  }

  /** Notes that events on their way have come, or will not. */
  #arrived(events: readonly Outgoing[], appended: readonly Appended[]): void {
    events.forEach(({ stored, bytes }, at) => {
      this.#means.memory.arriving.change(-bytes);
      this.#means.reader(stored.partition).arrived(stored.key, appended[at]?.status === 'accepted');
    });
  }

  #readersOf(events: readonly Outgoing[]): ReadonlySet<LogReader> {
    return new Set(events.map(({ stored }) => this.#means.reader(stored.partition)));
  }
}
