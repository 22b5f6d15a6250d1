import type { InletRead } from '../../pipeline/inlet.ts';
import type { Partition } from '../partition.ts';
import type { ReadRecords, RecordIntake, RecordsTaken } from './record-intake.ts';
import type { RecordPlace } from './rejected-record.ts';

/** Maximum reads of one partition in memory: the one being taken in, and the next. */
export const readsMax = 2;

/** The dependencies of a topic's partition. */
export interface TopicPartitionMeans {
  readonly place: RecordPlace;
  /** The pipeline's partition whose owner reads it. */
  readonly home: Partition;
  readonly intake: RecordIntake;
  /** In elapsed time, in milliseconds. */
  now(): number;
  /** Waits before the next try while there is no room; ends early when events were settled, or the engine stops. */
  pause(attempt: number): Promise<void>;
  /** Called when there is room to read more. */
  progressed(): void;
  /** Returns whether it may continue: the engine has not been stopped, and the pipeline is not paused. */
  mayGoOn(): boolean;
  /** Returns whether so many accepted events wait for their turns that more should wait on the topic. */
  isAhead(): boolean;
}

/** There is no room for the next record. */
export interface NoRoom {
  readonly reason: string;
  /** Since when, in elapsed time. */
  readonly since: number;
}

/**
 * - `taken`: everything read is on disk.
 * - `moved`: another process has read on, and the records in memory must be dropped.
 * - `stopped`: it may not continue, and the records in memory must be dropped.
 */
export type Ended = { readonly status: 'taken' | 'moved' | 'stopped' } | { readonly status: 'failed'; readonly error: unknown };

/**
 * A partition of a topic that this process reads, from the store's offset until another process reads it, or something fails. Anything read
 * but not taken in is dropped with it.
 */
export class TopicPartition {
  readonly #means: TopicPartitionMeans;
  readonly #waiting: InletRead[] = [];
  /** The store's offset. */
  #stored: number | null;
  /** The offset to read next. */
  #next: number;
  #end = 0;
  #working: Promise<void> | undefined;
  #isTaking = false;
  #noRoom: NoRoom | undefined;

  /** @param begin the store's offset, null if it has none, and the offset to read next */
  constructor(means: TopicPartitionMeans, begin: { readonly stored: number | null; readonly from: number }) {
    this.#means = means;
    this.#stored = begin.stored;
    this.#next = begin.from;
  }

  get place(): RecordPlace {
    return this.#means.place;
  }

  get home(): Partition {
    return this.#means.home;
  }

  /** The offset to read next. */
  get next(): number {
    return this.#next;
  }

  /** Records not taken in yet, as far as is known. */
  get lag(): number {
    return Math.max(0, this.#end - this.position);
  }

  /** The offset of the first record not taken in. */
  get position(): number {
    return this.#stored ?? this.#waiting[0]?.records[0]?.offset ?? this.#next;
  }

  /** The offset after the last record, as far as is known. */
  get end(): number {
    return this.#end;
  }

  /** The reason for which the next record must wait, and its beginning; undefined if it need not wait. */
  get noRoom(): NoRoom | undefined {
    return this.#noRoom;
  }

  /** True if more may be read. */
  get hasRoom(): boolean {
    return this.#waiting.length < readsMax;
  }

  /** True if records are on their way to the log. */
  get isTaking(): boolean {
    return this.#isTaking;
  }

  /** True if it is taking records in, and not waiting. */
  get isBusy(): boolean {
    return this.#working !== undefined && this.#noRoom === undefined;
  }

  endsAt(end: number): void {
    this.#end = Math.max(end, this.#next);
  }

  /** Takes a read in, and reports the result. */
  offer(read: InletRead, ended: (how: Ended) => void): void {
    if (read.end !== undefined) this.endsAt(read.end);
    if (read.next <= this.#next) return;
    this.#next = read.next;
    this.#waiting.push(read);
    if (this.#working !== undefined) return;
    const failed = (error: unknown): Ended => ({ status: 'failed', error });
    this.#working = this.#work()
      .catch(failed)
      .then((how) => {
        this.#working = undefined;
        ended(how);
      });
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<Ended> {
    for (let read = this.#waiting[0]; read !== undefined; read = this.#waiting[0]) {
      const status = await this.#takeAll(read);
      if (status !== 'taken') return { status };
      this.#waiting.shift();
      this.#means.progressed();
    }
    return { status: 'taken' };
  }

  /** Takes in all of a read, in portions as there is room. */
  async #takeAll({ records, next }: InletRead): Promise<'taken' | 'moved' | 'stopped'> {
    const { mayGoOn, home, pause, isAhead } = this.#means;
    let left = records;
    for (let attempt = 1; mayGoOn() && home.isOurs; attempt += 1) {
      if (!isAhead()) {
        const taken = await this.#take({ records: left, next, isRetry: this.#noRoom !== undefined });
        if (taken.status === 'moved') return taken.status;
        if (taken.status === 'taken') {
          attempt = 0;
          left = left.slice(taken.records);
          if (left.length === 0) return 'taken';
          continue;
        }
      }
      await pause(attempt);
    }
    return 'stopped';
  }

  async #take(read: Pick<ReadRecords, 'records' | 'next' | 'isRetry'>): Promise<RecordsTaken> {
    const { intake, home, place, now } = this.#means;
    this.#isTaking = true;
    try {
      const taken = await intake.take(home, { ...place, ...read, expected: this.#stored });
      if (taken.status === 'taken') this.#stored = taken.next;
      if (taken.status !== 'moved')
        this.#noRoom = taken.status === 'full' ? { reason: taken.reason, since: this.#noRoom?.since ?? now() } : undefined;
      return taken;
    } finally {
      this.#isTaking = false;
    }
  }
}
