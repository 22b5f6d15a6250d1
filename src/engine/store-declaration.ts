import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { StoreDeclaration } from '../store/store.ts';
import { byName, checkNames, tablesOf } from './declared-together.ts';
import { sliceOf, sliceOfKey } from './identify.ts';
import { schedulesName } from './schedules/schedules.ts';

/*
 * What has to be known of pipelines to work on their database without an engine.
 */

/**
 * Returns what a store has to be ready for, so that an engine of these pipelines can start on it. How states are stored is left out: none
 * are stored. Throws `MILL_INVALID_DECLARATION` for pipelines that do not go together.
 */
export function storeDeclarationOf(pipelines: readonly AnyPipeline[]): StoreDeclaration {
  checkNames(pipelines);
  const declared = Array.from(byName(pipelines).values(), ({ name, order }) => ({ name, numbered: order !== undefined }));
  const hasSchedules = pipelines.some(({ schedule }) => schedule !== undefined);
  return {
    pipelines: hasSchedules ? [...declared, { name: schedulesName, numbered: false }] : declared,
    tables: tablesOf(pipelines),
  };
}

/** Returns where keys of these pipelines, and of the engine's own, live among so many slices. */
export function slicing(pipelines: readonly AnyPipeline[], slices: number): (pipeline: string, key: string) => number {
  const declared = byName(pipelines);
  return (name, key) => {
    const pipeline = declared.get(name);
    return pipeline === undefined ? sliceOf(key, slices) : sliceOfKey(pipeline, key, slices);
  };
}
