import { MillraceError } from '../../errors.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { FaultyRow } from '../../pipeline/source-rows.ts';
import type { Deadline } from '../deadline.ts';
import type { Door } from '../door.ts';
import type { EngineContext } from '../engine-context.ts';
import { asKey, identify } from '../identify.ts';
import type { Partitions } from '../partitions.ts';

/** The parts of the engine used by the work of runs. */
export interface RunWorkMeans {
  readonly engine: EngineContext;
  readonly door: Door;
  readonly partitions: Partitions;
}

/** An event that went through the door. */
export interface TakenIn {
  readonly key: string;
  readonly isDuplicate: boolean;
}

/** Maximum origins per store query. */
const originsMax = 1_000;

/**
 * The work that one run of a schedule gives to the keys of its pipeline. It tracks the keys with work under way for the run, so that a run
 * that takes too long can abort all of it.
 */
export class RunWork {
  readonly #means: RunWorkMeans;
  readonly #pipeline: AnyPipeline;
  /** Keys that were given an event and have not finished it. */
  readonly #underWay = new Set<string>();

  constructor(means: RunWorkMeans, pipeline: AnyPipeline) {
    this.#means = means;
    this.#pipeline = pipeline;
  }

  /** Returns the pending ones among the given origins: their event is not settled, or they have a dead letter. */
  readonly pending = async (origins: readonly string[]): Promise<ReadonlySet<string>> => {
    const { engine, partitions } = this.#means;
    const pending = new Set<string>();
    for (let from = 0; from < origins.length; from += originsMax) {
      const some = origins.slice(from, from + originsMax);
      // An origin does not reveal the key of its event.
      const found = await Promise.all(partitions.of(this.#pipeline.name).map(({ id }) => engine.store.pendingOrigins(id, some)));
      for (const origin of found.flat()) pending.add(origin);
    }
    return pending;
  };

  /** Takes an event in, even if it is unknown whether it is already in. Throws why it is refused. */
  async ingest(event: unknown, origin: string | undefined): Promise<TakenIn> {
    const taken = await this.#take(event, origin);
    this.#partitionOf(taken.key).work.restore(taken.key);
    this.#underWay.add(taken.key);
    return taken;
  }

  /** Resolves once a key has nothing left to do now, or at the deadline: retries continue without the run. */
  async finished(key: string, deadline: Deadline): Promise<void> {
    await this.#partitionOf(key).work.finished(key, deadline);
    this.#underWay.delete(key);
  }

  /** Aborts a key's work under way, and releases work not begun. */
  abort(key: string): void {
    this.#partitionOf(key).work.abort(key, new MillraceError('MILL_HANDLER_TIMEOUT', 'the run took too long'));
  }

  /** Aborts all of the run's work under way. */
  abortAll(): void {
    for (const key of this.#underWay) this.abort(key);
  }

  /** Turns a row into a dead letter; resolves when it is on disk, or the engine stops. */
  async bury(row: FaultyRow): Promise<void> {
    const key = asKey(row.key, this.#means.engine);
    await this.#partitionOf(key).bury({ ...row, key });
  }

  /** Returns the event's key even if it is unknown whether the event is in the log. */
  async #take(event: unknown, origin: string | undefined): Promise<TakenIn> {
    const { door, engine } = this.#means;
    const pipeline = this.#pipeline;
    try {
      const { key, ingested } = await door.take(pipeline, event, { origin, isOfRun: true });
      return { key, isDuplicate: ingested.status === 'duplicate' };
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'MILL_STORE_UNAVAILABLE') throw error;
      const { stored } = await identify(engine, pipeline, event);
      return { key: stored.key, isDuplicate: false };
    }
  }

  #partitionOf(key: string) {
    return this.#means.partitions.ofKey(this.#pipeline.name, key);
  }
}
