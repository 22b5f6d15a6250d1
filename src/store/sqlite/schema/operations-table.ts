/** Dead-letter operations, and their progress. */
export const operationsTable = `
  CREATE TABLE IF NOT EXISTS millrace_operations (
    id TEXT NOT NULL PRIMARY KEY, action TEXT NOT NULL, pipeline TEXT NOT NULL, filter TEXT NOT NULL, who TEXT, reason TEXT,
    asked_at INTEGER NOT NULL, starts_at INTEGER NOT NULL, state TEXT NOT NULL, begun_at INTEGER, ended_at INTEGER, matched INTEGER NOT NULL,
    up_to TEXT, reached TEXT NOT NULL, done INTEGER NOT NULL, refused INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS millrace_idx_operations_open ON millrace_operations (id) WHERE state IN ('starting', 'running');`;
