import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { Inbox } from '../../store/store.ts';
import type { AdmissionControl } from '../admission-control.ts';
import type { EngineContext } from '../engine-context.ts';
import { Lookout } from '../lookout.ts';
import type { Partition } from '../partition.ts';
import type { Partitions } from '../partitions.ts';
import { InboxIntake } from './inbox-intake.ts';

/**
 * The shortest pause (right after taking rows) and the longest pause between an intake and the next look, in milliseconds. When no rows
 * wait there are no looks until the store reports some.
 */
const pausesMs = { least: 5, most: 1_000 };

/** The dependencies for taking a pipeline's rows. */
export interface WatchedMeans {
  readonly engine: EngineContext;
  readonly inbox: Inbox;
  readonly pipeline: AnyPipeline;
  readonly partitions: Partitions;
  readonly admission: AdmissionControl;
}

/** Counts the waiting rows. */
export interface Watcher {
  /** Looks again. */
  look(): void;
  /** Waits for a look before the watcher ends. */
  tracked(look: Promise<void>): Promise<void>;
  failed(error: unknown): void;
}

/**
 * A pipeline whose rows are taken when there are some. After an intake it asks for another look, first soon and then less often: nobody
 * announces a row whose writer found others in the inbox, and it commits about one transaction later than they do.
 */
export class WatchedPipeline {
  readonly #means: WatchedMeans;
  readonly #watcher: Watcher;
  readonly #home: Partition;
  readonly #lookout: Lookout;
  /** Number of rows at the last look. */
  #count = 0;
  /** True if some rows could not be taken in the last intake. */
  #isWaiting = false;
  #pauseMs = pausesMs.most;
  #callOff: (() => void) | undefined;
  #isClosed = false;

  constructor(means: WatchedMeans, watcher: Watcher) {
    const { engine, inbox, pipeline, partitions, admission } = means;
    this.#means = means;
    this.#watcher = watcher;
    // All keys of a pipeline with a schedule live in one partition, whose owner takes the rows.
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

  /**
   * Handles a count of waiting rows. If this engine is responsible they are taken; rows that could not be taken a moment ago are taken
   * after a pause.
   */
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

  /** Doubles the interval after each look, and finally stops looking. */
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
