import {
  type Attributes,
  context,
  type Span as OtelSpan,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Span, Tracing } from '../engine/tracing.ts';
import { isError, messageOf } from '../errors.ts';
import { version } from '../version.ts';

/**
 * Returns the engine's spans for OpenTelemetry, for programs that registered an SDK earlier (`node --import ./instrumentation.js`).
 * Undefined if none did, which saves the engine the work.
 */
export function openTelemetry(): Tracing | undefined {
  const provider = trace.getTracerProvider();
  if (provider instanceof ProxyTracerProvider && provider.getDelegateTracer('millrace') === undefined) return undefined;
  const tracer = provider.getTracer('millrace', version);
  return {
    start: (name, attributes: Attributes, parent) => new TracedSpan(tracer.startSpan(name, { attributes }, contextOf(parent))),
  };
}

class TracedSpan implements Span {
  readonly traceparent: string;
  readonly #span: OtelSpan;

  constructor(span: OtelSpan) {
    this.#span = span;
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  run<T>(work: () => T): T {
    return context.with(trace.setSpan(context.active(), this.#span), work);
  }

  end(error?: unknown): void {
    if (error !== undefined) {
      this.#record(error);
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
    }
    this.#span.end();
  }

  #record(error: unknown): void {
    try {
      this.#span.recordException(isError(error) ? error : messageOf(error));
    } catch {
      // Reading the error throws from a getter.
      this.#span.recordException(messageOf(error));
    }
  }
}

/** Returns the context in which a well-formed `traceparent` is the active span; or the current one, or none. */
function contextOf(traceparent: string | null) {
  if (traceparent === 'active') return context.active();
  if (traceparent === null) return ROOT_CONTEXT;
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-');
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true });
}
