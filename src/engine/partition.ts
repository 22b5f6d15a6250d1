import { MillraceError, messageOf } from '../errors.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { Appended, DeadLetter, PartitionId, Store } from '../store/store.ts';
import { pauseMs } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { Counters } from './counts.ts';
import { Draft, type Outgoing } from './draft.ts';
import { type FedEvent, Feed } from './feed.ts';
import type { DueTimer, Waiting } from './lane.ts';
import { Lanes } from './lanes.ts';
import type { Limits } from './limits.ts';
import type { Log } from './log.ts';
import { TimerQueue } from './timer-queue.ts';

/** What a partition works with; the engine provides it. */
export interface PartitionMeans {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  newId(): string;
  readonly limits: Limits;
  readonly log: Log;
  readonly pipelines: ReadonlyMap<string, AnyPipeline>;
  readonly counters: Counters;
  /** Events that a commit sent are in the log now. */
  sent(sends: readonly Outgoing[], appended: readonly Appended[]): void;
  /** The store failed for good. */
  fatal(error: MillraceError): void;
}

/** Events handed out by the feed at once. */
const batchMax = 512;
const recovery = { backoffMs: 50, backoffMsMax: 5_000, jitter: 0.5, attempts: Number.POSITIVE_INFINITY };

/**
 * One partition at work: read the log, order by key, run, commit, over and over. There is one commit under way at a
 * time; what turns decide meanwhile gathers in the next draft.
 *
 * When the store fails a commit, nobody knows what is on disk. Then everything in memory is dropped, the partition
 * claimed again, and the work goes on from the cursor as after a crash (promises 2, 8): there is no second way back.
 */
export class Partition {
  readonly id: PartitionId;
  /** What keeps it from making progress; undefined while all is well. */
  trouble: string | undefined;
  readonly #means: PartitionMeans;
  readonly #pipeline: AnyPipeline;
  /** When something was committed last, or a look at an idle partition found it busy. */
  #progressAt: number | undefined;
  /** Events on their way to the log. */
  #arriving = 0;
  #epoch = 0;
  #cursor = 0;
  #feed!: Feed;
  #lanes!: Lanes;
  #timers!: TimerQueue;
  #draft!: Draft;
  #committing: Promise<void> | undefined;
  #flushIsDue = false;
  #recovering: Promise<void> | undefined;
  #failures = 0;
  #work: Promise<void> = Promise.resolve();
  #state: 'working' | 'stopping' | 'stopped' = 'working';
  /** The last position that went to its lane. */
  #dispatched = 0;
  /** Turns that the store refused when they were alone in their commit, until they are tried again. */
  readonly #refusals = new Map<string, MillraceError>();
  /** Turns to commit one by one, to find the one that the store refuses. */
  #oneByOne = 0;
  #watchers: { readonly done: () => boolean; readonly resolve: () => void }[] = [];

  constructor(means: PartitionMeans, pipeline: AnyPipeline, id: PartitionId) {
    this.id = id;
    this.#means = means;
    this.#pipeline = pipeline;
  }

  /** Claims the partition and sets to work. Throws what the store throws. */
  async start(): Promise<void> {
    const waiting = await this.#claim();
    this.#means.counters.received += waiting;
  }

  /** Accepted or on their way, and not settled; those that wait for their key left out. */
  get backlog(): number {
    return this.#feed.head - this.#cursor + this.#arriving;
  }

  get hasWork(): boolean {
    return !this.#isIdle;
  }

  /** For how long, as far as looks at it tell, there has been work and no commit. */
  silentMs(): number {
    const now = this.#means.clock.now();
    if (this.#isIdle) this.#progressAt = undefined;
    else this.#progressAt ??= now;
    return this.#progressAt === undefined ? 0 : now - this.#progressAt;
  }

  /** Tells of accepted events, in position order. */
  offer(events: readonly FedEvent[]): void {
    this.#feed.offer(events);
  }

  /** Events that wait for a key or are on their way to it; 0 for one that is not in memory. */
  pending(key: string): number {
    const lane = this.#lanes.peek(key);
    return lane === undefined ? 0 : lane.pending + lane.arriving;
  }

  /** An event is on its way to the log. */
  arrive(key: string): void {
    this.#arriving += 1;
    const lane = this.#lanes.peek(key);
    if (lane !== undefined) lane.arriving += 1;
  }

  /** It has come, or will not. */
  arrived(key: string, accepted: boolean): void {
    this.#arriving -= 1;
    if (accepted) return;
    const lane = this.#lanes.peek(key);
    if (lane !== undefined && lane.arriving > 0) lane.arriving -= 1;
  }

  /** Resolves once every event accepted before the call (for some keys, or all) is settled or waits for its key. */
  async caughtUp(keys?: readonly string[]): Promise<void> {
    const lanes = this.#lanes;
    await this.#dispatchedTo(this.#feed.head, lanes);
    let busy = keys === undefined ? lanes.busy : keys.flatMap((key) => lanes.peek(key) ?? []);
    await this.#until(() => {
      busy = busy.filter((lane) => lane.isBusy);
      return busy.length === 0 || lanes.isClosed;
    });
    await this.#committed(lanes);
  }

  /** Resolves once nothing is left that could be done now. */
  idle(): Promise<void> {
    return this.#until(() => this.#isIdle);
  }

  async redrive(letter: DeadLetter): Promise<void> {
    await this.#lanes.redrive(letter);
  }

  async discard(letter: DeadLetter): Promise<void> {
    await this.#lanes.discard(letter);
  }

  /** Drops everything in memory and goes on from what is on disk, since the store failed. */
  recover(error: unknown): void {
    if (this.#recovering !== undefined) return;
    if (this.#state !== 'working') {
      this.trouble = messageOf(error);
      return;
    }
    this.#recovering = this.#startOver(error).finally(() => {
      this.#recovering = undefined;
      this.#flushSoon();
      this.#changed();
    });
  }

  /** Hands unfinished work back, commits what is finished, and ends. */
  async stop(): Promise<void> {
    if (this.#state !== 'working') return;
    this.#state = 'stopping';
    await this.#letGo(new MillraceError('MILL_STOPPING', 'the engine is stopping'));
    while (this.#committing !== undefined || (!this.#draft.isEmpty && this.trouble === undefined)) {
      this.#flush();
      await this.#committing;
    }
    this.#state = 'stopped';
    this.#changed();
    await this.#work;
  }

  get #isIdle(): boolean {
    const nothingToCommit = this.#draft.isEmpty && this.#committing === undefined && this.#recovering === undefined;
    return nothingToCommit && this.#dispatched >= this.#feed.head && this.#lanes.isIdle && this.#timers.isIdle;
  }

  /** Takes the partition over and starts from what is on disk. Answers how many accepted events are not settled. */
  async #claim(): Promise<number> {
    const { store, limits } = this.#means;
    const claim = await store.claim(this.id);
    this.#epoch = claim.epoch;
    this.#cursor = claim.cursor;
    this.#dispatched = claim.cursor;
    this.#draft = new Draft((this.#draft?.number ?? 0) + 1, claim.cursor);
    const feed = new Feed(store, this.id, claim, limits.feed);
    this.#feed = feed;
    const failed = (error: unknown) => {
      if (lanes === this.#lanes) this.recover(error);
    };
    const lanes: Lanes = new Lanes({
      ...this.#means,
      pipeline: this.#pipeline,
      partition: this.id,
      draft: () => this.#draft,
      drafted: () => this.#flushSoon(),
      committed: () => this.#committed(lanes),
      turnsMax: () => (this.#oneByOne > 0 ? 1 : limits.commit),
      timerTouched: (key, name) => timers.touch(key, name),
      head: () => feed.head,
      refusal: (cause) => this.#takeRefusal(cause),
      failed,
    });
    const timers = new TimerQueue({
      ...this.#means,
      partition: this.id,
      lanes,
      committed: () => this.#committed(lanes),
      dispatched: () => this.#dispatchedTo(feed.head, lanes),
      looked: () => this.#flushSoon(),
      failed,
    });
    lanes.committedDraft = this.#draft.number - 1;
    this.#lanes = lanes;
    this.#timers = timers;
    timers.start();
    this.#work = Promise.all([this.#read(feed, lanes), this.#wakeHeld(lanes)]).then(() => undefined, failed);
    return this.#pipeline.order === undefined ? claim.head - claim.cursor + claim.held : claim.held;
  }

  /** The loop. It ends when the feed is closed. */
  async #read(feed: Feed, lanes: Lanes): Promise<void> {
    for (;;) {
      const batch = await feed.take(batchMax);
      if (batch.length === 0) return;
      if (this.#pipeline.key !== undefined) await lanes.warm(batch.map(({ key }) => key));
      for (const event of batch) {
        if (lanes.isFull) await this.#until(() => !lanes.isFull || lanes.isClosed);
        if (lanes.isClosed) return;
        lanes.dispatch(event);
        this.#dispatched = event.position;
      }
      lanes.sweep();
      this.#changed();
    }
  }

  /** After a start: what a crash left held goes on. Parked keys and gaps stay as they are. */
  async #wakeHeld(lanes: Lanes): Promise<void> {
    let after: string | null = null;
    for (;;) {
      const keys: readonly string[] = await this.#means.store.heldKeys(this.id, after, batchMax);
      if (keys.length === 0 || lanes.isClosed) return;
      await lanes.warm(keys);
      for (const key of keys) lanes.wake(key);
      lanes.sweep();
      after = keys.at(-1) ?? null;
    }
  }

  /** Commits at the end of this burst of work, unless a commit is under way: then the next one takes it along. */
  #flushSoon(): void {
    if (this.#flushIsDue || this.#committing !== undefined) return;
    this.#flushIsDue = true;
    setImmediate(() => {
      this.#flushIsDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#committing !== undefined || this.#recovering !== undefined || this.#state === 'stopped') return;
    const draft = this.#draft;
    if (draft.isEmpty) {
      this.#changed();
      return;
    }
    this.#lanes.holdStragglers(draft);
    this.#draft = new Draft(draft.number + 1, draft.cursor);
    this.#committing = this.#commit(draft);
    this.#lanes.resume();
    this.#changed();
  }

  async #commit(draft: Draft): Promise<void> {
    try {
      const { sends } = await this.#means.store.commit(draft.toCommit(this.id, this.#epoch));
      this.#committing = undefined;
      this.#took(draft, sends);
    } catch (error) {
      this.#committing = undefined;
      this.#refused(draft, error);
      return;
    }
    this.#flush();
  }

  /** The draft is on disk: now it counts. */
  #took(draft: Draft, sends: readonly Appended[]): void {
    const { counters, clock } = this.#means;
    const { counts } = draft;
    const now = clock.now();
    counters.received += counts.received;
    counters.ignored += counts.ignored;
    counters.failed += counts.failed;
    counters.retries += counts.retries;
    counters.addProcessed(counts.processed, counts.acceptedAtTotal, now);
    this.#cursor = draft.cursor;
    this.#lanes.committedDraft = draft.number;
    this.#failures = 0;
    this.trouble = undefined;
    this.#progressAt = now;
    if (this.#oneByOne > 0) this.#oneByOne -= draft.turns;
    if (draft.sends.length > 0) this.#means.sent(draft.sends, sends);
    this.#timers.committed(draft.timers);
  }

  /** Finds out whose row the store refused: all turns of the draft run again, each in a commit of its own. */
  #refused(draft: Draft, error: unknown): void {
    if (error instanceof MillraceError && error.code === 'MILL_COMMIT_REFUSED') {
      const [culprit] = draft.causes;
      if (draft.turns === 1 && culprit !== undefined) this.#refusals.set(causeName(culprit), error);
      this.#oneByOne = Math.max(this.#oneByOne, draft.turns);
    }
    this.recover(error);
  }

  #takeRefusal(cause: Waiting | DueTimer): MillraceError | undefined {
    if (this.#refusals.size === 0) return undefined;
    const name = causeName(cause);
    const refusal = this.#refusals.get(name);
    this.#refusals.delete(name);
    return refusal;
  }

  async #startOver(error: unknown): Promise<void> {
    const { clock, random, log, fatal } = this.#means;
    await this.#letGo(new MillraceError('MILL_STORE_UNAVAILABLE', 'the partition is being recovered'));
    await this.#committing;
    for (;;) {
      const failure = error instanceof MillraceError ? error : new MillraceError('MILL_INTERNAL', messageOf(error), { cause: error });
      const mends = failure.retryable || failure.code === 'MILL_COMMIT_REFUSED';
      this.trouble = failure.message;
      if (!mends) return fatal(failure);
      this.#failures += 1;
      log.warn({ pipeline: this.id.pipeline, slice: this.id.slice, code: failure.code, reason: failure.message }, 'starting over');
      if (this.#failures > 1)
        await new Promise<void>((resolve) => clock.alarm(clock.now() + pauseMs(recovery, this.#failures, random()), resolve));
      if (this.#state !== 'working') return;
      try {
        await this.#claim();
        return;
      } catch (next) {
        error = next;
      }
    }
  }

  /** Nothing that is under way counts from now on. */
  async #letGo(reason: MillraceError): Promise<void> {
    this.#feed.close();
    this.#timers.close();
    const closed = this.#lanes.close(reason);
    this.#changed();
    await closed;
  }

  #committed(lanes: Lanes): Promise<void> {
    const last = this.#draft.isEmpty ? this.#draft.number - 1 : this.#draft.number;
    this.#flushSoon();
    return this.#until(() => lanes.committedDraft >= last || lanes.isClosed);
  }

  #dispatchedTo(position: number, lanes: Lanes): Promise<void> {
    return this.#until(() => this.#dispatched >= position || lanes.isClosed);
  }

  #until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => this.#watchers.push({ done, resolve }));
  }

  #changed(): void {
    if (this.#watchers.length === 0) return;
    const waiting = this.#watchers;
    this.#watchers = [];
    for (const watcher of waiting) {
      if (watcher.done()) watcher.resolve();
      else this.#watchers.push(watcher);
    }
  }
}

function causeName(cause: Waiting | DueTimer): string {
  return 'position' in cause ? `event ${cause.position}` : `timer ${cause.name} of ${cause.key}`;
}
