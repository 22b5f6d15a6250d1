import { DatabaseSync } from 'node:sqlite';

/** Reads rows of a SQLite file, beside whoever works on it. */
export function rowsOf(path: string, sql: string): readonly Record<string, unknown>[] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}
