import type { Table } from '../../pipeline/table.ts';

/** Everything the store must be ready for. */
export interface StoreDeclaration {
  readonly pipelines: readonly DeclaredPipeline[];
  readonly tables: readonly Table[];
}

export interface DeclaredPipeline {
  readonly name: string;
  readonly numbered: boolean;
  /** Keeps all its keys in one slice; by default each lives in the slice its hash selects. */
  readonly isTogether?: boolean;
  /** The format of its states from now on; absent if it keeps none. */
  readonly state?: { readonly version: number /** A fingerprint of the schema. */; readonly shape: string };
}

/** The store's record of earlier declarations. */
export interface Opened {
  /** Pipelines that may have states stored under the schema's current version but in another shape. */
  readonly reshaped: readonly string[];
  /** Pipelines that were declared with another `isTogether` before and still have something in the old place. */
  readonly misplaced: readonly string[];
  /** Declared pipelines that are paused (`setPaused`). */
  readonly paused: readonly string[];
}
