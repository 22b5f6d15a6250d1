import { availableParallelism } from 'node:os';
import { MillraceError } from '../../errors.ts';
import { faultFields, faultOf } from '../../fault.ts';
import type { Endpoint } from '../../pipeline/endpoint.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import { TurnRecord } from '../turn.ts';
import { ThreadPool } from './thread-pool.ts';

/**
 * The threads of an engine. To the rest of the engine a pipeline with threads is one with asynchronous handlers, so order, retries, time
 * limits and commits work as for any other.
 */
export class HandlerThreads {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #pools: ThreadPool[] = [];

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Returns the pipeline as the engine runs it: with `run: 'threads'` its handlers are calls to threads. */
  adopt(pipeline: AnyPipeline): AnyPipeline {
    if (pipeline.threads === undefined) return pipeline;
    const { module, count: size = availableParallelism() } = pipeline.threads;
    const died = (error: unknown) =>
      this.#log.warn({ pipeline: pipeline.name, ...faultFields(faultOf(error)) }, 'an idle thread ended unexpectedly');
    const leftBehind = (error: unknown) =>
      this.#log.error(
        { pipeline: pipeline.name, ...faultFields(faultOf(error)) },
        'a promise left behind by a handler rejected: an await may be missing',
      );
    const pool = new ThreadPool({ clock: this.#clock, died, leftBehind }, { module, pipeline: pipeline.name, size });
    this.#pools.push(pool);
    return {
      ...pipeline,
      concurrency: size,
      handle: (event, state, turn) => pool.run(recordOf(turn), { kind: 'event', event }, state),
      timers: Object.fromEntries(
        Object.keys(pipeline.timers).map((name): [string, AnyPipeline['timers'][string]] => [
          name,
          (state, turn, data) => pool.run(recordOf(turn), { kind: 'timer', name, data }, state),
        ]),
      ),
      deliver: Object.fromEntries(
        Object.entries(pipeline.deliver).map(([name, endpoint]): [string, Endpoint] => [
          name,
          {
            ...endpoint,
            outcome:
              endpoint.outcome && ((state, turn, outcome) => pool.run(recordOf(turn), { kind: 'outcome', endpoint: name, outcome }, state)),
          },
        ]),
      ),
    };
  }

  /** Throws `MILL_INVALID_DECLARATION` if a module does not load in a thread or lacks its pipeline. */
  async start(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.start()));
  }

  /** Ends all threads, whatever they are doing. */
  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.close()));
  }
}

function recordOf(turn: unknown): TurnRecord {
  if (turn instanceof TurnRecord) return turn;
  throw new MillraceError('MILL_INTERNAL', 'expected a turn of this engine, found another');
}
