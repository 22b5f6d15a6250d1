#!/usr/bin/env bash
# @opentelemetry/sdk-metrics 3.1.1: a view that drops an attribute of an observable counter reports the last of the values in place of their sum.
#
# A view with an allow-list of attributes is the way to have fewer series. For a Counter the values of merged series are added up. The guidelines of
# the specification (https://opentelemetry.io/docs/specs/otel/metrics/supplementary-guidelines/#asynchronous-example-attribute-removal-in-a-view) work
# the case through for an observable counter, where the sum is the right answer, too. But the SDK treats the values that a callback observes for one
# set of attributes as corrections of each other, even if only the view has made the sets equal, and keeps the one observed last. So page faults of
# all threads, or messages of all partitions, become those of one of them, whichever comes last: it may even fall, which a counter must not, and looks
# to Prometheus like a restart. There is no warning.
#
# Seen, for 5 of thread "1" and 7 of thread "2", with a view that keeps no attribute, and then with the threads in the other order:
#   a Counter                    12, and 12
#   an observable counter        7, and 5
#   an observable up-down counter    7, and 5
# Without the view the observable ones report 5 and 7.
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts @opentelemetry/sdk-metrics@3.1.1 @opentelemetry/api@1.10.0 >/dev/null 2>&1 || exit 2

cat >view.mjs <<'JS'
import { createAllowListAttributesProcessor, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';

class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

/** What each kind of counter reports for the faults of threads, in the order in which they are given. */
async function reported(faults, views) {
  const reader = new Reader();
  const meter = new MeterProvider({ readers: [reader], views }).getMeter('faults');
  const counter = meter.createCounter('counter');
  for (const [thread, value] of faults) counter.add(value, { thread });
  for (const instrument of [meter.createObservableCounter('observable'), meter.createObservableUpDownCounter('upDown')]) {
    instrument.addCallback((result) => {
      for (const [thread, value] of faults) result.observe(value, { thread });
    });
  }
  const { resourceMetrics } = await reader.collect();
  const metrics = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  const values = metrics.map(({ descriptor, dataPoints }) => `${descriptor.name} ${dataPoints.map(({ value }) => value).join(' and ')}`);
  return values.join(', ');
}

const faults = [
  ['1', 5],
  ['2', 7],
];
const views = [{ instrumentName: '*', attributesProcessors: [createAllowListAttributesProcessor([])] }];
const without = await reported(faults, []);
const seen = await reported(faults, views);
const reversed = await reported(faults.toReversed(), views);
console.log(`without a view: ${without}`);
console.log(`with it: ${seen}`);
console.log(`in the other order: ${reversed}`);
if (without !== 'counter 5 and 7, observable 5 and 7, upDown 5 and 7') process.exit(2);
const isAsDescribed = seen === 'counter 12, observable 7, upDown 7' && reversed === 'counter 12, observable 5, upDown 5';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node view.mjs
