import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { PipelineCounts } from '../engine/counts.ts';

/**
 * Metrics in the Prometheus text format.
 *
 * | metric | type | labels |
 * |---|---|---|
 * | `millrace_events_total` | counter | `pipeline`, `outcome`: accepted, duplicate, rejected, processed, ignored, failed, retried |
 * | `millrace_queue_depth` | gauge | `pipeline` |
 * | `millrace_running_turns` | gauge | `pipeline` |
 * | `millrace_uptime_seconds` | gauge | |
 *
 * The ignored are among the processed. Beside them stand prom-client's `process_…` and `nodejs_…`, the event loop's lag among them.
 */
export class Prometheus {
  /** Always this format: prom-client renames its counters for good once they are asked for as OpenMetrics. */
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #process = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.#process });
  }

  /** A scrape out of one snapshot of the counts. Their registry is made anew for it, so that scrapes side by side do not mix. */
  async text(counts: Readonly<Record<string, PipelineCounts>>, uptimeMs: number): Promise<string> {
    return Registry.merge([ofPipelines(counts, uptimeMs), this.#process]).metrics();
  }
}

function ofPipelines(counts: Readonly<Record<string, PipelineCounts>>, uptimeMs: number): Registry {
  const registry = new Registry();
  const registers = [registry];
  const events = new Counter({
    name: 'millrace_events_total',
    help: 'Events by what became of them, since the process started.',
    labelNames: ['pipeline', 'outcome'],
    registers,
  });
  const depth = new Gauge({
    name: 'millrace_queue_depth',
    help: 'Events accepted and neither processed nor failed.',
    labelNames: ['pipeline'],
    registers,
  });
  const running = new Gauge({ name: 'millrace_running_turns', help: 'Turns under way.', labelNames: ['pipeline'], registers });
  new Gauge({ name: 'millrace_uptime_seconds', help: 'Seconds since the server was made.', registers }).set(uptimeMs / 1000);
  for (const [pipeline, count] of Object.entries(counts)) {
    for (const [outcome, value] of Object.entries(outcomesOf(count))) events.inc({ pipeline, outcome }, value);
    depth.set({ pipeline }, count.depth);
    running.set({ pipeline }, count.running);
  }
  return registry;
}

function outcomesOf(count: PipelineCounts): Readonly<Record<string, number>> {
  return {
    accepted: count.received,
    duplicate: count.duplicates,
    rejected: count.rejected,
    processed: count.processed,
    ignored: count.ignored,
    failed: count.failed,
    retried: count.retries,
  };
}
