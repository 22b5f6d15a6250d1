import { faultFields, faultOf } from '../../fault.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import { within } from '../deadline.ts';
import type { Door } from '../door.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Partitions } from '../partitions.ts';
import { SourceReader, type SourceStatus } from './source-reader.ts';

/** Time limit for closing inlets at a stop, in milliseconds. */
const closeMsMax = 5_000;

/** The dependencies of inlets, provided by the engine. */
export interface InletsMeans {
  readonly engine: EngineContext;
  readonly door: Door;
  readonly partitions: Partitions;
  /** The user's pipelines. */
  readonly pipelines: readonly AnyPipeline[];
}

/** The topics that pipelines take events from. */
export class Inlets {
  readonly #means: InletsMeans;
  readonly #readers = new Map<string, SourceReader>();

  constructor(means: InletsMeans) {
    this.#means = means;
    const { engine, door, partitions } = means;
    for (const pipeline of means.pipelines) {
      if (pipeline.from === undefined) continue;
      const reader = new SourceReader({ engine, pipeline, inlet: pipeline.from, partitions, admission: door.inboxAdmission });
      this.#readers.set(pipeline.name, reader);
    }
  }

  /** Loads the inlets' dependencies. Throws what an inlet throws. */
  async open(): Promise<void> {
    for (const { from } of this.#means.pipelines) await from?.open?.(this.#means.engine.log);
  }

  /** Takes records from now on. */
  start(): void {
    for (const reader of this.#readers.values()) reader.start();
  }

  /** Stops taking records. Resolves when the work under way has ended. */
  async stop(): Promise<void> {
    await Promise.all(Array.from(this.#readers.values(), (reader) => reader.stop()));
  }

  /** Closes the connections to brokers. One that cannot be closed, or takes longer than five seconds, is abandoned. */
  async close(): Promise<void> {
    const { engine, pipelines } = this.#means;
    const closed = Promise.all(
      pipelines.map(async ({ name, from }) => {
        try {
          await from?.close?.();
        } catch (error) {
          engine.log.warn({ pipeline: name, source: from?.name, ...faultFields(faultOf(error)) }, 'an inlet failed to close');
        }
      }),
    );
    if (await within(engine.clock, closeMsMax, (deadline) => deadline.race(closed))) return;
    engine.log.warn({ timeoutMs: closeMsMax }, 'an inlet did not close in time, and nobody waits for it any more');
  }

  /** Returns how far a pipeline's topic was read here. */
  status(pipeline: string): SourceStatus | undefined {
    return this.#readers.get(pipeline)?.status;
  }

  /** Warnings about topics, or partitions of them, that are not read. */
  warnings(): readonly string[] {
    return Array.from(this.#readers.values()).flatMap((reader) => reader.status.warnings);
  }
}
