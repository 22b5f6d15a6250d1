import { MillraceError } from '../errors.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { Table } from '../pipeline/table.ts';

/* Checks that the pipelines of one engine are compatible. Each function throws `MILL_INVALID_DECLARATION`. */

/** Refuses names reserved for the engine. */
export function checkNames(pipelines: readonly AnyPipeline[]): void {
  const taken = pipelines.find(({ name }) => name.startsWith('millrace_'));
  if (taken === undefined) return;
  throw new MillraceError('MILL_INVALID_DECLARATION', `pipelines: names must not begin with millrace_, found ${taken.name}`);
}

/** Returns the pipelines by name, and refuses duplicate names. */
export function byName(pipelines: readonly AnyPipeline[]): ReadonlyMap<string, AnyPipeline> {
  const named = new Map<string, AnyPipeline>();
  for (const pipeline of pipelines) {
    if (named.has(pipeline.name))
      throw new MillraceError('MILL_INVALID_DECLARATION', `pipelines: expected each name once, found ${pipeline.name} twice`);
    named.set(pipeline.name, pipeline);
  }
  return named;
}

/** Returns the tables of all pipelines. Several may share one, but not declare two with the same name. */
export function tablesOf(pipelines: readonly AnyPipeline[]): readonly Table[] {
  const tables = new Map<string, Table>();
  for (const pipeline of pipelines) {
    for (const table of Object.values(pipeline.tables)) {
      const present = tables.get(table.name);
      if (present !== undefined && present !== table) {
        throw new MillraceError('MILL_INVALID_DECLARATION', `tables: expected names that differ, found ${table.name} declared twice`);
      }
      tables.set(table.name, table);
    }
  }
  return Array.from(tables.values());
}
