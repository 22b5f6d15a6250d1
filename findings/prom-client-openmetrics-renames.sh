#!/usr/bin/env bash
# prom-client 15.1.3: a scrape in the OpenMetrics format renames the counters of a registry for good.
#
# A registry can be asked for either text format by `setContentType`, so a server that serves both, as the Accept header says, sets it for each
# scrape. In OpenMetrics the name of a counter's family has no `_total`, that of its samples has. To write that, prom-client takes the suffix off the
# metric itself, and puts it back on the samples only while the format is OpenMetrics. From the first such scrape on, the Prometheus text format, too, has
# the counter without its suffix: dashboards and alerts for `jobs_total` find nothing any more, until the process starts anew.
#
# Seen: the sample is `jobs_total{queue="a"} 1` in Prometheus text, the same in OpenMetrics, and then `jobs{queue="a"} 1` in Prometheus text. The
# registry still has a metric under `jobs_total`, whose name is `jobs`.
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund prom-client@15.1.3 >/dev/null 2>&1 || exit 2

cat >scrapes.mjs <<'JS'
import { Counter, Registry } from 'prom-client';

const registry = new Registry();
new Counter({ name: 'jobs_total', help: 'Jobs.', labelNames: ['queue'], registers: [registry] }).inc({ queue: 'a' });

async function scrape(contentType) {
  registry.setContentType(contentType);
  const sample = (await registry.metrics()).split('\n').find((line) => line.startsWith('jobs'));
  console.log(`${contentType.split(';')[0]}: ${sample}`);
  return sample;
}

const before = await scrape(Registry.PROMETHEUS_CONTENT_TYPE);
const openMetrics = await scrape(Registry.OPENMETRICS_CONTENT_TYPE);
const after = await scrape(Registry.PROMETHEUS_CONTENT_TYPE);
const [{ name }] = await registry.getMetricsAsJSON();
console.log(`registered as jobs_total: ${registry.getSingleMetric('jobs_total') !== undefined}; its name: ${name}`);
if (before !== 'jobs_total{queue="a"} 1' || openMetrics !== before) process.exit(2);
process.exitCode = after === 'jobs{queue="a"} 1' && name === 'jobs' ? 0 : 1;
JS
node scrapes.mjs
