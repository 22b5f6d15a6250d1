/** An action requested of a turn. */
export type Deed =
  /** Fails its first attempts, until everything is fixed. */
  | { readonly do: 'fail'; readonly attempts: number }
  /** Waits for something outside, the given number of times. */
  | { readonly do: 'pause'; readonly times: number }
  /** The first attempt never ends by itself, until everything is fixed. */
  | { readonly do: 'hang' }
  /** In its first attempts it decides something that no store can hold, until everything is fixed. */
  | { readonly do: 'poison'; readonly attempts: number; readonly what: Poison }
  /** Changes every object that it received or passed on once it has decided, and again in later turns the state it returned. */
  | { readonly do: 'spoil' }
  | { readonly do: 'send'; readonly to: 'acts' | 'loose'; readonly act: Act }
  | { readonly do: 'arm'; readonly timer: TimerName; readonly afterMs: number; readonly does: readonly Deed[] }
  | { readonly do: 'cancel'; readonly timer: TimerName }
  | { readonly do: 'deliver'; readonly endpoint: EndpointName; readonly id: string };

/** A timer at no valid moment, a state or a payload that is not JSON, a row that the store refuses. */
export const poisons = ['moment', 'state', 'payload', 'row'] as const;
export type Poison = (typeof poisons)[number];

export const timerNames = ['bell', 'gong'] as const;
type TimerName = (typeof timerNames)[number];
/** `mail` in any order, `post` in the order of its key, `visit` retried by the pipeline, `shout` without notifying the key. */
export const endpointNames = ['mail', 'post', 'visit', 'shout'] as const;
type EndpointName = (typeof endpointNames)[number];
export const pipelineNames = ['acts', 'numbers', 'loose'] as const;
export type PipelineName = (typeof pipelineNames)[number];
/** A name that a life of the process may leave undeclared. */
export type Declared = 'gong' | EndpointName | 'loose';

/** An event. */
export interface Act {
  readonly key: string;
  /** A name that no other event has. */
  readonly mark: string;
  /** True if the mark is its chosen id. */
  readonly isNamed: boolean;
  /** In `numbers`, its number within its key; otherwise 0. */
  readonly number: number;
  readonly does: readonly Deed[];
}

/** A row of the inbox. */
export interface Insertion {
  readonly pipeline: 'acts' | 'loose';
  /** True if the schema refuses the row until everything is fixed. */
  readonly act: Act & { readonly isRefused?: true };
}

/** The results of a delivery's calls, one after another, `delivered` once the list is used up; and the actions after its success. */
export interface DeliveryPlan {
  readonly answers: readonly ('delivered' | 'failed' | 'unknown' | 'refused' | 'postponed' | 'throws' | 'hangs')[];
  readonly does: readonly Deed[];
}

export type Step =
  /** A caller brings events in, one by one or as a batch, again as long as it is not told the result. */
  | {
      readonly step: 'ingest';
      readonly pipeline: PipelineName;
      readonly acts: readonly Act[];
      readonly isBatch: boolean;
      readonly again: boolean;
    }
  /** Another program puts events into the inbox in one transaction, which may commit after others that began later. */
  | { readonly step: 'insert'; readonly rows: readonly Insertion[]; readonly isLate: boolean }
  /** Waits until every caller has an answer. */
  | { readonly step: 'wait' }
  | { readonly step: 'advance'; readonly ms: number }
  | { readonly step: 'crash' }
  /** From here on lives do not declare the names in `without`. */
  | { readonly step: 'restart'; readonly timeoutMs: number; readonly without?: readonly Declared[] }
  /** Sets the clock ahead or (negative) back without any time passing. */
  | { readonly step: 'set clock'; readonly byMs: number }
  /** Another process takes the store over while this one still believes it has it. */
  | { readonly step: 'take over' }
  /** Calls under way fail, with or without effect, and so do the next ones. */
  | { readonly step: 'disconnect'; readonly calls: number }
  | { readonly step: 'mend'; readonly isMended: boolean }
  | { readonly step: 'operate'; readonly how: 'redriven' | 'discarded' }
  | { readonly step: 'look'; readonly key: string };

/** The rate of each fault, per thousand calls of the store. */
export interface FaultRates {
  readonly failsBefore: number;
  readonly failsAfter: number;
  readonly busy: number;
  readonly delayed: number;
  readonly full: number;
  readonly crashBefore: number;
  readonly crashAfter: number;
}

export interface Settings {
  readonly slices: number;
  readonly onGiveUp: 'park' | 'skip';
  readonly attempts: number;
  readonly concurrency: number;
  readonly skipsGaps: boolean;
  readonly maxPending: number;
  readonly deliveriesAtOnce: number;
  readonly warmKeys: number;
  readonly feed: number;
  readonly commit: number;
  readonly memoryBytes: number;
  /** Number of engines that work on the store at once. */
  readonly engines: number;
  /** True if the store has an inbox, into which other programs insert. */
  readonly hasInbox: boolean;
  /** The chance, in percent, that the clock moves while calls are under way. */
  readonly haste: number;
}

export interface Program {
  readonly seed: number;
  readonly settings: Settings;
  readonly faults: FaultRates;
  readonly steps: readonly Step[];
  /** By the delivery's id. */
  readonly plans: ReadonlyMap<string, DeliveryPlan>;
}
