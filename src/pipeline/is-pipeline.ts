import type { AnyPipeline } from './pipeline.ts';

/** Returns whether a value was made by `pipeline(…)`, from this or another copy of the package. */
export function isPipeline(value: unknown): value is AnyPipeline {
  if (typeof value !== 'object' || value === null) return false;
  const { name, event, handle, deliver, retry, retainMs } = value as Readonly<Partial<Record<keyof AnyPipeline, unknown>>>;
  // Only a resolved pipeline has `retainMs`; its options have `retain`.
  return (
    typeof name === 'string' &&
    (typeof event === 'object' || typeof event === 'function') &&
    typeof handle === 'function' &&
    typeof deliver === 'object' &&
    typeof retry === 'object' &&
    typeof retainMs === 'number'
  );
}
