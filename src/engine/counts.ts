import type { Clock } from './clock.ts';
import { Distribution, type DistributionSnapshot, durationBoundsMs, sizeBounds } from './distribution.ts';

/** What a pipeline has done since this process started, for metrics and health. A backlog found at the start counts as received. */
export interface PipelineCounts {
  readonly received: number;
  /** Committed turns of events, those that were ignored among them. */
  readonly processed: number;
  readonly ignored: number;
  /** Events given up as dead letters. One that is redriven counts as received again. */
  readonly failed: number;
  /** Events that an operator discarded before they were handled. */
  readonly discarded: number;
  readonly duplicates: number;
  readonly rejected: number;
  /** Of these, the ones whose asynchronous schema took too long. */
  readonly validationTimeouts: number;
  readonly retries: number;
  /** Received and neither processed, failed nor discarded. */
  readonly depth: number;
  /** Of these, the ones that wait in the store: for a number, a retry, or an operator. */
  readonly held: number;
  /** Keys that have waited for a number for a second or longer; those of former processes among them. */
  readonly gaps: number;
  /** For how long the oldest of these has waited, in milliseconds; 0 when there is none. */
  readonly oldestGapMs: number;
  /** Keys whose next turn waits for room in a pipeline that it sends to. */
  readonly throttled: number;
  /** Given up, and neither redriven nor discarded yet; those of former processes among them. */
  readonly deadLetters: number;
  /** Keys that wait until an operator redrives or discards a dead letter of theirs; those of former processes among them. */
  readonly parked: number;
  /** Deliveries that have no outcome yet. */
  readonly deliveries: number;
  /** Calls that were answered as delivered, and on disk as such. */
  readonly delivered: number;
  /** Calls that failed and whose delivery is tried again. */
  readonly deliveryRetries: number;
  /** Deliveries given up as dead letters. */
  readonly deliveriesFailed: number;
  /** Deliveries that may have arrived, and are dead letters for an operator to decide on. */
  readonly deliveriesUnknown: number;
  /** Turns under way. */
  readonly running: number;
  readonly concurrency: number;
  /** Whether an operator has paused it: no turn starts. */
  readonly paused: boolean;
  /** From acceptance to commit, summed over the processed. */
  readonly latencyMsTotal: number;
  /** Processed per second, over the last ten seconds. */
  readonly perSecond: number;
  readonly distributions: {
    /** From the call to the acknowledgement, for each event. */
    readonly acceptMs: DistributionSnapshot;
    /** One attempt of a handler. */
    readonly handleMs: DistributionSnapshot;
    /** One commit, from the call of the store to its answer. */
    readonly commitMs: DistributionSnapshot;
    /** Turns that share a commit. */
    readonly commitTurns: DistributionSnapshot;
  };
}

/** What a draft adds up to. */
export interface DraftCounts {
  processed: number;
  ignored: number;
  failed: number;
  retries: number;
  /** Redriven events that had been skipped, and so counted as failed. */
  received: number;
  /** The sum of the times at which the processed were accepted. */
  acceptedAtTotal: number;
  delivered: number;
  deliveryRetries: number;
  deliveriesFailed: number;
  deliveriesUnknown: number;
}

const windowSeconds = 10;

/** The counters behind {@link PipelineCounts}. They change only when what they count is on disk. */
export class Counters {
  received = 0;
  processed = 0;
  ignored = 0;
  failed = 0;
  discarded = 0;
  duplicates = 0;
  rejected = 0;
  validationTimeouts = 0;
  retries = 0;
  delivered = 0;
  deliveryRetries = 0;
  deliveriesFailed = 0;
  deliveriesUnknown = 0;
  running = 0;
  throttled = 0;
  deadLetters = 0;
  parked = 0;
  deliveries = 0;
  latencyMsTotal = 0;
  readonly acceptMs = new Distribution(durationBoundsMs);
  readonly handleMs = new Distribution(durationBoundsMs);
  readonly commitMs = new Distribution(durationBoundsMs);
  readonly commitTurns = new Distribution(sizeBounds);
  /** Processed in each of the last seconds of elapsed time, by second modulo the window. */
  readonly #recent = new Array<{ second: number; processed: number }>(windowSeconds + 1);

  /** Events that are received and neither processed, failed nor discarded. */
  get depth(): number {
    return this.received - this.processed - this.failed - this.discarded;
  }

  /** A draft is on disk. What it received again its partition counts. */
  add(draft: DraftCounts, clock: Pick<Clock, 'now' | 'elapsedMs'>): void {
    const { processed, ignored, failed, retries, acceptedAtTotal } = draft;
    this.delivered += draft.delivered;
    this.deliveryRetries += draft.deliveryRetries;
    this.deliveriesFailed += draft.deliveriesFailed;
    this.deliveriesUnknown += draft.deliveriesUnknown;
    this.ignored += ignored;
    this.failed += failed;
    this.retries += retries;
    this.processed += processed;
    this.latencyMsTotal += Math.max(0, processed * clock.now() - acceptedAtTotal);
    const second = Math.floor(clock.elapsedMs() / 1000);
    const slot = second % this.#recent.length;
    const present = this.#recent[slot];
    if (present?.second === second) present.processed += processed;
    else this.#recent[slot] = { second, processed };
  }

  /** @param gauges what is not counted but looked at */
  snapshot(gauges: Pick<PipelineCounts, 'concurrency' | 'held' | 'gaps' | 'oldestGapMs' | 'paused'>, elapsedMs: number): PipelineCounts {
    const { received, processed, ignored, failed, duplicates, rejected, retries, running, deadLetters, parked, latencyMsTotal } = this;
    const { validationTimeouts, depth, discarded, throttled } = this;
    const { deliveries, delivered, deliveryRetries, deliveriesFailed, deliveriesUnknown } = this;
    return {
      ...gauges,
      received,
      processed,
      ignored,
      failed,
      discarded,
      duplicates,
      rejected,
      validationTimeouts,
      retries,
      deliveries,
      delivered,
      deliveryRetries,
      deliveriesFailed,
      deliveriesUnknown,
      running,
      throttled,
      deadLetters,
      parked,
      latencyMsTotal,
      depth,
      perSecond: this.#perSecond(Math.floor(elapsedMs / 1000)),
      distributions: {
        acceptMs: this.acceptMs.snapshot(),
        handleMs: this.handleMs.snapshot(),
        commitMs: this.commitMs.snapshot(),
        commitTurns: this.commitTurns.snapshot(),
      },
    };
  }

  /** Over whole seconds that have ended, so that the figure does not sag at the start of each. */
  #perSecond(present: number): number {
    let processed = 0;
    for (const slot of this.#recent) {
      if (slot !== undefined && slot.second < present && slot.second >= present - windowSeconds) processed += slot.processed;
    }
    return processed / windowSeconds;
  }
}
