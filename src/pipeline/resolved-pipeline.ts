import type { Endpoint } from './endpoint.ts';
import type { Inlet } from './inlet.ts';
import type { HandlerResult, VersionedState } from './pipeline-options.ts';
import type { Recipient } from './recipient.ts';
import type { Schedule } from './schedule.ts';
import type { Schema } from './schema.ts';
import type { Tables, Turn } from './turn.ts';

/** A checked declaration with every default filled in, as `pipeline(…)` returns and the engine runs it. */
export interface Pipeline<Name extends string = string, Input = unknown, Event = unknown, State = unknown>
  extends Recipient<Name, Input, Event, State> {
  readonly inexactNumbers: 'refuse' | 'text';
  /** Undefined: every event is its own key. */
  readonly key: ((event: unknown) => string) | undefined;
  readonly id: ((event: unknown) => string | undefined) | undefined;
  readonly deduplicationWindowMs: number;
  readonly order: ResolvedOrder | undefined;
  readonly state: VersionedState<Schema> | undefined;
  readonly tables: Tables;
  readonly handle: (event: unknown, state: unknown, turn: Turn) => HandlerResult<unknown>;
  readonly timers: Readonly<Record<string, (state: unknown, turn: Turn, data: unknown) => HandlerResult<unknown>>>;
  readonly deliver: Readonly<Record<string, Endpoint>>;
  readonly schedule: Schedule | undefined;
  readonly from: Inlet | undefined;
  readonly retry: { readonly attempts: number; readonly backoffMs: number; readonly backoffMsMax: number; readonly jitter: number };
  readonly onGiveUp: 'park' | 'skip';
  readonly concurrency: number;
  /** Undefined: handlers run in the engine's thread. */
  readonly threads: DeclaredThreads | undefined;
  readonly timeoutMs: number;
  /** True if the server's generic routes take events in. */
  readonly genericIngest: boolean;
  /** True if what happens to its keys is recorded. */
  readonly timeline: boolean;
}

export interface DeclaredThreads {
  /** A `file:` URL. */
  readonly module: string;
  /** Undefined: one per core, which the engine counts. */
  readonly count: number | undefined;
}

export interface ResolvedOrder {
  by(event: unknown): number;
  readonly from: number;
  /** Undefined: wait indefinitely. */
  readonly skipAfterMs: number | undefined;
  /** Maximum distance of a number from the next one; infinite if no number is ever skipped. */
  readonly jumpMax: number;
  /** Undefined: the engine's `pendingPerKey`. */
  readonly pendingMax: number | undefined;
  /** Time that a key may wait for a number before an alarm is raised; undefined: indefinitely. */
  readonly alarmAfterMs: number | undefined;
}

/** A pipeline with unknown types; every pipeline is one. Only its schema can tell whether an input is valid. */
export type AnyPipeline = Pipeline<string, unknown, unknown, unknown>;

/** Pipelines by name, as in an engine's type. */
export type Pipelines = Readonly<Record<string, AnyPipeline>>;

/** The pipelines of a list, by name. For an `AnyPipeline[]`, which may hold any pipelines, every name maps to some pipeline. */
export type PipelinesOf<List extends readonly AnyPipeline[]> = { readonly [P in List[number] as P['name']]: P };
