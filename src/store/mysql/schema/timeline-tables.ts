/** The tables of timeline blocks, by name without `millrace_`. Both are pruned from their left edge. */
export function blockTables(partition: string, key: string): Readonly<Record<string, string>> {
  return {
    blocks: `${partition}, block BIGINT NOT NULL, text LONGTEXT NOT NULL, PRIMARY KEY (pipeline, slice, block)`,
    key_blocks: `${partition}, "key" ${key} NOT NULL, block BIGINT NOT NULL, PRIMARY KEY (pipeline, slice, "key", block),
      INDEX (pipeline, slice, block)`,
  };
}

/** Lets the record of a key name a block. */
export const blockColumn = 'ALTER TABLE millrace_keys ADD COLUMN block BIGINT';

/** Finds that column. */
export const blockColumnFound =
  "SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'millrace_keys' AND column_name = 'block'";
