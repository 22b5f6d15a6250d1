import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { CauseName } from '../store/store.ts';
import { describeCause } from './cause.ts';

/** Why a pipeline cannot handle a timer or outcome: what it is of is no longer declared. Undefined where it is. */
export function whyUndeclared({ name: pipeline, timers, deliver }: AnyPipeline, cause: CauseName): string | undefined {
  const [declared, name, what] = cause.kind === 'timer' ? [timers, cause.name, 'one'] : [deliver, cause.endpoint, 'an endpoint'];
  if (Object.hasOwn(declared, name)) return undefined;
  const known = Object.keys(declared).join(', ') || 'none';
  return `${describeCause(cause)}: expected ${what} that pipeline ${pipeline} declares (${known}), found none of that name`;
}

/** Whether it is the outcome of an endpoint that is declared and tells its keys nothing. */
export function isUnheard({ deliver }: AnyPipeline, cause: CauseName): boolean {
  return cause.kind === 'outcome' && Object.hasOwn(deliver, cause.endpoint) && deliver[cause.endpoint]?.outcome === undefined;
}
