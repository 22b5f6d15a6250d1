import type { EndpointOptions } from './endpoint.ts';
import type { HandlerPlace, PipelineOptions, VersionedState } from './pipeline-options.ts';
import type { Pipeline } from './resolved-pipeline.ts';
import type { Schema } from './schema.ts';
import type { Tables, Turn } from './turn.ts';

/** The options of any pipeline, with the types of its events and states erased. */
export type DeclaredOptions = Omit<PipelineOptions<string, Schema, never, Tables, never>, 'state' | 'handle' | 'timers' | 'deliver'> &
  Pick<Pipeline, 'handle'> &
  Partial<Pick<Pipeline, 'timers'>> &
  HandlerPlace & {
    readonly state?: Schema | VersionedState<Schema>;
    readonly deliver?: Readonly<Record<string, EndpointOptions<unknown, Turn, unknown>>>;
  };
