import type { DeclaredOptions } from './declared-options.ts';
import type { HandlerPlace, PipelineOptions, StateOf } from './pipeline-options.ts';
import { resolvePipeline } from './resolve-pipeline.ts';
import type { Pipeline } from './resolved-pipeline.ts';
import type { InputOf, OutputOf, Schema } from './schema.ts';
import type { Tables } from './turn.ts';

export type { AnyRecipient, PipelineInput, PipelineState, Recipient } from './recipient.ts';
export type { AnyPipeline, DeclaredThreads, Pipeline, Pipelines, PipelinesOf, ResolvedOrder } from './resolved-pipeline.ts';

/**
 * Declares a pipeline.
 *
 * ```ts
 * const visits = pipeline('visits', {
 *   event: z.object({ page: z.string() }),
 *   key: (visit) => visit.page,
 *   state: z.object({ count: z.number() }),
 *   handle: (visit, page) => ({ count: (page?.count ?? 0) + 1 }),
 * });
 * ```
 *
 * Throws `MILL_INVALID_DECLARATION`, naming the option, the expected value and the one found.
 */
export function pipeline<
  const Name extends string,
  E extends Schema,
  S extends Schema = never,
  // biome-ignore lint/complexity/noBannedTypes: no tables
  T extends Tables = {},
  TimerNames extends string = never,
  EndpointNames extends string = never,
>(
  name: Name,
  options: PipelineOptions<Name, E, S, T, TimerNames, EndpointNames> & HandlerPlace,
): Pipeline<Name, InputOf<E>, OutputOf<E>, StateOf<S>> {
  // The engine handles values whose types only the declaration knows; the schema has checked them.
  return resolvePipeline(name, options as unknown as DeclaredOptions) as Pipeline<Name, InputOf<E>, OutputOf<E>, StateOf<S>>;
}
