import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { Inbox } from '../../store/store.ts';
import type { AdmissionControl } from '../admission-control.ts';
import type { EngineContext } from '../engine-context.ts';
import { Lookout } from '../lookout.ts';
import type { Partition } from '../partition.ts';
import type { Partitions } from '../partitions.ts';
import { InboxIntake } from './inbox-intake.ts';

/** Between an intake and the next look, in milliseconds: right behind rows that were taken, and at most. Where none wait, nobody looks after that until the store tells of rows. */
const pausesMs = { least: 5, most: 1_000 };

/** What the rows of a pipeline are taken in with. */
export interface WatchedMeans {
  readonly engine: EngineContext;
  readonly inbox: Inbox;
  readonly pipeline: AnyPipeline;
  readonly partitions: Partitions;
  readonly admission: AdmissionControl;
}

/** Who looks how many rows there are. */
export interface Watcher {
  /** Looks again. */
  look(): void;
  /** Waits for what is under way before it ends. */
  tracked(look: Promise<void>): Promise<void>;
  failed(error: unknown): void;
}

/**
 * A pipeline whose rows are taken in when there are some. Right behind an intake it asks for another look, at first soon and then more seldom:
 * a row whose writer found others in the inbox is told of by nobody, and commits about as long after them as its transaction lasts.
 */
export class WatchedPipeline {
  readonly #means: WatchedMeans;
  readonly #watcher: Watcher;
  readonly #home: Partition;
  readonly #lookout: Lookout;
  /** How many rows there were at the last look. */
  #count = 0;
  /** Since the last intake some wait that could not be taken. */
  #isWaiting = false;
  #pauseMs = pausesMs.most;
  #callOff: (() => void) | undefined;
  #isClosed = false;

  constructor(means: WatchedMeans, watcher: Watcher) {
    const { engine, inbox, pipeline, partitions, admission } = means;
    this.#means = means;
    this.#watcher = watcher;
    // All keys of a pipeline with a schedule live in one partition; whoever has that takes the rows in.
    this.#home = partitions.ofKey(pipeline.name, '');
    const isPaused = () => partitions.isPaused(pipeline.name);
    const intake = new InboxIntake({ engine, inbox, pipeline, admission, home: this.#home, isPaused });
    this.#lookout = new Lookout({
      clock: engine.clock,
      look: () => watcher.tracked(this.#takeIn(intake)),
      looked: () => undefined,
      failed: (error) => this.#failed(error),
    });
  }

  /** So many rows wait. They are taken in if that is for this engine to do; what could not be taken a moment ago, after a pause. */
  counted(count: number): void {
    const isOurs = this.#home.isOurs;
    const counters = this.#means.partitions.counters(this.#means.pipeline.name);
    counters.count('inbox', (isOurs ? count : 0) - counters.inbox);
    const isKnown = this.#isWaiting && this.#callOff !== undefined && count === this.#count;
    this.#count = count;
    if (count > 0 && isOurs && !isKnown) this.#lookout.look();
    if (count === 0 && this.#callOff === undefined) this.#lookLess();
  }

  close(): void {
    this.#isClosed = true;
    this.#callOff?.();
    this.#lookout.close();
  }

  async #takeIn(intake: InboxIntake): Promise<void> {
    const { taken, isWaiting } = await intake.takeAll(() => !this.#isClosed);
    this.#isWaiting = isWaiting;
    if (taken > 0) this.#pauseMs = pausesMs.least / 2;
    if (isWaiting) this.#pauseMs = Math.min(this.#pauseMs, pausesMs.most / 2);
    this.#lookLess();
  }

  #failed(error: unknown): void {
    this.#watcher.failed(error);
    this.#isWaiting = true;
    this.#lookLater(pausesMs.most);
  }

  /** Twice as long after the last look as that was after the one before; at last not at all. */
  #lookLess(): void {
    if (this.#pauseMs >= pausesMs.most) return;
    this.#pauseMs = Math.min(2 * this.#pauseMs, pausesMs.most);
    this.#lookLater(this.#pauseMs);
  }

  #lookLater(pauseMs: number): void {
    this.#callOff?.();
    if (this.#isClosed) return;
    this.#callOff = this.#means.engine.clock.after(pauseMs, () => {
      this.#callOff = undefined;
      this.#watcher.look();
    });
  }
}
