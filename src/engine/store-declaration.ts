import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { DeclaredPipeline, StoreDeclaration } from '../store/store.ts';
import { byName, checkNames, tablesOf } from './declared-together.ts';
import { isTogether, sliceOf, sliceOfKey } from './identify.ts';
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
  const declared = Array.from(byName(pipelines).values(), declaredAs);
  const hasSchedules = pipelines.some(({ schedule }) => schedule !== undefined);
  return {
    pipelines: hasSchedules ? [...declared, schedulesDeclared] : declared,
    tables: tablesOf(pipelines),
  };
}

/** A pipeline as a store is told of it, without its states. */
export function declaredAs(pipeline: AnyPipeline): DeclaredPipeline {
  return { name: pipeline.name, numbered: pipeline.order !== undefined, isTogether: isTogether(pipeline) };
}

/** The pipeline of the engine's own whose keys are the names of those that have schedules. */
export const schedulesDeclared: DeclaredPipeline = { name: schedulesName, numbered: false };

/** Returns where keys of these pipelines, and of the engine's own, live among so many slices. */
export function slicing(pipelines: readonly AnyPipeline[], slices: number): (pipeline: string, key: string) => number {
  const declared = byName(pipelines);
  return (name, key) => {
    const pipeline = declared.get(name);
    return pipeline === undefined ? sliceOf(key, slices) : sliceOfKey(pipeline, key, slices);
  };
}
