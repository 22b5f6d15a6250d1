import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { PipelineCounts } from '../engine/counts.ts';
import type { DistributionSnapshot } from '../engine/distribution.ts';
import type { Leftover } from '../engine/leftovers/leftover.ts';
import type { EndpointWaits } from '../engine/outbox/endpoint-gate.ts';
import type { StoreStats } from '../store/store.ts';
import type { ProcessCounts } from './process-counts.ts';
import { SnapshotHistogram } from './snapshot-histogram.ts';

type Counts = Readonly<Record<string, PipelineCounts>>;

/** The metrics in the Prometheus text format. `docs/metrics.md` tells of each; a test holds the two together. */
export class Prometheus {
  /** Always this format: prom-client renames its counters for good once they are asked for as OpenMetrics. */
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  /** prom-client's own metrics of the process, such as the event loop's delay. */
  readonly #process = new Registry();

  constructor(counts: ProcessCounts) {
    const registers = [this.#process];
    collectDefaultMetrics({ register: this.#process });
    new Counter({
      name: 'millrace_log_lines_dropped_total',
      help: 'Lines of the log that nobody read in time, or that could not be written.',
      registers,
      collect() {
        this.reset();
        this.inc(counts.logLinesDropped);
      },
    });
    new Counter({
      name: 'millrace_stray_failures_total',
      help: 'Failures of the served program that no turn waited for, and its calls of process.exit().',
      labelNames: ['kind'],
      registers,
      collect() {
        this.reset();
        for (const [kind, count] of Object.entries(counts.strayFailures)) this.inc({ kind }, count);
      },
    });
  }

  /** A scrape out of one snapshot of the counts. Their registry is made anew for it, so that scrapes side by side do not mix. */
  async text(snapshot: Snapshot): Promise<string> {
    return Registry.merge([ofMill(snapshot), this.#process]).metrics();
  }
}

/** What one scrape shows. */
interface Snapshot {
  readonly counts: Counts;
  readonly leftovers: readonly Leftover[];
  readonly waits: readonly EndpointWaits[];
  readonly store: StoreStats;
  readonly uptimeMs: number;
  /** Requests that were not let in, by why. */
  readonly refusals: Readonly<Record<string, number>>;
}

interface Shown<Value> {
  readonly name: string;
  readonly help: string;
  of(count: PipelineCounts): Value;
}

const msPerSecond = 1000;
const gauges: readonly Shown<number>[] = [
  { name: 'millrace_queue_depth', help: 'Events accepted and neither processed, failed nor discarded.', of: ({ depth }) => depth },
  { name: 'millrace_held_events', help: 'Of these, the ones that wait for a number, a retry or an operator.', of: ({ held }) => held },
  { name: 'millrace_gaps', help: 'Keys that wait for a number.', of: ({ gaps }) => gaps },
  {
    name: 'millrace_oldest_gap_seconds',
    help: 'For how long the key that waits longest for a number has waited.',
    of: ({ oldestGapMs }) => oldestGapMs / msPerSecond,
  },
  {
    name: 'millrace_dead_letters',
    help: 'Events, timers, deliveries and gaps given up that nobody has resolved.',
    of: ({ deadLetters }) => deadLetters,
  },
  { name: 'millrace_parked_keys', help: 'Keys that wait for an operator.', of: ({ parked }) => parked },
  {
    name: 'millrace_throttled_keys',
    help: 'Keys whose next turn waits for room in a pipeline that it sends to.',
    of: ({ throttled }) => throttled,
  },
  { name: 'millrace_paused', help: '1 while an operator has paused the pipeline, otherwise 0.', of: ({ paused }) => (paused ? 1 : 0) },
  { name: 'millrace_pending_deliveries', help: 'Deliveries that have no outcome yet.', of: ({ deliveries }) => deliveries },
  { name: 'millrace_running_turns', help: 'Asynchronous turns under way.', of: ({ running }) => running },
  { name: 'millrace_concurrency', help: 'Asynchronous turns that may be under way at once.', of: ({ concurrency }) => concurrency },
];

const histograms: readonly (Shown<DistributionSnapshot> & { readonly unit: number })[] = [
  {
    name: 'millrace_accept_duration_seconds',
    help: 'From the call that brings an event to its acknowledgement.',
    unit: msPerSecond,
    of: ({ distributions }) => distributions.acceptMs,
  },
  {
    name: 'millrace_handle_duration_seconds',
    help: 'One attempt of a handler.',
    unit: msPerSecond,
    of: ({ distributions }) => distributions.handleMs,
  },
  {
    name: 'millrace_commit_duration_seconds',
    help: 'One commit of turns, from the call of the store to its answer.',
    unit: msPerSecond,
    of: ({ distributions }) => distributions.commitMs,
  },
  { name: 'millrace_commit_turns', help: 'Turns that share a commit.', unit: 1, of: ({ distributions }) => distributions.commitTurns },
];

function ofMill(snapshot: Snapshot): Registry {
  const registry = ofPipelines(snapshot);
  showWork(snapshot, registry);
  return registry;
}

function ofPipelines({ counts }: Snapshot): Registry {
  const registry = new Registry();
  const registers = [registry];
  const pipelines = Object.entries(counts);
  const events = new Counter({
    name: 'millrace_events_total',
    help: 'Events by what became of them, since the process started.',
    labelNames: ['pipeline', 'outcome'],
    registers,
  });
  for (const [pipeline, count] of pipelines) {
    for (const [outcome, value] of Object.entries(outcomesOf(count))) events.inc({ pipeline, outcome }, value);
  }
  const deliveries = new Counter({
    name: 'millrace_deliveries_total',
    help: 'Deliveries by what came of their calls, since the process started.',
    labelNames: ['pipeline', 'outcome'],
    registers,
  });
  for (const [pipeline, { delivered, deliveryRetries, deliveriesFailed, deliveriesUnknown }] of pipelines) {
    deliveries.inc({ pipeline, outcome: 'delivered' }, delivered);
    deliveries.inc({ pipeline, outcome: 'retried' }, deliveryRetries);
    deliveries.inc({ pipeline, outcome: 'failed' }, deliveriesFailed);
    deliveries.inc({ pipeline, outcome: 'unknown' }, deliveriesUnknown);
  }
  const timeouts = new Counter({
    name: 'millrace_validation_timeouts_total',
    help: 'Events that were refused because their schema took too long, since the process started.',
    labelNames: ['pipeline'],
    registers,
  });
  for (const [pipeline, { validationTimeouts }] of pipelines) timeouts.inc({ pipeline }, validationTimeouts);
  for (const { name, help, of } of gauges) {
    const gauge = new Gauge({ name, help, labelNames: ['pipeline'], registers });
    for (const [pipeline, count] of pipelines) gauge.set({ pipeline }, of(count));
  }
  for (const { name, help, unit, of } of histograms) {
    const histogram = new SnapshotHistogram(name, help, unit, registry);
    for (const [pipeline, count] of pipelines) histogram.show(pipeline, of(count));
  }
  return registry;
}

/** Work that waits, the store, and the server itself. */
function showWork({ leftovers, waits, store, uptimeMs, refusals }: Snapshot, registry: Registry): void {
  const registers = [registry];
  const gone = new Gauge({
    name: 'millrace_leftovers',
    help: 'Things that stored work is left of and that are no longer declared.',
    labelNames: ['pipeline', 'gone'],
    registers,
  });
  for (const leftover of leftovers) gone.inc({ pipeline: leftover.pipeline, gone: leftover.gone });
  const resting = new Gauge({
    name: 'millrace_resting_addresses',
    help: 'Addresses that are called seldom, since they give no answers.',
    labelNames: ['pipeline', 'endpoint'],
    registers,
  });
  const postponed = new Gauge({
    name: 'millrace_postponed_endpoints',
    help: 'Endpoints whose transport makes no calls at present.',
    labelNames: ['pipeline', 'endpoint'],
    registers,
  });
  for (const { pipeline, endpoint, restingAddresses, postponed: reason } of waits) {
    resting.set({ pipeline, endpoint }, restingAddresses);
    postponed.set({ pipeline, endpoint }, reason === null ? 0 : 1);
  }
  new Gauge({
    name: 'millrace_store_log_bytes',
    help: 'Bytes that the write ahead log of the store takes up on the disk.',
    registers,
  }).set(store.logBytes);
  const refused = new Counter({
    name: 'millrace_refused_requests_total',
    help: 'Requests that were not let in, since the server was made.',
    labelNames: ['reason'],
    registers,
  });
  for (const [reason, count] of Object.entries(refusals)) refused.inc({ reason }, count);
  new Gauge({ name: 'millrace_uptime_seconds', help: 'Seconds since the server was made.', registers }).set(uptimeMs / msPerSecond);
}

function outcomesOf(count: PipelineCounts): Readonly<Record<string, number>> {
  return {
    accepted: count.received,
    duplicate: count.duplicates,
    rejected: count.rejected,
    processed: count.processed,
    ignored: count.ignored,
    failed: count.failed,
    discarded: count.discarded,
    retried: count.retries,
  };
}
