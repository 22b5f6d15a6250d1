import type { Schema } from './schema.ts';

declare const types: unique symbol;

/** A pipeline as seen by a turn that sends to it: its name, and the types of its events. */
export interface Recipient<Name extends string = string, Input = unknown, Event = unknown, State = unknown> {
  readonly name: Name;
  readonly event: Schema;
  /** Retention of settled events in the log. */
  readonly retainMs: number;
  /** Type-level only. */
  readonly [types]?: { readonly input: Input; readonly event: Event; readonly state: State };
}

/** A recipient with unknown types. */
export type AnyRecipient = Recipient<string, unknown, unknown, unknown>;

export type PipelineInput<P extends AnyRecipient> = P extends Recipient<string, infer Input> ? Input : never;
export type PipelineState<P extends AnyRecipient> = P extends Recipient<string, infer _Input, infer _Event, infer State> ? State : never;
