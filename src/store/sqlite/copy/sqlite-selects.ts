import type { PartDialect } from '../../copy/part-select.ts';
import { literal, quoteAll } from '../../tables/sql-text.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';

/** The queries for the parts of a file, which has one slice. */
export const partDialect: PartDialect = {
  quoteAll,
  slice: '0',
  rowPlace: () => 'rowid',
  paused: 'millrace_paused',
  from(kind, pipeline) {
    if (kind === 'letters') return `millrace_dead_letters WHERE pipeline = ${literal(pipeline)}`;
    if (kind !== 'blocks' && kind !== 'key_blocks') return tablesOf(pipeline)[kind];
    // The only slice is named, so that rows come in the order of their primary key, without a sort of all texts.
    return `millrace_${kind} WHERE pipeline = ${literal(pipeline)} AND slice = 0`;
  },
  log(pipeline) {
    const { log, held } = tablesOf(pipeline);
    const name = literal(pipeline);
    return {
      columns: `0, log.position, log.key, log.id, log.number, log.accepted_at, log.body, log.traceparent, log.origin,
        log.position <= coalesce((SELECT cursor FROM millrace_partitions WHERE pipeline = ${name}), 0), held.attempts, held.retry_at,
        (SELECT json_group_array(id) FROM (SELECT id FROM millrace_dead_letters AS letter
          WHERE letter.pipeline = ${name} AND letter.position = log.position ORDER BY id))`,
      from: `${log} AS log LEFT JOIN ${held} AS held
        ON held.key = log.key AND held."order" = coalesce(log.number, log.position) AND held.position = log.position`,
      order: 'log.position',
    };
  },
  // For an id accepted again after its window, the newest moment counts, with the key it came with.
  ids(pipeline) {
    const { ids, log } = tablesOf(pipeline);
    return {
      columns: '0, 0, chosen.id, max(chosen.accepted_at) AS accepted_at, log.key',
      from: `${ids} AS chosen LEFT JOIN ${log} AS log ON log.id = chosen.id AND log.accepted_at = chosen.accepted_at GROUP BY chosen.id`,
      order: '4, 3',
      counted: `SELECT count(DISTINCT id) FROM ${ids}`,
    };
  },
};
