import type { MillraceError } from '../errors.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { Appended, Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { Counters } from './counts.ts';
import type { Outgoing } from './draft.ts';
import type { Limits } from './limits.ts';
import type { Log } from './log.ts';
import type { Memory } from './memory.ts';
import type { EndpointGate } from './outbox/endpoint-gate.ts';
import type { Pause } from './pause.ts';
import type { SendRoom } from './send-room.ts';
import type { SteadyTracing } from './steady-tracing.ts';
import type { TurnsUnderWay } from './turns-under-way.ts';

/** What the parts of an engine work with, over all pipelines; the engine provides it. */
export interface EngineMeans {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  newId(): string;
  readonly limits: Limits;
  readonly memory: Memory;
  readonly log: Log;
  readonly tracing: SteadyTracing | undefined;
  readonly pipelines: ReadonlyMap<string, AnyPipeline>;
  readonly turns: TurnsUnderWay;
  readonly room: SendRoom;
  /** Pipelines all of whose stored states of the present version fit their schema. */
  readonly provenStates: ReadonlySet<string>;
  /** Events that a commit sent are in the log now. */
  sent(sends: readonly Outgoing[], appended: readonly Appended[]): void;
  /** The store failed for good. */
  fatal(error: MillraceError): void;
}

/** What the partitions of one pipeline work with beside it, and share. */
export interface PipelineMeans extends EngineMeans {
  readonly pipeline: AnyPipeline;
  readonly counters: Counters;
  /** One for each endpoint of the pipeline. */
  readonly gates: ReadonlyMap<string, EndpointGate>;
  readonly pause: Pause;
  /** Nobody knows whether events that a commit sent are in the log. */
  doubted(sends: readonly Outgoing[]): void;
}
