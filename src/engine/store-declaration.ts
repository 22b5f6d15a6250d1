import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { DeclaredPipeline, StoreDeclaration } from '../store/store.ts';
import { byName, checkNames, tablesOf } from './declared-together.ts';
import { isTogether, sliceOf, sliceOfKey } from './identify.ts';
import { schedulesName } from './schedules/schedules.ts';

/* The knowledge about pipelines needed to work on their database without an engine. */

/**
 * Returns everything a store must be ready for, so that an engine of these pipelines can start on it. The storage of states is left out:
 * none are stored. Throws `MILL_INVALID_DECLARATION` for incompatible pipelines.
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

/** Describes a pipeline to a store, without its states. */
export function declaredAs(pipeline: AnyPipeline): DeclaredPipeline {
  return { name: pipeline.name, numbered: pipeline.order !== undefined, isTogether: isTogether(pipeline) };
}

/** The engine's own pipeline, whose keys are the names of pipelines with schedules. */
export const schedulesDeclared: DeclaredPipeline = { name: schedulesName, numbered: false };

/** Returns a function that locates keys of these pipelines, and of the engine's own, among `slices` slices. */
export function slicing(pipelines: readonly AnyPipeline[], slices: number): (pipeline: string, key: string) => number {
  const declared = byName(pipelines);
  return (name, key) => {
    const pipeline = declared.get(name);
    return pipeline === undefined ? sliceOf(key, slices) : sliceOfKey(pipeline, key, slices);
  };
}
