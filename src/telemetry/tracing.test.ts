import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import * as z from 'zod';
import { revoked, throwing } from '../../test/unreadable.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { testMill } from '../testing/test-mill.ts';
import { openTelemetry } from './tracing.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const callerId = '00f067aa0ba902b7';
const traceparent = `00-${traceId}-${callerId}-01`;

const untold = openTelemetry();
const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
beforeEach(() => exporter.reset());

const spans = (name: string): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name);

/** The observations of the handlers. */
const seen: { readonly traceparent: string | undefined; readonly active: string | undefined }[] = [];

let thrown: unknown = new Error('not today');

const visits = pipeline('visits', {
  event: z.object({ page: z.string(), fails: z.boolean().default(false) }),
  key: ({ page }) => page,
  retry: { attempts: 2, backoff: '1s', jitter: 0 },
  async handle(visit, _state, turn) {
    await setImmediate();
    seen.push({ traceparent: turn.traceparent, active: trace.getActiveSpan()?.spanContext().spanId });
    if (visit.fails) throw thrown;
  },
});

test('without an SDK there is no tracing', () => {
  assert.equal(untold, undefined);
});

test('ingest, handle and commit are spans; the first two belong to the caller’s trace', async () => {
  const t = await testMill({ pipelines: [visits], tracing: openTelemetry() });
  const { id } = await t.ingest('visits', { page: '/' }, { traceparent });
  await t.drain();
  const [ingest] = spans('ingest');
  const [handle] = spans('handle');
  assert.ok(ingest && handle);
  assert.equal(ingest.spanContext().traceId, traceId);
  assert.equal(ingest.parentSpanContext?.spanId, callerId);
  assert.deepEqual(ingest.attributes, { 'millrace.pipeline': 'visits', 'millrace.events': 1 });
  assert.equal(handle.spanContext().traceId, traceId);
  assert.equal(handle.parentSpanContext?.spanId, ingest.spanContext().spanId);
  assert.deepEqual(handle.attributes, {
    'millrace.pipeline': 'visits',
    'millrace.key': '/',
    'millrace.event': id,
    'millrace.attempt': 1,
  });
  assert.deepEqual(seen.at(-1), { traceparent: `00-${traceId}-${handle.spanContext().spanId}-01`, active: handle.spanContext().spanId });
  assert.deepEqual(
    spans('commit').map(({ attributes }) => attributes),
    [{ 'millrace.pipeline': 'visits', 'millrace.turns': 1 }],
  );
  await t.stop();
});

test('an event without a trace begins one', async () => {
  const t = await testMill({ pipelines: [visits], tracing: openTelemetry() });
  await t.ingest('visits', { page: '/' });
  await t.drain();
  assert.equal(spans('ingest')[0]?.parentSpanContext, undefined);
  assert.equal(spans('handle')[0]?.spanContext().traceId, spans('ingest')[0]?.spanContext().traceId);
  await t.stop();
});

test('every attempt is a separate span, and a failed one says why, as does the span of a refused event', async () => {
  const t = await testMill({ pipelines: [visits], tracing: openTelemetry() });
  await t.ingest('visits', { page: '/', fails: true }, { traceparent });
  await t.drain();
  await t.advance('1s');
  await t.drain();
  assert.deepEqual(
    spans('handle').map(({ attributes, status }) => [attributes['millrace.attempt'], status]),
    [1, 2].map((attempt) => [attempt, { code: SpanStatusCode.ERROR, message: 'not today' }]),
  );
  // @ts-expect-error the event lacks its page
  await assert.rejects(t.ingest('visits', {}));
  assert.equal(spans('ingest').at(-1)?.status.code, SpanStatusCode.ERROR);
  await t.stop();
});

test('a crash between acceptance and handling does not lose the trace', async () => {
  const t = await testMill({ pipelines: [visits], tracing: openTelemetry(), crashBeforeCommit: true });
  await t.ingest('visits', { page: '/' }, { traceparent });
  await t.crash();
  await t.drain();
  assert.ok(spans('handle').length > 0);
  assert.ok(spans('handle').every((span) => span.spanContext().traceId === traceId));
  await t.stop();
});

test('an attempt that threw something unreadable is an ended span, marked as failed', async () => {
  const hidden = [
    revoked(),
    new Proxy(new Error('x'), { getPrototypeOf: throwing }),
    Object.defineProperties(new Error('x'), { message: { get: throwing }, code: { get: throwing }, stack: { get: throwing } }),
  ];
  const t = await testMill({ pipelines: [visits], tracing: openTelemetry() });
  for (const [at, each] of hidden.entries()) {
    thrown = each;
    exporter.reset();
    await t.ingest('visits', { page: String(at), fails: true }, { traceparent });
    await t.drain();
    const [handle] = spans('handle');
    assert.equal(handle?.status.code, SpanStatusCode.ERROR);
    assert.deepEqual(
      handle.events.map(({ name }) => name),
      ['exception'],
    );
  }
  await t.stop();
});
