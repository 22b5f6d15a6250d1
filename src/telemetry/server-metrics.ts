import type { SourceStatus } from '../engine/inlets/source-reader.ts';
import type { Leftover } from '../engine/leftovers/leftover.ts';
import type { EndpointWaits } from '../engine/outbox/endpoint-gate.ts';
import type { StoreStats } from '../store/store.ts';
import type { ProcessCounts } from './process-counts.ts';

/** Everything shown beside the pipelines' counts. */
export interface ServerSnapshot {
  readonly leftovers: readonly Leftover[];
  readonly waits: readonly EndpointWaits[];
  /** Topics that pipelines read events from. */
  readonly sources: readonly (readonly [pipeline: string, source: SourceStatus])[];
  readonly store: StoreStats;
  readonly uptimeMs: number;
  /** Refused requests, by reason. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly process: ProcessCounts;
}

/** A metric that is not about a single pipeline. `help` and `more` are as in `PipelineMetric`. */
export interface ServerMetric {
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly more?: string;
  readonly labels: readonly string[];
  /** Returns its values, each with its labels. Values with equal labels are added up. */
  of(snapshot: ServerSnapshot): readonly LabelledValue[];
}

export type LabelledValue = readonly [labels: Readonly<Record<string, string>>, value: number];

/** All server metrics, by Prometheus name. */
export const serverMetrics: Readonly<Record<string, ServerMetric>> = {
  millrace_store_log_bytes: {
    kind: 'gauge',
    help: "size of the store's write-ahead log on disk: up to about 64 MiB under load, 0 after a few seconds without writes",
    labels: [],
    of: ({ store }) => [[{}, store.logBytes]],
  },
  millrace_resting_addresses: {
    kind: 'gauge',
    help: 'addresses from data that are rarely called, because five consecutive calls had no answer; only for endpoints that have any',
    more: '`GET /health` names the five that have been silent for longest ([webhooks](webhooks.md#many-receivers))',
    labels: ['pipeline', 'endpoint'],
    of: ({ waits }) => waits.map(({ pipeline, endpoint, restingAddresses }) => [{ pipeline, endpoint }, restingAddresses]),
  },
  millrace_postponed_endpoints: {
    kind: 'gauge',
    help: '1 while the transport of an endpoint makes no calls: its circuit is open, or this machine has run out of file descriptors',
    labels: ['pipeline', 'endpoint'],
    of: ({ waits }) => waits.map(({ pipeline, endpoint, postponed }) => [{ pipeline, endpoint }, postponed === null ? 0 : 1]),
  },
  millrace_source_partition_lag: {
    kind: 'gauge',
    help: 'records not yet ingested, for each partition of a topic that this process reads',
    more: '([brokers](brokers.md))',
    labels: ['pipeline', 'source', 'partition'],
    of: ({ sources }) =>
      sources.flatMap(([pipeline, { name, partitions }]) =>
        partitions.map(({ partition, lag }): LabelledValue => [{ pipeline, source: name, partition: String(partition) }, lag]),
      ),
  },
  millrace_leftovers: {
    kind: 'gauge',
    help: 'endpoints, timers, states, schedules and pipelines (by `gone`) that are no longer declared but still have stored work, as of the last start',
    more: '([declarations](declarations.md))',
    labels: ['pipeline', 'gone'],
    of: ({ leftovers }) => leftovers.map(({ pipeline, gone }) => [{ pipeline, gone }, 1]),
  },
  millrace_refused_requests_total: {
    kind: 'counter',
    help: "refused requests: `missing` (no token), `unknown` (an unknown token), `forbidden` (a token that does not permit the request), `host` (a host name that is not the server's)",
    labels: ['reason'],
    of: ({ refusals }) => Object.entries(refusals).map(([reason, count]) => [{ reason }, count]),
  },
  millrace_log_lines_dropped_total: {
    kind: 'counter',
    help: 'log lines dropped because nobody read them or the disk was full',
    labels: [],
    of: ({ process }) => [[{}, process.logLinesDropped]],
  },
  millrace_stray_failures_total: {
    kind: 'counter',
    help: 'failures of the served program outside any turn: `uncaughtException`, `unhandledRejection`, `exit` (a call of `process.exit()`)',
    more: '([serving](serving.md#what-may-fail))',
    labels: ['kind'],
    of: ({ process }) => Object.entries(process.strayFailures).map(([kind, count]) => [{ kind }, count]),
  },
  millrace_uptime_seconds: {
    kind: 'gauge',
    help: 'time since the server was created',
    labels: [],
    of: ({ uptimeMs }) => [[{}, uptimeMs / 1_000]],
  },
};
