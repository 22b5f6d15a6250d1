import { describeFound } from '../describe-found.ts';
import { faultFields, faultOf } from '../fault.ts';
import type { Logger } from './logger.ts';
import { type Span, type SpanAttributes, type Tracing, traceparentOf } from './tracing.ts';

/** Tracing as the engine uses it. */
export interface SteadyTracing {
  /** Like {@link Tracing}'s; undefined if the span could not be made. */
  start(name: string, attributes: SpanAttributes, parent: string | null): Span | undefined;
}

/**
 * Wraps the tracing of the embedding program so that none of its failures reaches the engine: work that cannot be traced is still done,
 * exactly once. The first failure is logged.
 */
export function steadyTracing(tracing: Tracing, log: Logger): SteadyTracing {
  let hasFailed = false;
  const failed = (thrown: unknown) => {
    if (!hasFailed) log.warn(faultFields(faultOf(thrown)), 'tracing failed, and spans are missing');
    hasFailed = true;
  };
  return {
    start(name, attributes, parent) {
      try {
        return steadySpan(tracing.start(name, attributes, parent), failed);
      } catch (thrown) {
        failed(thrown);
        return undefined;
      }
    },
  };
}

function steadySpan(span: Span, failed: (thrown: unknown) => void): Span {
  const { traceparent } = span;
  if (traceparentOf(traceparent) === null) throw new TypeError(`expected the traceparent of a span, found ${describeFound(traceparent)}`);
  return {
    traceparent,
    run: (work) => runOnce(span, work, failed),
    end(error) {
      try {
        span.end(error);
      } catch (thrown) {
        failed(thrown);
      }
    },
  };
}

/** Does the work within the span, or without it if the span fails. Throws what the work throws. */
function runOnce<T>(span: Span, work: () => T, failed: (thrown: unknown) => void): T {
  let outcome: { readonly value: T } | { readonly thrown: unknown } | undefined;
  const once = () => {
    try {
      outcome ??= { value: work() };
    } catch (thrown) {
      outcome = { thrown };
    }
  };
  try {
    span.run(once);
  } catch (thrown) {
    failed(thrown);
  }
  once();
  // Calling it twice does the work once.
  const done = outcome as { readonly value: T } | { readonly thrown: unknown } | undefined;
  if (done !== undefined && 'value' in done) return done.value;
  throw done?.thrown;
}
