import { describeFound } from '../describe-found.ts';
import { MillraceError } from '../errors.ts';
import { isPipeline } from '../pipeline/is-pipeline.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { Table } from '../pipeline/table.ts';
import { byName, checkNames, tablesOf } from './declared-together.ts';

/** The pipelines of an engine. */
export class DeclaredPipelines {
  /** The user's pipelines, by name. */
  readonly byName: ReadonlyMap<string, AnyPipeline>;
  /** The user's pipelines and the engine's own, by name. */
  readonly all: ReadonlyMap<string, AnyPipeline>;
  readonly tables: readonly Table[];

  /** Throws `MILL_INVALID_DECLARATION` for incompatible pipelines. */
  constructor(pipelines: readonly AnyPipeline[], own: AnyPipeline | undefined) {
    checkNames(pipelines);
    this.byName = byName(pipelines);
    this.tables = tablesOf(pipelines);
    this.all = own === undefined ? this.byName : byName([...pipelines, own]);
  }

  /** Returns a user's pipeline. Throws `MILL_NOT_FOUND`, and `MILL_INVALID_REQUEST` for an invalid name. */
  get(name: string): AnyPipeline {
    const pipeline = this.byName.get(name);
    if (pipeline !== undefined) return pipeline;
    const known = Array.from(this.byName.keys()).join(', ');
    if (typeof name === 'string') throw new MillraceError('MILL_NOT_FOUND', `expected a pipeline (${known}), found ${name}`);
    throw new MillraceError('MILL_INVALID_REQUEST', `expected the name of a pipeline (${known}), found ${pipelineFound(name)}`);
  }
}

function pipelineFound(value: unknown): string {
  return isPipeline(value) ? `the pipeline ${value.name} itself` : describeFound(value);
}
