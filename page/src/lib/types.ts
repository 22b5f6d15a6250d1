/** The parts of the API's answers that the page shows. */

type Health = 'flowing' | 'idle' | 'behind' | 'paused' | 'stalled';

export interface PipelineNow {
  readonly in: number;
  readonly out: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly depth: number;
  readonly lag: number;
  readonly held: number;
  readonly retried: number;
  readonly givenUp: number;
  readonly health: Health;
}

export type ChartColumn = 'in' | 'out' | 'p50' | 'p99' | 'depth' | 'lag' | 'held' | 'retried' | 'givenUp';
type Values = readonly (number | null)[];

export type Chart<Column extends string = ChartColumn> = {
  readonly stepMs: number;
  readonly spanMs: number;
  readonly at: readonly number[];
} & { readonly [Name in Column]: Values };

export interface PipelineItem {
  readonly name: string;
  readonly health: Health;
  readonly trouble: string | null;
  readonly now: Omit<PipelineNow, 'health'>;
  readonly chart?: Chart;
  readonly depth: number;
  readonly held: number;
  readonly gaps: number;
  readonly parked: number;
  readonly deadLetters: number;
  readonly deliveries: number;
  readonly paused: boolean;
  readonly running: number;
  readonly concurrency: number;
  readonly received: number;
  readonly processed: number;
}

export interface PipelineDetails extends PipelineItem {
  readonly declared: {
    readonly isKeyed: boolean;
    readonly order: 'number' | 'arrival';
    readonly attempts: number;
    readonly backoffMs: number;
    readonly backoffMsMax: number;
    readonly onGiveUp: 'park' | 'skip';
    readonly timers: readonly string[];
    readonly endpoints: readonly string[];
    readonly hasSchedule: boolean;
    readonly genericIngest: boolean;
  };
  /** The topic it reads events from; null for a pipeline without one. */
  readonly source: Source | null;
}

export interface Source {
  readonly name: string;
  /** The partitions read by the answering process. */
  readonly partitions: readonly SourcePartition[];
  readonly warnings: readonly string[];
}

export interface SourcePartition {
  readonly partition: number;
  readonly next: number;
  readonly end: number;
  readonly lag: number;
  /** The reason the next record waits for room. */
  readonly noRoom: string | null;
}

export type EngineColumn = 'commitP50' | 'commitP99' | 'turnsPerCommit' | 'loopP99' | 'logBytes' | 'rssBytes' | 'depth';
export type EngineNow = Readonly<Record<EngineColumn, number | null>>;

export interface Engine {
  readonly now: EngineNow;
  readonly chart?: Chart<EngineColumn>;
  readonly backlogMax: number;
}

export interface Happening {
  readonly at: string;
  readonly pipeline: string;
  readonly key: string;
  readonly what: string;
  readonly reason?: string;
}

export interface Concern {
  readonly kind: 'loop' | 'paused' | 'parked' | 'dead letter' | 'stopped' | 'failed' | 'circuit' | 'leftover' | 'gap' | 'source';
  readonly pipeline: string;
  readonly what: string;
  readonly why: string;
  readonly needsPerson: boolean;
  readonly count: number;
  readonly holds: number;
  readonly since: string | null;
  readonly who: string | null;
  readonly said: string | null;
  readonly key: string | null;
  readonly arrivals: readonly number[];
}

export type KeyStatus = 'open' | 'waiting' | 'blocked' | 'parked';

export interface ListedKey {
  readonly key: string;
  readonly status: KeyStatus;
  readonly pending: number;
  readonly next: number | null;
}

export interface HeldEvent {
  readonly id: string;
  readonly number: number | null;
  readonly acceptedAt: string;
  readonly reason: 'number' | 'retry' | 'parked' | 'order' | 'turn';
  readonly attempts: number;
  readonly retryAt: string | null;
  readonly event: unknown;
}

export interface WaitingDelivery {
  readonly id: string;
  readonly endpoint: string;
  readonly url: string | null;
  readonly askedAt: string;
  readonly attempts: number;
  readonly dueAt: string | null;
  readonly lastFailure: { readonly at: string; readonly attempt: number; readonly reason: string } | null;
  readonly key?: string;
}

export interface KeyDetails extends ListedKey {
  readonly parkedBy: { readonly deadLetter: string; readonly reason: string } | null;
  readonly timers: readonly { readonly name: string; readonly dueAt: string }[];
  readonly held: readonly HeldEvent[];
  readonly deliveries: readonly WaitingDelivery[];
  readonly state: unknown;
}

export interface DeadLetter {
  readonly id: string;
  readonly kind: 'event' | 'timer' | 'outcome' | 'delivery' | 'gap' | 'origin' | 'rejected';
  readonly pipeline: string;
  readonly key: string;
  readonly reason: string;
  readonly stack: string | null;
  readonly failedAt: string;
  readonly attempts: number;
  readonly parked: boolean;
  readonly eventId: string | null;
  readonly event: unknown;
  readonly timer: { readonly name: string; readonly data: unknown } | null;
  readonly outcome: { readonly endpoint: string; readonly reported: unknown } | null;
  readonly delivery: { readonly endpoint: string; readonly url: string | null; readonly payload: unknown } | null;
  readonly acceptedAt: string | null;
  readonly numbers: { readonly from: number; readonly to: number } | null;
  readonly origin: unknown;
}

export interface AuditEntry {
  readonly id: string;
  readonly at: string;
  readonly who: string | null;
  readonly action: string;
  readonly pipeline: string;
  readonly key: string | null;
  readonly subject: string | null;
  readonly reason: string | null;
}

export interface Fleet {
  readonly members: readonly {
    readonly id: string;
    readonly host: string;
    readonly pid: number;
    readonly version: string;
    readonly since: string;
    readonly partitions: number;
    readonly self: boolean;
  }[];
  readonly partitions: number;
  readonly unowned: number;
}

export interface ScheduleStatus {
  readonly status: 'running' | 'paused' | 'stopped';
  readonly isAtWork: boolean;
  readonly lastRunAt: string | null;
  readonly nextRunAt: string | null;
  readonly lastFailure: string | null;
}
