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

/** What the parts of an engine share. There is one. */
export interface EngineContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  newId(): string;
  readonly limits: Limits;
  readonly memory: Memory;
  readonly log: Logger;
  readonly tracing: SteadyTracing | undefined;
  /** Those of the user, by name: what turns may send to. */
  readonly pipelines: ReadonlyMap<string, AnyPipeline>;
  readonly turns: TurnsUnderWay;
  readonly room: SendRoom;
  readonly eventLog: EventLog;
  readonly commitWatch: CommitWatch;
  /** What partitions have met of the failures that all of them may meet. */
  readonly failuresInCommon: FailuresInCommon;
  /** Pipelines all of whose stored states of the present version fit their schema. */
  readonly provenStates: ReadonlySet<string>;
  /** Returns what tells whether a lease that is claimed from now on is held: whether nobody else can have it yet. */
  held(): () => boolean;
  /** The store failed for good. */
  fatal(error: MillraceError): void;
}

/** What the partitions of a pipeline share. There is one for each pipeline. */
export interface PipelineContext {
  readonly declaration: AnyPipeline;
  readonly counters: Counters;
  /** One for each endpoint of the pipeline. */
  readonly gates: ReadonlyMap<string, EndpointGate>;
  readonly pause: Pause;
  readonly places: TurnPlaces;
}

/** What a partition keeps from tenure to tenure. */
export interface PartitionContext {
  readonly id: PartitionId;
  readonly refusals: Refusals;
  readonly ledger: Ledger;
  readonly waits: Waits;
  readonly gapWatch: GapWatch;
  readonly deliveryAttempts: DeliveryAttempts;
  readonly pause: PartitionPause;
}

/** What the parts of a tenure share, by the place from where it comes, and what they decide together. */
export interface TenureContext {
  readonly engine: EngineContext;
  readonly pipeline: PipelineContext;
  readonly partition: PartitionContext;
  /** Whether nobody else can work on the partition yet: no turn and no call begins where somebody may. */
  isHeld(): boolean;
  /** The draft that takes what is decided now. */
  draft(): Draft;
  /** Something was drafted, or whoever waits should look again. */
  drafted(): void;
  /** Resolves once all that is drafted by now is on disk, or void because the tenure ends. */
  committed(): Promise<void>;
  /** The store failed, or what may never happen did: the tenure ends. */
  failed(error: unknown): void;
}
