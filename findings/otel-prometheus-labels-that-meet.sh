#!/usr/bin/env bash
# @opentelemetry/exporter-prometheus 0.301.0 with sdk-metrics 3.1.1: two attributes whose names differ only in a dot and an underscore make the whole page
# of metrics unreadable.
#
# A label of Prometheus has no dots, so the exporter writes `queue.name` as `queue_name`. The specification of OpenTelemetry for Prometheus says what
# to do when two names of one set of attributes become the same: their values are joined by a semicolon. This exporter writes the label twice. A
# reader refuses such a line, and a scraper that fails on one line drops the page: all metrics of the process are gone, `up` says 0, and the process
# does not notice. A single call is enough, such as a library setting `messaging.operation` and the code around it `messaging_operation`. An attribute
# that begins with a digit has the same effect. And if two *sets* become the same, the page has one series twice, with two values, and a reader keeps
# one of them.
#
# Seen, as the line of `jobs_total` and as what the reader of prometheus-client 0.23.1 for Python says of a page that has another counter as well:
#   { 'queue.name': 'a', queue_name: 'b' }           jobs_total{queue_name="a",queue_name="b",…}      fails: invalid labels
#   { '2xx': true }                                  jobs_total{2xx="true",…}                         fails: invalid labels
#   { 'queue.name': 'a' } and { queue_name: 'a' }    jobs_total{queue_name="a",…} 1 and the same 2    reads one series twice
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts @opentelemetry/api@1.10.0 @opentelemetry/sdk-metrics@3.1.1 \
  @opentelemetry/exporter-prometheus@0.301.0 >/dev/null 2>&1 || exit 2
python3 -m pip install --quiet --target python prometheus-client==0.23.1 >/dev/null 2>&1 || exit 2

cat >page.mjs <<'JS'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

const exporter = new PrometheusExporter({ preventServerStart: true });
const meter = new MeterProvider({ readers: [exporter] }).getMeter('worker');
meter.createCounter('others').add(1);
const jobs = meter.createCounter('jobs');
JSON.parse(process.argv[2]).forEach((attributes, index) => jobs.add(index + 1, attributes));
const { resourceMetrics } = await exporter.collect();
process.stdout.write(new PrometheusSerializer().serialize(resourceMetrics));
JS
cat >read.py <<'PY'
import sys
sys.path.insert(0, "python")
from prometheus_client.parser import text_string_to_metric_families

try:
    samples = [sample for family in text_string_to_metric_families(sys.stdin.read()) for sample in family.samples]
except ValueError as error:
    print("fails:", str(error).split(":")[0].lower())
else:
    names = [sample.name for sample in samples]
    labels = {tuple(sorted(sample.labels.items())) for sample in samples if sample.name == "jobs_total"}
    print("reads", names.count("others_total"), "other;", names.count("jobs_total"), "samples of", len(labels), "series")
PY

isAsDescribed=true
check() {
  page=$(node page.mjs "$1") || exit 2
  said=$(python3 read.py <<<"$page") || exit 2
  echo "$1: $(grep '^jobs_total{' <<<"$page" | paste -sd ' '); $said"
  [ "$said" = "$2" ] || isAsDescribed=false
}
control=$(node page.mjs '[{"queue.name":"a"},{"queue.name":"b"}]' | python3 read.py) || exit 2
[ "$control" = 'reads 1 other; 2 samples of 2 series' ] || exit 2
check '[{"queue.name":"a","queue_name":"b"}]' 'fails: invalid labels'
check '[{"2xx":true}]' 'fails: invalid labels'
check '[{"queue.name":"a"},{"queue_name":"a"}]' 'reads 1 other; 2 samples of 1 series'
[ "$isAsDescribed" = true ]
