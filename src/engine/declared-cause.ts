import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { CauseName } from '../store/store.ts';
import { describeCause } from './cause.ts';

/** Returns why a pipeline cannot handle a timer or outcome: its declaration is gone. Undefined if it is still declared. */
export function whyUndeclared({ name: pipeline, timers, deliver }: AnyPipeline, cause: CauseName): string | undefined {
  const [declared, name, what] = cause.kind === 'timer' ? [timers, cause.name, 'one'] : [deliver, cause.endpoint, 'an endpoint'];
  if (Object.hasOwn(declared, name)) return undefined;
  const known = Object.keys(declared).join(', ') || 'none';
  return `${describeCause(cause)}: expected ${what} that pipeline ${pipeline} declares (${known}), found none of that name`;
}

/** Returns whether it is the outcome of a declared endpoint that does not notify its keys. */
export function isUnheard({ deliver }: AnyPipeline, cause: CauseName): boolean {
  return cause.kind === 'outcome' && Object.hasOwn(deliver, cause.endpoint) && deliver[cause.endpoint]?.outcome === undefined;
}
