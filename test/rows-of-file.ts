import { DatabaseSync } from 'node:sqlite';

/** Reads rows of a SQLite file that another process may be working on. */
export function rowsOf(path: string, sql: string): readonly Record<string, unknown>[] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}
