/** One piece of work in a trace. */
export interface Span {
  /** Identifies it as the parent of later work, as a W3C Trace Context `traceparent`. */
  readonly traceparent: string;
  /** Does the work with this span as the active one. */
  run<T>(work: () => T): T;
  /** Ends the span, with an error if the work has failed. */
  end(error?: unknown): void;
}

export type SpanAttributes = Readonly<Record<string, string | number>>;

/** The destination of the engine's spans. Their names are `ingest`, `handle` and `commit`. */
export interface Tracing {
  /** @param parent the parent's `traceparent`, or `active` for the active span; null begins a trace */
  start(name: string, attributes: SpanAttributes, parent: string | null): Span;
}

/** Returns the trace id from a `traceparent`, shared by all spans of one trace, as log fields; `{}` without one. */
export function traceFields(traceparent: string | null | undefined): { readonly trace_id?: string } {
  return traceparent ? { trace_id: traceparent.slice(3, 35) } : {};
}

/** Only versions later than 00 may append something. */
const form = /^(?:00-(?=[^-]*-[^-]*-..$)|(?!00|ff)[0-9a-f]{2}-)(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/**
 * Parses a caller's `traceparent` (W3C Trace Context, https://www.w3.org/TR/trace-context/#traceparent-header). Null if missing or
 * malformed: the specification says to ignore it.
 */
export function traceparentOf(text: string | undefined): string | null {
  return text !== undefined && text.length <= 512 && form.test(text) ? text : null;
}
