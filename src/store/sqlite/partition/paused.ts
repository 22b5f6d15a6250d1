import type { DatabaseSync } from 'node:sqlite';
import { Select } from '../../node-sqlite/select.ts';

/** Returns the paused ones among some pipelines. */
export function pausedOf(db: DatabaseSync, pipelines: Iterable<string>): readonly string[] {
  const paused = new Set(new Select<[name: string]>(db, 'SELECT pipeline FROM millrace_paused').all().map(([name]) => name));
  return Array.from(pipelines).filter((name) => paused.has(name));
}
