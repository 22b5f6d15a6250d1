#!/usr/bin/env bash
# @opentelemetry/sdk-metrics 3.1.1: an observable instrument keeps reporting values that its callback no longer observes, as long as the process runs.
#
# At each collection a callback reports current values: a depth for each queue, a lag for each partition. The specification
# (https://opentelemetry.io/docs/specs/otel/metrics/sdk/#observations-inside-asynchronous-callbacks) says that no data should be produced for
# attributes that were observed before and are not observed in the present callback. So if a callback omits a removed queue, or a partition that
# another process has taken over, you would expect it to be gone from the next collection on. But with cumulative temporality, which Prometheus needs
# and OTLP has by default, the SDK reports the last value with each collection. A queue that is gone keeps its 500 messages and the alarm on them; a
# partition that has moved is reported by both processes, and counted twice in a sum. The number of series only grows. With delta temporality it is as
# specified. (Issue 4096 of opentelemetry-js has it, since 2023.)
#
# Seen, for a gauge and an up-down counter that observe the queues "a" and "b" once, and then "b" alone, at the second collection:
#   cumulative    a 500, b 7      for both
#   delta         b               for both, without a (7 of the gauge, a change of 0 of the counter)
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts @opentelemetry/sdk-metrics@3.1.1 @opentelemetry/api@1.10.0 >/dev/null 2>&1 || exit 2

cat >gone.mjs <<'JS'
import { AggregationTemporality, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';

class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

/** The queues of each instrument at two collections, of which the second observes "b" alone. */
async function collected(temporality) {
  const reader = new Reader({ aggregationTemporalitySelector: () => temporality });
  const meter = new MeterProvider({ readers: [reader] }).getMeter('queues');
  const depths = new Map([
    ['a', 500],
    ['b', 7],
  ]);
  for (const instrument of [meter.createObservableGauge('gauge'), meter.createObservableUpDownCounter('counter')]) {
    instrument.addCallback((result) => {
      for (const [queue, depth] of depths) result.observe(depth, { queue });
    });
  }
  const queues = async () => {
    const { resourceMetrics } = await reader.collect();
    const metrics = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
    return metrics.map(({ dataPoints }) => dataPoints.map(({ attributes, value }) => `${attributes.queue} ${value}`).join(', ')).join('; ');
  };
  const first = await queues();
  depths.delete('a');
  return { first, second: await queues() };
}

const cumulative = await collected(AggregationTemporality.CUMULATIVE);
const delta = await collected(AggregationTemporality.DELTA);
console.log('cumulative:', cumulative);
console.log('delta:', delta);
const both = 'a 500, b 7; a 500, b 7';
if (cumulative.first !== both || delta.first !== both || delta.second.includes('a ')) process.exit(2);
const isAsDescribed = cumulative.second === both;
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node gone.mjs
