/**
 * All metrics of a pipeline, one entry each. This list determines the type of `PipelineCounts`, the counters that start at 0, the sums over
 * partitions, the Prometheus exposition, both JSON answers with their OpenAPI, and the tables of docs/metrics.md, which a test compares
 * (`test/metrics-tables.ts` writes them).
 */

/** The source of a figure. */
export type Measured =
  /** Counted in {@link Counters} as it happens. */
  | 'as it happens'
  /** Counted by a draft, and added once the draft is on disk. */
  | 'by drafts'
  /** Reported by a claim, and changed by each commit. */
  | 'by the store'
  /** Kept by each partition separately. */
  | 'sum over partitions'
  | 'maximum over partitions'
  /** Shared by all partitions. */
  | 'of the pipeline'
  /** Computed from others. */
  | 'derived';

export interface PipelineMetric {
  /** A counter only grows, from the start of the process; a gauge is a current value; a histogram is a distribution of measured values. */
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** Prometheus shows milliseconds as seconds, and a flag as 0 or 1. */
  readonly unit:
    | 'events'
    | 'keys'
    | 'dead letters'
    | 'deliveries'
    | 'calls'
    | 'attempts'
    | 'turns'
    | 'partitions'
    | 'commits'
    | 'batches'
    | 'events per second'
    | 'ms'
    | 'flag';
  readonly measured: Measured;
  /** Its meaning: the help in Prometheus, the description in OpenAPI, the row in docs/metrics.md. Code is the only Markdown allowed. */
  readonly help: string;
  /** Additional Markdown for docs/metrics.md. */
  readonly more?: string;
  /** Its name in Prometheus; absent if not shown there. Metrics that share a name differ by their `outcome`. */
  readonly prometheus?: string;
  readonly outcome?: string;
  /** Its key in the JSON of `GET /metrics`, which shows the sum over all pipelines. */
  readonly json?: string;
}

/** The subject of each metric with several outcomes. */
export const outcomesOf: Readonly<Record<string, string>> = {
  millrace_events_total: 'events by outcome, since the process started',
  millrace_deliveries_total: 'deliveries by the outcome of their calls, since the process started',
};

export const pipelineMetrics = {
  depth: {
    kind: 'gauge',
    unit: 'events',
    measured: 'derived',
    prometheus: 'millrace_queue_depth',
    json: 'current_queue_depth',
    help: 'events accepted and neither processed, failed nor discarded; 0 when idle',
  },
  held: {
    kind: 'gauge',
    unit: 'events',
    measured: 'sum over partitions',
    prometheus: 'millrace_held_events',
    help: 'unsettled events waiting in the store: for a number, a retry or an operator, or for a turn under way that later ones have overtaken',
  },
  gaps: {
    kind: 'gauge',
    unit: 'keys',
    measured: 'sum over partitions',
    prometheus: 'millrace_gaps',
    help: 'keys that have waited for a number for a second or longer, including those of earlier processes',
  },
  oldestGapMs: {
    kind: 'gauge',
    unit: 'ms',
    measured: 'maximum over partitions',
    prometheus: 'millrace_oldest_gap_seconds',
    help: 'longest wait of a key with a gap for its number; 0 if there is none',
  },
  parked: {
    kind: 'gauge',
    unit: 'keys',
    measured: 'by the store',
    prometheus: 'millrace_parked_keys',
    help: 'keys that wait until one of their dead letters is redriven or discarded, including those of earlier processes',
  },
  deadLetters: {
    kind: 'gauge',
    unit: 'dead letters',
    measured: 'by the store',
    prometheus: 'millrace_dead_letters',
    help: 'failed events, timers, outcomes and deliveries, skipped gaps and rejected rows that are neither redriven nor discarded yet, including those of earlier processes',
  },
  throttled: {
    kind: 'gauge',
    unit: 'keys',
    measured: 'as it happens',
    prometheus: 'millrace_throttled_keys',
    help: 'keys whose next turn waits for room in a pipeline that it sends to',
    more: '([a loop of sends](reliability.md#a-loop-of-sends))',
  },
  paused: {
    kind: 'gauge',
    unit: 'flag',
    measured: 'of the pipeline',
    prometheus: 'millrace_paused',
    help: '1 while an operator has paused the pipeline, otherwise 0',
  },
  inbox: {
    kind: 'gauge',
    unit: 'events',
    measured: 'as it happens',
    prometheus: 'millrace_inbox_events',
    help: 'inbox rows waiting to be ingested, as of the last check: up to 10,000, and 0 in engines that do not ingest them',
  },
  sourceLag: {
    kind: 'gauge',
    unit: 'events',
    measured: 'as it happens',
    prometheus: 'millrace_source_lag',
    help: 'records of the topic not yet ingested, over the partitions that this process reads',
    more: '([brokers](brokers.md))',
  },
  deliveries: {
    kind: 'gauge',
    unit: 'deliveries',
    measured: 'by the store',
    prometheus: 'millrace_pending_deliveries',
    help: 'deliveries without an outcome: due, under way, or waiting for their next attempt',
  },
  running: {
    kind: 'gauge',
    unit: 'turns',
    measured: 'as it happens',
    prometheus: 'millrace_running_turns',
    help: 'asynchronous turns under way',
  },
  concurrency: {
    kind: 'gauge',
    unit: 'turns',
    measured: 'of the pipeline',
    prometheus: 'millrace_concurrency',
    json: 'active_workers',
    help: 'maximum asynchronous turns under way at once',
  },
  partitions: {
    kind: 'gauge',
    unit: 'partitions',
    measured: 'sum over partitions',
    prometheus: 'millrace_partitions',
    help: 'partitions that this process works on',
    more: 'Over a fleet, the sum is below the `partitions` of `GET /fleet` while some have no owner',
  },
  received: {
    kind: 'counter',
    unit: 'events',
    measured: 'as it happens',
    prometheus: 'millrace_events_total',
    outcome: 'accepted',
    json: 'events_received',
    help: 'accepted events; those already waiting at the start and redriven ones count as received (again)',
  },
  duplicates: {
    kind: 'counter',
    unit: 'events',
    measured: 'as it happens',
    prometheus: 'millrace_events_total',
    outcome: 'duplicate',
    help: 'events that the door already knew',
  },
  rejected: {
    kind: 'counter',
    unit: 'events',
    measured: 'as it happens',
    prometheus: 'millrace_events_total',
    outcome: 'rejected',
    help: 'events that the door refused',
  },
  validationTimeouts: {
    kind: 'counter',
    unit: 'events',
    measured: 'as it happens',
    prometheus: 'millrace_validation_timeouts_total',
    help: 'rejected events whose asynchronous schema took too long',
    more: '(`VALIDATION_TIMEOUT`); the log has a line at once and one each ten seconds',
  },
  processed: {
    kind: 'counter',
    unit: 'events',
    measured: 'by drafts',
    prometheus: 'millrace_events_total',
    outcome: 'processed',
    json: 'events_processed',
    help: 'committed turns of events, including those that a handler ignored',
  },
  ignored: {
    kind: 'counter',
    unit: 'events',
    measured: 'by drafts',
    prometheus: 'millrace_events_total',
    outcome: 'ignored',
    help: 'processed events that a handler ignored',
  },
  failed: {
    kind: 'counter',
    unit: 'events',
    measured: 'by drafts',
    prometheus: 'millrace_events_total',
    outcome: 'failed',
    json: 'events_failed',
    help: 'events that became dead letters',
  },
  discarded: {
    kind: 'counter',
    unit: 'events',
    measured: 'as it happens',
    prometheus: 'millrace_events_total',
    outcome: 'discarded',
    help: 'events that an operator discarded before they were handled',
  },
  retries: {
    kind: 'counter',
    unit: 'attempts',
    measured: 'by drafts',
    prometheus: 'millrace_events_total',
    outcome: 'retried',
    help: 'failed attempts of events, timers and outcomes that are retried',
  },
  delivered: {
    kind: 'counter',
    unit: 'deliveries',
    measured: 'by drafts',
    prometheus: 'millrace_deliveries_total',
    outcome: 'delivered',
    help: 'calls answered as delivered, and recorded on disk',
  },
  deliveryRetries: {
    kind: 'counter',
    unit: 'calls',
    measured: 'by drafts',
    prometheus: 'millrace_deliveries_total',
    outcome: 'retried',
    help: 'calls that failed and are retried',
  },
  deliveriesFailed: {
    kind: 'counter',
    unit: 'deliveries',
    measured: 'by drafts',
    prometheus: 'millrace_deliveries_total',
    outcome: 'failed',
    help: 'deliveries that became dead letters',
  },
  deliveriesUnknown: {
    kind: 'counter',
    unit: 'deliveries',
    measured: 'by drafts',
    prometheus: 'millrace_deliveries_total',
    outcome: 'unknown',
    help: 'deliveries that may have arrived, and are dead letters for an operator to decide on',
  },
  fencedCommits: {
    kind: 'counter',
    unit: 'commits',
    measured: 'as it happens',
    prometheus: 'millrace_fenced_commits_total',
    help: 'commits refused by the store, because another process had taken over the partition; none of their decisions took effect',
    more: '([a fleet under faults](reliability.md#a-fleet-under-faults))',
  },
  droppedBatches: {
    kind: 'counter',
    unit: 'batches',
    measured: 'as it happens',
    prometheus: 'millrace_dropped_batches_total',
    help: 'batches of records read from a topic and dropped, because another process had already taken them, or their partition',
    more: '([brokers](brokers.md))',
  },
  rejectedRecords: {
    kind: 'counter',
    unit: 'dead letters',
    measured: 'as it happens',
    prometheus: 'millrace_rejected_records_total',
    help: 'records of the topic, or elements of them, that were not valid events',
    more: '([brokers](brokers.md))',
  },
  latencyMsTotal: {
    kind: 'counter',
    unit: 'ms',
    measured: 'as it happens',
    help: 'time from acceptance to commit, summed over the processed events',
  },
  perSecond: {
    kind: 'gauge',
    unit: 'events per second',
    measured: 'derived',
    json: 'events_per_second',
    help: 'events processed per second, over the last ten seconds',
  },
  lagMs: {
    kind: 'gauge',
    unit: 'ms',
    measured: 'maximum over partitions',
    prometheus: 'millrace_lag_seconds',
    help: 'age of the oldest event in the log that its pipeline has not reached; 0 if there is none',
    more: 'Events that wait for their key (a number, a retry, an operator) do not count',
  },
  latencyMs: {
    kind: 'histogram',
    unit: 'ms',
    measured: 'as it happens',
    prometheus: 'millrace_latency_seconds',
    help: 'from the acceptance of an event to the commit of its turn; each processed event counts',
  },
  acceptMs: {
    kind: 'histogram',
    unit: 'ms',
    measured: 'as it happens',
    prometheus: 'millrace_accept_duration_seconds',
    help: "from the call that ingests an event to its acknowledgement, which comes after the disk's; each event of a batch that was not rejected counts",
  },
  handleMs: {
    kind: 'histogram',
    unit: 'ms',
    measured: 'as it happens',
    prometheus: 'millrace_handle_duration_seconds',
    help: 'one attempt of a handler, whatever its result',
  },
  commitMs: {
    kind: 'histogram',
    unit: 'ms',
    measured: 'as it happens',
    prometheus: 'millrace_commit_duration_seconds',
    help: 'one commit of turns, from the store call to its answer',
  },
  commitTurns: {
    kind: 'histogram',
    unit: 'turns',
    measured: 'as it happens',
    prometheus: 'millrace_commit_turns',
    help: 'turns that share a commit',
  },
} as const satisfies Readonly<Record<string, PipelineMetric>>;
