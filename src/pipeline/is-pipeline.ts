import type { AnyPipeline } from './pipeline.ts';

/** Whether a value is what `pipeline(…)` returns, also one of another copy of this package. */
export function isPipeline(value: unknown): value is AnyPipeline {
  if (typeof value !== 'object' || value === null) return false;
  const { name, event, handle, deliver, retry, retainMs } = value as Readonly<Partial<Record<keyof AnyPipeline, unknown>>>;
  // The options of a pipeline have no time in milliseconds.
  return (
    typeof name === 'string' &&
    (typeof event === 'object' || typeof event === 'function') &&
    typeof handle === 'function' &&
    typeof deliver === 'object' &&
    typeof retry === 'object' &&
    typeof retainMs === 'number'
  );
}
