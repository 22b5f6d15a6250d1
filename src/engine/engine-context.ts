import type { MillraceError } from '../errors.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { PartitionId, Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { CommitWatch } from './commit-watch.ts';
import type { Counters } from './counts.ts';
import type { Draft } from './draft.ts';
import type { EventLog } from './event-log.ts';
import type { FailuresInCommon } from './failures-in-common.ts';
import type { GapWatch } from './gap-watch.ts';
import type { Ledger } from './ledger.ts';
import type { Limits } from './limits.ts';
import type { Logger } from './logger.ts';
import type { Memory } from './memory.ts';
import type { DeliveryAttempts } from './outbox/delivery-attempts.ts';
import type { EndpointGate } from './outbox/endpoint-gate.ts';
import type { PartitionPause, Pause } from './pause.ts';
import type { Refusals } from './refusals.ts';
import type { SendRoom } from './send-room.ts';
import type { SteadyTracing } from './steady-tracing.ts';
import type { TurnPlaces } from './turn-places.ts';
import type { TurnsUnderWay } from './turns-under-way.ts';
import type { Waits } from './waits.ts';

/** Shared by all parts of an engine. There is one. */
export interface EngineContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  newId(): string;
  readonly limits: Limits;
  readonly memory: Memory;
  readonly log: Logger;
  readonly tracing: SteadyTracing | undefined;
  /** The user's pipelines, by name: the possible receivers of sends. */
  readonly pipelines: ReadonlyMap<string, AnyPipeline>;
  readonly turns: TurnsUnderWay;
  readonly room: SendRoom;
  readonly eventLog: EventLog;
  readonly commitWatch: CommitWatch;
  /** Failures that all partitions may meet, and what they have seen of them. */
  readonly failuresInCommon: FailuresInCommon;
  /** Pipelines whose stored states of the current version all fit their schema. */
  readonly provenStates: ReadonlySet<string>;
  /** Returns a function that tells whether a lease claimed from now on is still held, so that nobody else can have it yet. */
  held(): () => boolean;
  /** Reports that the store failed for good. */
  fatal(error: MillraceError): void;
}

/** Shared by all partitions of a pipeline. There is one per pipeline. */
export interface PipelineContext {
  readonly declaration: AnyPipeline;
  readonly counters: Counters;
  /** One for each endpoint of the pipeline. */
  readonly gates: ReadonlyMap<string, EndpointGate>;
  readonly pause: Pause;
  readonly places: TurnPlaces;
}

/** Kept by a partition from tenure to tenure. */
export interface PartitionContext {
  readonly id: PartitionId;
  readonly refusals: Refusals;
  readonly ledger: Ledger;
  readonly waits: Waits;
  readonly gapWatch: GapWatch;
  readonly deliveryAttempts: DeliveryAttempts;
  readonly pause: PartitionPause;
}

/** Shared by the parts of a tenure, grouped by origin, plus their joint decisions. */
export interface TenureContext {
  readonly engine: EngineContext;
  readonly pipeline: PipelineContext;
  readonly partition: PartitionContext;
  /** Returns whether nobody else can work on the partition yet: no turn and no call may begin otherwise. */
  isHeld(): boolean;
  /** Returns the draft that collects current decisions. */
  draft(): Draft;
  /** Notes that something was drafted, or that waiters should check again. */
  drafted(): void;
  /** Resolves once everything drafted so far is on disk, or is void because the tenure ends. */
  committed(): Promise<void>;
  /** Reports a store failure or a broken invariant: the tenure ends. */
  failed(error: unknown): void;
}
