import assert from 'node:assert/strict';
import { test } from 'node:test';
import { post, type Served, serve } from './fixture.test.ts';

/** Three visits are processed, one has failed and one was rejected; a numbered event waits for its predecessor. */
async function serveBusily(t: Parameters<typeof serve>[0]): Promise<Served> {
  const served = await serve(t);
  const page = (name: string) => post(`${served.url}/pipelines/visits/events`, { page: name });
  for (const name of ['a', 'a', 'b', 'poison']) assert.equal((await page(name)).status, 202);
  assert.equal((await page('')).status, 400);
  assert.equal((await post(`${served.url}/pipelines/numbered/events`, { key: 'k', number: 2 })).status, 202);
  await served.mill.settled('visits', 10_000);
  return served;
}

test('health is ok while there is nothing to do', async (t) => {
  const { url } = await serve(t);
  const response = await fetch(`${url}/health`);
  assert.equal(response.status, 200);
  const { version, ...health } = JSON.parse(await response.text());
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.deepEqual(health, { status: 'ok', service: 'millrace', depth: { visits: 0, numbered: 0 } });
});

test('health is unavailable, with the reason, when the engine has stopped', async (t) => {
  const { url, mill } = await serve(t);
  await mill.stop();
  const response = await fetch(`${url}/health`);
  assert.equal(response.status, 503);
  assert.equal(response.headers.get('retry-after'), '1');
  const { status, reason } = JSON.parse(await response.text());
  assert.equal(status, 'unavailable');
  assert.match(reason, /stop/);
});

test('ping is answered', async (t) => {
  const { url } = await serve(t);
  assert.equal(await (await fetch(`${url}/ping`)).text(), '{"pong":true}');
});

const keys = [
  'events_received',
  'events_processed',
  'events_failed',
  'average_processing_latency_ms',
  'current_queue_depth',
  'active_workers',
  'events_per_second',
  'uptime_seconds',
];

test('metrics are JSON with the agreed keys, in total and for each pipeline', async (t) => {
  const { url } = await serveBusily(t);
  const { pipelines, ...total } = JSON.parse(await (await fetch(`${url}/metrics`)).text());
  for (const metrics of [total, pipelines.visits, pipelines.numbered]) {
    assert.deepEqual(Object.keys(metrics).toSorted(), keys.toSorted());
    for (const value of Object.values(metrics)) assert.equal(typeof value, 'number');
  }
  assert.deepEqual(Object.keys(pipelines), ['visits', 'numbered']);
  assert.equal(pipelines.visits.events_received, 4);
  assert.equal(pipelines.visits.events_processed, 3);
  assert.equal(pipelines.visits.events_failed, 1);
  assert.equal(pipelines.visits.current_queue_depth, 0);
  assert.equal(total.events_received, 5);
  assert.equal(total.active_workers, pipelines.visits.active_workers + pipelines.numbered.active_workers);
});

test('metrics are Prometheus text to a scraper, with every outcome of every pipeline', async (t) => {
  const { url } = await serveBusily(t);
  const response = await fetch(`${url}/metrics`, {
    headers: { accept: 'application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1' },
  });
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const text = await response.text();
  for (const [outcome, count] of Object.entries({
    accepted: 4,
    duplicate: 0,
    rejected: 1,
    processed: 3,
    ignored: 0,
    failed: 1,
    retried: 0,
  })) {
    assert.ok(text.includes(`millrace_events_total{pipeline="visits",outcome="${outcome}"} ${count}\n`), outcome);
  }
  for (const line of [
    'millrace_queue_depth{pipeline="visits"} 0',
    'millrace_running_turns{pipeline="numbered"} 0',
    '# TYPE millrace_events_total counter',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
  assert.match(text, /^millrace_uptime_seconds \d/m);
  assert.match(text, /^nodejs_eventloop_lag_p99_seconds \d/m);
  assert.match(text, /^process_cpu_seconds_total \d/m);
});

test('metrics have the format requested by name, whatever is accepted', async (t) => {
  const { url } = await serve(t);
  const typeOf = async (query: string, accept?: string) => {
    const response = await fetch(`${url}/metrics${query}`, { headers: accept === undefined ? {} : { accept } });
    return [response.status, response.headers.get('content-type')?.split(';')[0], response.headers.get('vary')];
  };
  for (const accept of ['', '*/*', 'application/json', 'text/plain']) {
    assert.deepEqual(await typeOf('?format=prometheus', accept), [200, 'text/plain', 'accept'], accept);
    assert.deepEqual(await typeOf('?format=json', accept), [200, 'application/json', 'accept'], accept);
  }
  for (const query of ['?format=xml', '?format=', '?format=json&format=json', '?fromat=json'])
    assert.deepEqual(await typeOf(query), [400, 'application/problem+json', null], query);
});

test('concurrent scrapes do not mix', async (t) => {
  const { url } = await serveBusily(t);
  const scrape = async () => (await fetch(`${url}/metrics`, { headers: { accept: 'text/plain' } })).text();
  for (const text of await Promise.all([scrape(), scrape(), scrape()])) {
    assert.equal(text.match(/^millrace_events_total\{pipeline="visits",outcome="accepted"\} 4$/gm)?.length, 1);
  }
});
