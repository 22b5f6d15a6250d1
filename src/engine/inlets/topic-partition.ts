import type { InletRead } from '../../pipeline/inlet.ts';
import type { Partition } from '../partition.ts';
import type { ReadRecords, RecordIntake, RecordsTaken } from './record-intake.ts';
import type { RecordPlace } from './rejected-record.ts';

/** Reads of one partition that may be in memory: one that is taken in, and the next. */
const readsMax = 2;

/** What a partition of a topic works with. */
export interface TopicPartitionMeans {
  readonly place: RecordPlace;
  /** The partition of the pipeline whose owner reads it. */
  readonly home: Partition;
  readonly intake: RecordIntake;
  /** In elapsed time, in milliseconds. */
  now(): number;
  /** Waits before the next try while there is no room; ends early when the engine stops. */
  pause(attempt: number): Promise<void>;
  /** There is room to read more. */
  progressed(): void;
  /** Whether it may go on: nobody has stopped the engine, or paused the pipeline. */
  mayGoOn(): boolean;
}

/** There is no room for the next record. */
export interface NoRoom {
  readonly reason: string;
  /** Since when, in elapsed time. */
  readonly since: number;
}

/**
 * - `taken`: all that was read is on disk.
 * - `moved`: another process has read on, and what was read is to be dropped.
 * - `stopped`: it may not go on, and what was read is to be dropped.
 */
export type Ended = { readonly status: 'taken' | 'moved' | 'stopped' } | { readonly status: 'failed'; readonly error: unknown };

/**
 * A partition of a topic that this process reads, from the offset that the store has until another process reads it, or something fails. What
 * was read and not taken in is dropped with it.
 */
export class TopicPartition {
  readonly #means: TopicPartitionMeans;
  readonly #waiting: InletRead[] = [];
  /** What the store has. */
  #stored: number | null;
  /** Where to read on. */
  #next: number;
  #end = 0;
  #working: Promise<void> | undefined;
  #noRoom: NoRoom | undefined;

  /**
   * @param begin the offset that the store has, null where it has none, and where to read on
   */
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

  /** Where to read on. */
  get next(): number {
    return this.#next;
  }

  /** Records that are not taken in yet, as far as is known. */
  get lag(): number {
    return Math.max(0, this.#end - this.position);
  }

  /** The offset of the first record that is not taken in. */
  get position(): number {
    return this.#stored ?? this.#waiting[0]?.records[0]?.offset ?? this.#next;
  }

  /** The offset behind the last record there is, as far as is known. */
  get end(): number {
    return this.#end;
  }

  /** Why the next record must wait, and since when; undefined while it need not. */
  get noRoom(): NoRoom | undefined {
    return this.#noRoom;
  }

  /** Whether more may be read. */
  get hasRoom(): boolean {
    return this.#waiting.length < readsMax;
  }

  /** Whether it takes in what was read, and waits for nothing. */
  get isBusy(): boolean {
    return this.#working !== undefined && this.#noRoom === undefined;
  }

  endsAt(end: number): void {
    this.#end = Math.max(end, this.#next);
  }

  /** Takes in what was read, and tells what came of it. */
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

  /** Takes in all of a read, a piece at a time, as there is room. */
  async #takeAll({ records, next }: InletRead): Promise<'taken' | 'moved' | 'stopped'> {
    const { mayGoOn, home, pause, now } = this.#means;
    let left = records;
    for (let attempt = 1; mayGoOn() && home.isOurs; ) {
      const taken = await this.#take({ records: left, next });
      if (taken.status === 'moved') return taken.status;
      if (taken.status === 'full') {
        this.#noRoom = { reason: taken.reason, since: this.#noRoom?.since ?? now() };
        await pause(attempt);
        attempt += 1;
        continue;
      }
      this.#noRoom = undefined;
      attempt = 1;
      left = left.slice(taken.records);
      if (left.length === 0) return 'taken';
    }
    return 'stopped';
  }

  async #take(read: Pick<ReadRecords, 'records' | 'next'>): Promise<RecordsTaken> {
    const { intake, home, place } = this.#means;
    const taken = await intake.take(home, { ...place, ...read, expected: this.#stored });
    if (taken.status === 'taken') this.#stored = taken.next;
    return taken;
  }
}
