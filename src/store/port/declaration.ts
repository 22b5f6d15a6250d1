import type { Table } from '../../pipeline/table.ts';

/** What the store must be ready for. */
export interface StoreDeclaration {
  readonly pipelines: readonly DeclaredPipeline[];
  readonly tables: readonly Table[];
}

export interface DeclaredPipeline {
  readonly name: string;
  readonly numbered: boolean;
  /** Whether all of its keys live in one slice; by default each lives where its hash says. */
  readonly isTogether?: boolean;
  /** How its states are stored from now on; absent where it keeps none. */
  readonly state?: { readonly version: number /** A fingerprint of the schema. */; readonly shape: string };
}

/** What the store knows of former declarations. */
export interface Opened {
  /** Pipelines of which states may lie here that were stored under the present version of the schema and another shape. */
  readonly reshaped: readonly string[];
  /** Pipelines that were declared with another `isTogether` before, and of which something lies where it was then. */
  readonly misplaced: readonly string[];
  /** Declared pipelines that are paused (`setPaused`). */
  readonly paused: readonly string[];
}
