/** The tables of timeline blocks. Both are pruned from their left edge. Long texts are compressed. */
export const blockTables = `
  CREATE TABLE IF NOT EXISTS millrace_blocks (
    pipeline text COLLATE "C" NOT NULL, slice int4 NOT NULL, block int8 NOT NULL, text text NOT NULL, PRIMARY KEY (pipeline, slice, block)
  );
  CREATE TABLE IF NOT EXISTS millrace_key_blocks (
    pipeline text COLLATE "C" NOT NULL, slice int4 NOT NULL, key text COLLATE "C" NOT NULL, block int8 NOT NULL,
    PRIMARY KEY (pipeline, slice, key, block)
  );
  CREATE INDEX IF NOT EXISTS millrace_key_blocks_by_block ON millrace_key_blocks (pipeline, slice, block)`;

/** Lets the record of a key name a block. */
export const blockColumn = 'ALTER TABLE millrace_keys ADD COLUMN IF NOT EXISTS block int8';
