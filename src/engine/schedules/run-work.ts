import { MillraceError } from '../../errors.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { FaultyRow } from '../../pipeline/source-rows.ts';
import type { Deadline } from '../deadline.ts';
import type { Door } from '../door.ts';
import type { EngineContext } from '../engine-context.ts';
import { asKey, identify } from '../identify.ts';
import type { Partitions } from '../partitions.ts';

/** The parts of the engine that the work of runs takes. */
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

/** Origins that a store is asked about at once. */
const originsMax = 1_000;

/**
 * The work that one run of a schedule gives to the keys of its pipeline. It knows which keys have something under way for the run, so
 * that a run that takes too long can break all of it off.
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

  /** Returns those of some origins that are pending: their event is not settled, or a dead letter of them is left. */
  readonly pending = async (origins: readonly string[]): Promise<ReadonlySet<string>> => {
    const { engine, partitions } = this.#means;
    const pending = new Set<string>();
    for (let from = 0; from < origins.length; from += originsMax) {
      const some = origins.slice(from, from + originsMax);
      // An origin does not tell the key of its event.
      const found = await Promise.all(partitions.of(this.#pipeline.name).map(({ id }) => engine.store.pendingOrigins(id, some)));
      for (const origin of found.flat()) pending.add(origin);
    }
    return pending;
  };

  /** Takes an event in, also when nobody knows whether it is in. Throws why it is refused. */
  async ingest(event: unknown, origin: string | undefined): Promise<TakenIn> {
    const taken = await this.#take(event, origin);
    this.#partitionOf(taken.key).work.restore(taken.key);
    this.#underWay.add(taken.key);
    return taken;
  }

  /** Resolves once nothing is left to do for a key now, or when the time is over: what waits for a retry goes on without the run. */
  async finished(key: string, deadline: Deadline): Promise<void> {
    await this.#partitionOf(key).work.finished(key, deadline);
    this.#underWay.delete(key);
  }

  /** Aborts what a key has under way, and releases what it has not begun. */
  abort(key: string): void {
    this.#partitionOf(key).work.abort(key, new MillraceError('MILL_HANDLER_TIMEOUT', 'the run took too long'));
  }

  /** Aborts all that is under way for the run. */
  abortAll(): void {
    for (const key of this.#underWay) this.abort(key);
  }

  /** Makes a dead letter of a row; resolves when it is on disk, or the engine stops. */
  async bury(row: FaultyRow): Promise<void> {
    const key = asKey(row.key, this.#means.engine);
    await this.#partitionOf(key).bury({ ...row, key });
  }

  /** Returns the event's key also where nobody knows whether the event is in the log. */
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
