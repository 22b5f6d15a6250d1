/** One piece of work as traces show it. */
export interface Span {
  /** Names it as the parent of what comes of it, in the form of W3C Trace Context. */
  readonly traceparent: string;
  /** Does the work, which finds the span to be the active one. */
  run<T>(work: () => T): T;
  /** The work is done, or has failed with an error. */
  end(error?: unknown): void;
}

export type SpanAttributes = Readonly<Record<string, string | number>>;

/** Where the engine's spans go. The names are `ingest`, `handle` and `commit`. */
export interface Tracing {
  /** @param parent the `traceparent` of what it is part of, or `active` for whatever span is; null begins a trace */
  start(name: string, attributes: SpanAttributes, parent: string | null): Span;
}

/** The part of a `traceparent` that all spans of one trace share, for logs; `{}` without one. */
export function traceFields(traceparent: string | null | undefined): { readonly trace_id?: string } {
  return traceparent ? { trace_id: traceparent.slice(3, 35) } : {};
}

/** Only later versions than 00 may add something. */
const form = /^(?:00-(?=[^-]*-[^-]*-..$)|(?!00|ff)[0-9a-f]{2}-)(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/**
 * A `traceparent` as a caller sent it (W3C Trace Context, https://www.w3.org/TR/trace-context/#traceparent-header), or
 * null for none and for one that is not well-formed: the specification has it ignored.
 */
export function traceparentOf(text: string | undefined): string | null {
  return text !== undefined && text.length <= 512 && form.test(text) ? text : null;
}
