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
  /** Tells of accepted events, in position order. */
  offer(events: readonly FedEvent[]): void;
  /** The log may hold more events than were announced. */
  look(): void;
  /** An event that was on its way is in the log, or will not come. */
  arrived(key: string, accepted: boolean): void;
  /** Drops everything in memory and goes on from what is on disk, since the store failed. */
  recover(error: unknown): void;
}

/** What becomes of a row of the inbox: an event that was expected, or a dead letter. */
export type Taking = { readonly place: number } & ({ readonly outgoing: Outgoing } | { readonly letter: NewDeadLetter });

/** What becomes of a record of a broker: an event that was expected, with its dead letter should it be late, or a dead letter. */
export type RecordTaking = { readonly outgoing: Outgoing; readonly late?: NewDeadLetter | undefined } | { readonly letter: NewDeadLetter };

/** What the log works with; the engine provides it. */
export interface EventLogMeans {
  readonly store: Pick<Store, 'append'>;
  readonly clock: Pick<Clock, 'elapsedMs' | 'after'>;
  readonly memory: Pick<Memory, 'arriving'>;
  reader(partition: PartitionId): LogReader;
  counters(pipeline: string): Counters;
  /** Throws while the engine takes nothing in. */
  checkOpen(): void;
}

/**
 * The front of the log, on which all stand that bring events into it: the door, which appends what callers bring, and tenures, whose commits
 * append what turns send. Whichever way an event came in, here it is counted and its partition told. After an append of which nobody
 * knows what came of it, the partitions look.
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

  /** Why the store takes nothing in at present; undefined when it does, or nobody has tried for a while. */
  get refusal(): string | undefined {
    return this.#health.refusal;
  }

  /** An event will be appended: until then it takes up memory. */
  expect({ bytes }: Outgoing): void {
    this.#means.memory.arriving.change(bytes);
  }

  /** Appends events that were expected. Resolves when they are on disk, each with its verdict, and rejects with what the store threw. */
  append(events: readonly Outgoing[]): Promise<readonly Appended[]> {
    return this.#appender.append(events);
  }

  /** Takes rows of the inbox, where there is a lease. Resolves when what became of them is on disk, and rejects with what the store threw: then nobody knows. */
  async take(lease: Lease | undefined, takings: readonly Taking[]): Promise<readonly InboxTaken[]> {
    const events = takings.flatMap((taking) => ('outgoing' in taking ? [taking.outgoing] : []));
    try {
      const asked = takings.map((taking) => ('outgoing' in taking ? { place: taking.place, event: taking.outgoing.stored } : taking));
      if (lease?.takeInbox === undefined)
        throw new MillraceError('MILL_STORE_FENCED', 'rows of the inbox: expected a lease to take them under');
      const taken = await lease.takeInbox(asked);
      const verdicts = taken.filter((_, at) => 'outgoing' in (takings[at] as Taking));
      // Of one that somebody else has taken there is nothing to tell.
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

  /** Takes records of a broker, where there is a lease. Resolves and rejects as {@link take} does. */
  async takeBatch(
    lease: Lease | undefined,
    { takings, ...move }: Omit<SourceBatch, 'takings'> & { readonly takings: readonly RecordTaking[] },
  ): Promise<BatchTaken> {
    const events = takings.flatMap((taking) => ('outgoing' in taking ? [taking.outgoing] : []));
    try {
      if (lease === undefined) throw new MillraceError('MILL_STORE_FENCED', 'records of a broker: expected a lease to take them under');
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

  /** Events that were expected do not come after all. */
  withdraw(events: readonly Outgoing[]): void {
    this.#arrived(events, []);
  }

  /** A commit has appended what its turns sent. */
  sent(events: readonly Outgoing[], appended: readonly Appended[]): void {
    this.#tell(events, appended);
  }

  /** Nobody knows whether a commit has appended what its turns sent. */
  doubted(events: readonly Outgoing[]): void {
    for (const reader of this.#readersOf(events)) reader.look();
  }

  /** Resolves when no append is under way, or when the caller's time is over. */
  idle(deadline: Deadline): Promise<void> {
    return this.#appender.idle(deadline);
  }

  #appended(events: readonly Outgoing[], appended: readonly Appended[]): void {
    this.#health.succeeded();
    this.#tell(events, appended);
    this.#arrived(events, appended);
  }

  /** After this nobody knows what is in the log, unless the store was merely locked. */
  #failed(events: readonly Outgoing[], error: unknown): void {
    this.#arrived(events, []);
    const failure = error instanceof MillraceError ? error : new MillraceError('MILL_INTERNAL', messageOf(error), { cause: error });
    // A lease that is over has changed nothing.
    if (failure.code === 'MILL_STORE_FENCED') return;
    this.#health.refused(failure);
    if (failure.code === 'MILL_STORE_BUSY') {
      this.#health.probeLater();
      return;
    }
    for (const reader of this.#readersOf(events)) reader.recover(failure);
  }

  /** Events are in the log: counts them and hands them to their partitions. */
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

  /** What was on its way has come, or will not. */
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
