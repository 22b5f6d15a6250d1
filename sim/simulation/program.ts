/** An action requested of a turn. */
export type Deed =
  /** Fails its first attempts, unless all is mended. */
  | { readonly do: 'fail'; readonly attempts: number }
  /** Waits for something outside, so many times. */
  | { readonly do: 'pause'; readonly times: number }
  /** The first attempt never ends by itself, unless all is mended. */
  | { readonly do: 'hang' }
  /** In its first attempts it decides what no store can hold, unless all is mended. */
  | { readonly do: 'poison'; readonly attempts: number; readonly what: Poison }
  /** Changes all that it was given and gives away, once it has decided, and what it returned once more in later turns. */
  | { readonly do: 'spoil' }
  | { readonly do: 'send'; readonly to: 'acts' | 'loose'; readonly act: Act }
  | { readonly do: 'arm'; readonly timer: TimerName; readonly afterMs: number; readonly does: readonly Deed[] }
  | { readonly do: 'cancel'; readonly timer: TimerName }
  | { readonly do: 'deliver'; readonly endpoint: EndpointName; readonly id: string };

/** A timer at no moment, a state or a payload that is no JSON, a row that the store refuses. */
export const poisons = ['moment', 'state', 'payload', 'row'] as const;
export type Poison = (typeof poisons)[number];

export const timerNames = ['bell', 'gong'] as const;
type TimerName = (typeof timerNames)[number];
/** `mail` in any order, `post` in the order of its key, `visit` tried again by the pipeline, `shout` without telling the key. */
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
  /** In `numbers`, its number in its key; otherwise 0. */
  readonly number: number;
  readonly does: readonly Deed[];
}

/** A row of the inbox. */
export interface Insertion {
  readonly pipeline: 'acts' | 'loose';
  /** The schema refuses one of which it is said, unless all is mended. */
  readonly act: Act & { readonly isRefused?: true };
}

/** The results of a delivery's calls, one after another, `delivered` once the list is used up; and the actions after its success. */
export interface DeliveryPlan {
  readonly answers: readonly ('delivered' | 'failed' | 'unknown' | 'refused' | 'postponed' | 'throws' | 'hangs')[];
  readonly does: readonly Deed[];
}

export type Step =
  /** Somebody brings events in, one by one or as a batch, again as long as it is not told what became of them. */
  | {
      readonly step: 'ingest';
      readonly pipeline: PipelineName;
      readonly acts: readonly Act[];
      readonly isBatch: boolean;
      readonly again: boolean;
    }
  /** Another program puts events into the inbox, in one transaction, which may commit after others that began later. */
  | { readonly step: 'insert'; readonly rows: readonly Insertion[]; readonly isLate: boolean }
  /** Until everybody has an answer. */
  | { readonly step: 'wait' }
  | { readonly step: 'advance'; readonly ms: number }
  | { readonly step: 'crash' }
  /** From here on lives do not declare what is named in `without`, if it is there. */
  | { readonly step: 'restart'; readonly timeoutMs: number; readonly without?: readonly Declared[] }
  /** Somebody sets the clock, ahead or (negative) back, while no time passes. */
  | { readonly step: 'set clock'; readonly byMs: number }
  /** Another process takes the store over while this one believes it has it. */
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
  /** Engines that work on the store at once. */
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
