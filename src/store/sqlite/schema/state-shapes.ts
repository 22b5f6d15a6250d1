import type { DatabaseSync } from 'node:sqlite';
import { Select } from '../../node-sqlite/select.ts';
import type { DeclaredPipeline } from '../../store.ts';

/**
 * Records the shapes under which states are stored from now on. Returns the pipelines that have stored states of another shape under the
 * same version.
 */
export function noteShapes(db: DatabaseSync, pipelines: readonly DeclaredPipeline[]): readonly string[] {
  const insert = db.prepare('INSERT OR IGNORE INTO millrace_state_shapes VALUES (?, ?, ?)');
  const count = new Select<[shapes: number]>(db, 'SELECT count(*) FROM millrace_state_shapes WHERE pipeline = ? AND version = ?');
  return pipelines.flatMap(({ name, state }) => {
    if (state === undefined) return [];
    insert.run(name, state.version, state.shape);
    const [shapes = 1] = count.get(name, state.version) ?? [];
    return shapes > 1 ? [name] : [];
  });
}
