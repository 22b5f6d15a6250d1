import { quote, quoteAll } from '../../tables/sql-text.ts';

/** The primary keys of the tables with rows of pipelines. */
const keys: ReadonlyMap<string, readonly string[]> = new Map([
  ['millrace_pipelines', ['pipeline']],
  ['millrace_state_shapes', ['pipeline', 'version', 'shape']],
  ['millrace_fences', ['pipeline', 'slice']],
  ['millrace_heads', ['pipeline', 'slice']],
  ['millrace_cursors', ['pipeline', 'slice', 'cursor']],
  ['millrace_keys', ['pipeline', 'slice', 'key']],
  ['millrace_key_blocks', ['pipeline', 'slice', 'key', 'block']],
  ['millrace_blocks', ['pipeline', 'slice', 'block']],
  ['millrace_held', ['pipeline', 'slice', 'key', 'order']],
  ['millrace_gaps', ['pipeline', 'slice', 'key']],
  ['millrace_causes', ['pipeline', 'slice', 'key', 'name_hash']],
  ['millrace_deliveries', ['place']],
  ['millrace_dead_letters', ['id']],
  ['millrace_inbox', ['place']],
  ['millrace_source_offsets', ['pipeline', 'source', 'topic_id', 'partition']],
]);

/** Deletes some rows of the pipeline `$1` without touching any of another one, whose owner may be working (see `found-rows.ts`). */
export function removePiece(table: string, rows: number): string {
  const key = keys.get(table);
  if (key === undefined) throw new Error(`expected a table with rows of pipelines, found ${table}`);
  // If the primary key does not begin with the pipeline, the first unnamed index does.
  const index = key[0] === 'pipeline' ? 'PRIMARY' : 'pipeline';
  const isIt = key.map((name) => `gone.${quote(name)} = some.${quote(name)}`).join(' AND ');
  return `DELETE gone FROM (SELECT ${quoteAll(key)} FROM ${table} FORCE INDEX (${index}) WHERE pipeline = $1 LIMIT ${rows}) AS some
    STRAIGHT_JOIN ${table} AS gone FORCE INDEX (PRIMARY) ON ${isIt}`;
}
