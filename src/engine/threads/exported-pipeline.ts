import { MillraceError } from '../../errors.ts';
import { exportedValues, isObject } from '../../modules/exported.ts';
import { describeLoadFailure } from '../../modules/load-failure.ts';
import { isPipeline } from '../../pipeline/is-pipeline.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { ThreadPurpose } from './thread-messages.ts';

/**
 * Imports the module and finds the pipeline among its exports: a pipeline, a list, or a system that has some. Throws
 * `MILL_INVALID_DECLARATION` if the module does not load or exports no pipeline of that name.
 */
export async function importPipeline({ module, pipeline: name }: ThreadPurpose): Promise<AnyPipeline> {
  const refuse = (problem: string, cause?: unknown): never => {
    throw new MillraceError('MILL_INVALID_DECLARATION', `pipeline ${name}: module: ${module} ${problem}`, { cause });
  };
  let exported: object;
  try {
    exported = await import(module);
  } catch (error) {
    return refuse(`cannot be loaded in a thread: ${describeLoadFailure(error)}`, error);
  }
  const pipelines = exportedValues(exported).flatMap(pipelinesOf);
  const found = pipelines.find((pipeline) => pipeline.name === name);
  if (found !== undefined) return found;
  const others = Array.from(new Set(pipelines.map((pipeline) => pipeline.name))).join(', ') || 'no pipeline';
  return refuse(`does not export the pipeline; it exports ${others}`);
}

function pipelinesOf(value: unknown): readonly AnyPipeline[] {
  if (isPipeline(value)) return [value];
  return isObject(value) && Array.isArray(value.pipelines) ? value.pipelines.filter(isPipeline) : [];
}
